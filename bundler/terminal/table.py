"""Plain tables for terminals; Chinese characters count as two columns."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from bundler.terminal.console import clean


def width(text: str) -> int:
    """Columns that `text` takes on a terminal (Unicode, UAX 11)."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def fit(text: str, columns: int) -> str:
    """`text` cut to `columns`, with `…` at its end where something is missing."""
    if width(text) <= columns:
        return text
    while text and width(text) >= columns:
        text = text[:-1]
    return text + "…"


def format_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns two spaces apart, the head in capitals; a cell is one line, whatever is in it."""
    table = [tuple(cell.upper() for cell in head), *(tuple(map(clean, row)) for row in rows)]
    widths = [max(width(row[column]) for row in table) for column in range(len(head))]
    lines = (
        "  ".join(c + " " * (w - width(c)) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in table
    )
    return "\n".join(lines)
