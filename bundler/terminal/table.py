"""Plain-text tables for terminals; Chinese characters count as two columns."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence

from bundler.terminal.console import clean, echo, is_terminal


def width(text: str) -> int:
    """Return the number of columns that `text` takes on a terminal (Unicode, UAX 11)."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def pad(text: str, columns: int) -> str:
    """Return `text`, filled with spaces up to so many columns."""
    return text + " " * (columns - width(text))


def format_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a table with columns two spaces apart and headings in capitals; each cell stays on one line."""
    table = [tuple(cell.upper() for cell in head), *(tuple(map(clean, row)) for row in rows)]
    widths = [max(width(row[column]) for row in table) for column in range(len(head))]
    lines = ("  ".join(pad(c, w) for c, w in zip(row, widths, strict=True)).rstrip() for row in table)
    return "\n".join(lines)


def echo_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: on a terminal, fitted to its width; otherwise as plain lines."""
    if is_terminal(sys.stdout):
        from bundler.terminal.live import print_table  # noqa: PLC0415 rich: 40 ms, only on a terminal

        print_table(head, rows)
    else:
        echo(format_table(head, rows), lines=True)
