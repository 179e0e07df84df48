"""A hook of hatchling for the wheel: it puts in the documentation, which `bundle docs` opens.

The wheel always has the pages of docs/ as Markdown. With `$BUNDLE_DOCS_SITE`, a folder that mkdocs made, it
has the site too: releases do that, and an installation from a checkout needs no mkdocs.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SITE_VARIABLE = "BUNDLE_DOCS_SITE"


class WheelHook(BuildHookInterface[Any]):
    """Adds the documentation."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to include; an editable installation reads them from the checkout."""
        if version == "editable":
            return
        docs = Path(self.root) / "docs"
        included = build_data["force_include"]
        for page in sorted(docs.rglob("*.md")):
            included[str(page)] = f"bundler/pages/{page.relative_to(docs)}"
        site = os.environ.get(SITE_VARIABLE)
        if site:
            if not (Path(site) / "index.html").is_file():
                raise FileNotFoundError(f"${SITE_VARIABLE}: {site} has no index.html")
            included[str(Path(site).resolve())] = "bundler/site"
