"""Lines of a given width; Chinese breaks between any two characters, except before and after punctuation."""

from __future__ import annotations

import re
from typing import Final

from bundler.terminal.table import width

_WIDE: Final = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60"
"""Han characters, their punctuation and full-width forms: Unicode, East Asian Width."""
_NO_BREAK_BEFORE: Final = (
    "\u3001\u3002\uff0c\uff1a\uff1b\uff01\uff1f\uff09\u300d\u300f\u300b\u201d\u2019\u2026"
)
_NO_BREAK_AFTER: Final = "\uff08\u300c\u300e\u300a\u201c\u2018"
_UNIT: Final = re.compile(
    rf"\s+|[{_NO_BREAK_AFTER}]*(?:`[^`]{{1,40}}`|\[[^\[\]\s]{{1,20}}\]|[{_WIDE}]|[^\s{_WIDE}{_NO_BREAK_AFTER}{_NO_BREAK_BEFORE}]+)[{_NO_BREAK_BEFORE}]*"
    r"|\S"
)
"""What stays on one line: spaces, code, a remark such as `[required]`, a word, or a wide character, with its
punctuation."""


def wrap(text: str, columns: int) -> list[str]:
    """Break a paragraph into lines of at most so many columns; a longer word has a line of its own.

    Args:
        text: the paragraph.
        columns: the width of a line on a terminal.
    """
    lines, line = [], ""
    for unit in _UNIT.findall(text):
        if line.strip() and width(line + unit.rstrip()) > columns:
            lines.append(line.rstrip())
            line = ""
        if line or not unit.isspace():
            line += unit
    return [*lines, line.rstrip()] if line.strip() else lines
