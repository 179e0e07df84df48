"""A hook of hatchling for the metadata: links of the project, where `$BUNDLE_REPOSITORY` says its address.

The address is no property of the source: each publisher, and each fork, has its own.
"""

from __future__ import annotations

import os
import re
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

REPOSITORY_VARIABLE = "BUNDLE_REPOSITORY"
LINKS = {
    "Repository": "",
    "Documentation": "/tree/main/docs",
    "Changelog": "/blob/main/CHANGELOG.md",
    "Issues": "/issues",
}
"""Name of a link, and its address below that of the repository."""


class LinksHook(MetadataHookInterface):
    """Adds the links."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Set `urls` of the project."""
        repository = os.environ.get(REPOSITORY_VARIABLE, "").rstrip("/")
        if repository and not re.fullmatch(r"https://[^\s/]+/\S+", repository):
            raise ValueError(f"${REPOSITORY_VARIABLE}: {repository} is not like https://host/owner/project")
        metadata["urls"] = {name: repository + below for name, below in LINKS.items()} if repository else {}
