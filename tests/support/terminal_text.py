"""What stands on a terminal in the end: lines that were rewritten are as they were last.

It knows what the builder writes: text, line breaks, carriage returns, and the sequences of ECMA-48 that move
the cursor up, erase a line, or set a colour. Long lines are not broken, as when they are copied from there.
"""

from __future__ import annotations

import io
import re
from typing import Final

_PART: Final = re.compile(
    r"\x1b\[(?P<digits>[?\d;]*)(?P<final>[A-Za-z])|(?P<break>\r?\n)|(?P<back>\r)|(?P<text>[^\x1b\r\n]+)"
)
_SILENT: Final = re.compile(r"[\d;]*m|\?25[hl]")
"""Colours, and whether the cursor is shown."""


class Screen(io.StringIO):
    """A terminal: its lines, and the place of the cursor."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = [""]
        self.row = self.column = 0

    def write(self, text: str, /) -> int:
        """Write a text.

        Raises:
            ValueError: it has something that this terminal does not know.
        """
        end = 0
        for part in _PART.finditer(text):
            if part.start() != end:
                break
            end = part.end()
            if part["text"]:
                self._put(part["text"])
            elif part["back"]:
                self.column = 0
            elif part["break"]:
                self.row, self.column = self.row + 1, 0
                self.lines += [""] * (self.row + 1 - len(self.lines))
            else:
                self._obey(part["digits"], part["final"])
        if end != len(text):
            raise ValueError(f"unknown characters {text[end : end + 20]!r}")
        return len(text)

    def _put(self, text: str) -> None:
        line, end = self.lines[self.row].ljust(self.column), self.column + len(text)
        self.lines[self.row] = line[: self.column] + text + line[end:]
        self.column = end

    def _obey(self, digits: str, final: str) -> None:
        if final == "A":
            self.row -= int(digits or 1)
        elif (final, digits) == ("K", "2"):
            self.lines[self.row] = ""
        elif not _SILENT.fullmatch(digits + final):
            raise ValueError(f"unknown sequence ESC[{digits}{final}")
