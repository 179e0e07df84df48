"""Texts with places that the site fills: each place is a mark, opaque to everything that reads the text.

A mark is U+E000, digits of U+E010 to U+E019, and U+E001: private characters that no rule of Compose looks at.
So a text with marks can be split at `:` or `/` and be merged, and becomes a text of Compose at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from bundler.errors import BundleError
from bundler.language import tr
from bundler_compose.template_text import Substitution, pieces

_DIGITS: Final = "".join(chr(0xE010 + digit) for digit in range(10))
_TO_PRIVATE: Final = str.maketrans("0123456789", _DIGITS)
_TO_DECIMAL: Final = str.maketrans(_DIGITS, "0123456789")
MARK: Final = re.compile(f"\ue000([{_DIGITS}]+)\ue001")
"""One mark."""
_ESCAPED: Final = re.compile(r"\\u(e00[01]|e01[0-9])")
_PRIVATE: Final = re.compile(f"[\ue000\ue001{_DIGITS}]")


@dataclass(frozen=True)
class Use:
    """One use of a variable that the site may set.

    Attributes:
        name: name of the variable.
        operator: `:-`, `-`, `:?`, `?`, `:+`, `+`, or empty.
        word: text after the operator, in which a `$` stands for itself and marks stand for uses.
        where: place for errors, such as `compose.yaml:3`.
    """

    name: str
    operator: str = ""
    word: str = ""
    where: str = ""


def refuse_marks(text: str, where: str) -> None:
    """Refuse a text from outside that has the private characters of marks.

    Raises:
        BundleError: it has one.
    """
    if found := _PRIVATE.search(text):
        raise BundleError(
            tr(
                "{where}: the private character U+{code:04X} cannot be carried",
                where=where,
                code=ord(found[0]),
            ),
            hint=tr("replace it: its meaning is private to one font or program"),
        )


def has_mark(text: str) -> bool:
    """Whether a mark stands in `text`."""
    return MARK.search(text) is not None


def unescape_marks(text: str) -> str:
    """Return a message whose marks `repr` has escaped, with the marks themselves."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


class Marks:
    """The marks of one reading, each with its use."""

    def __init__(self) -> None:
        """Begin without marks."""
        self._uses: list[Use] = []
        self._known: dict[Use, str] = {}

    def mark(self, use: Use) -> str:
        """Return the mark for `use`. Uses that differ only in their place have the same mark."""
        key = replace(use, where="")
        if key not in self._known:
            self._known[key] = f"\ue000{str(len(self._uses)).translate(_TO_PRIVATE)}\ue001"
            self._uses.append(use)
        return self._known[key]

    def use(self, mark: str) -> Use:
        """Return the use that `mark` stands for.

        Raises:
            ValueError: `mark` is not one mark of this reading.
        """
        found = MARK.fullmatch(mark)
        number = int(found[1].translate(_TO_DECIMAL)) if found else len(self._uses)
        if number >= len(self._uses):
            raise ValueError(mark)
        return self._uses[number]

    def split(self, text: str) -> Iterator[str | Use]:
        """Yield the literal texts of `text` and its uses, in their order; not those in words."""
        start = 0
        for found in MARK.finditer(text):
            if found.start() > start:
                yield text[start : found.start()]
            yield self.use(found[0])
            start = found.end()
        if start < len(text):
            yield text[start:]

    def uses(self, text: str) -> Iterator[Use]:
        """Yield each use in `text`, and those in its words."""
        for piece in self.split(text):
            if isinstance(piece, Use):
                yield piece
                yield from self.uses(piece.word)

    def render(self, text: str) -> str:
        """Return `text` as Compose's text: marks as `${NAME}`, and each other `$` as `$$`.

        Raises:
            BundleError: the language of Compose cannot write it, such as a word with a line break.
        """
        written = self._write(text)
        if has_mark(text):
            self._check(text, written)
        return written

    def _write(self, text: str) -> str:
        return "".join(
            piece.replace("$", "$$")
            if isinstance(piece, str)
            else f"${{{piece.name}{piece.operator}{self._write(piece.word) if piece.operator else ''}}}"
            for piece in self.split(text)
        )

    def _check(self, text: str, written: str) -> None:
        """Refuse `written` if Compose would read another text than `text` from it."""
        use = next(self.uses(text))
        try:
            same = self._read(written) == text
        except BundleError:
            same = False
        if not same:
            raise BundleError(
                tr(
                    "{where}: ${{{name}{operator}...}} cannot be written for the site: its word has a "
                    "line break, or braces without their counterpart",
                    where=use.where,
                    name=use.name,
                    operator=use.operator,
                ),
                hint=tr("set {name} in `settings: values`, or change the word", name=use.name),
            )

    def _read(self, written: str) -> str:
        return "".join(
            self.mark(Use(piece.name, piece.operator, self._read(piece.word)))
            if isinstance(piece, Substitution)
            else piece
            for piece in pieces(written)
        )

    def bind(self, text: str, values: Mapping[str, str]) -> str:
        """Return `text` as Compose resolves it at a site where the variables have `values`.

        Raises:
            BundleError: a required variable has no value.
        """
        return "".join(
            piece if isinstance(piece, str) else self._bound(piece, values) for piece in self.split(text)
        )

    def _bound(self, use: Use, values: Mapping[str, str]) -> str:
        value = values.get(use.name)
        lacking = not value if use.operator.startswith(":") else value is None
        match use.operator[-1:]:
            case "-" if lacking:
                return self.bind(use.word, values)
            case "+":
                return "" if lacking else self.bind(use.word, values)
            case "?" if lacking:
                raise BundleError(
                    tr(
                        "{where}: {name} has no value: {reason}",
                        where=use.where,
                        name=use.name,
                        reason=self.bind(use.word, values),
                    ),
                    hint=tr("give {name} a value", name=use.name),
                )
        return value or ""
