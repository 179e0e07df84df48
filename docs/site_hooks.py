"""Hooks of mkdocs.yml: differences between the documentation site and the pages in the repository."""

from __future__ import annotations

import re

OTHER_LANGUAGE = re.compile(r" *\[(?:中文|English)\]\([^)]*\)")


def on_page_markdown(markdown: str, **_: object) -> str:
    """Remove the link to the page in the other language, because the site has a language selector."""
    return OTHER_LANGUAGE.sub("", markdown, count=1)
