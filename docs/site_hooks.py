"""Hooks of mkdocs.yml: what the site does differently from the pages as they are read in the repository."""

from __future__ import annotations

import re

OTHER_LANGUAGE = re.compile(r" *\[(?:中文|English)\]\([^)]*\)")


def on_page_markdown(markdown: str, **_: object) -> str:
    """Leave out the link to the page in the other language: the site has a selector for it."""
    return OTHER_LANGUAGE.sub("", markdown, count=1)
