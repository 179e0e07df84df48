"""Marked texts beside their values of today: where each use stands, and how a part is replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bundler_compose.site_text import Marks, Use

DEEPEST: Final = 20
"""Maximum depth of uses in words and in values; deeper ones stay as they are."""


@dataclass(frozen=True)
class Change:
    """A part of a text of today that becomes another text.

    Attributes:
        start: offset of its first character in the text of today.
        end: offset after its last character.
        text: what stands there instead, with marks.
    """

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Segment:
    """A piece of a marked text: a literal, or one use.

    Attributes:
        start: offset in the text of today.
        end: offset after it.
        raw: the piece, as it stands in the marked text.
        use: the use, or None for a literal.
        source: marked text that the use takes its value from: its word, or the value of the variable.
        word: whether the source is the word.
    """

    start: int
    end: int
    raw: str
    use: Use | None = None
    source: str = ""
    word: bool = False


class Today:
    """The values that the variables have today.

    Attributes:
        marks: the marks of the reading.
        values: value of each variable that is set, as a text that may have marks itself.
    """

    def __init__(self, marks: Marks, values: Mapping[str, str]) -> None:
        """Keep the marks and the values."""
        self.marks = marks
        self.values = values

    def text(self, marked: str, depth: int = 0) -> str:
        """Return what the project of today has for a marked text. What has no value is empty."""
        return "".join(
            piece if isinstance(piece, str) else self._value(piece, depth)[0]
            for piece in self.marks.split(marked)
        )

    def _value(self, use: Use, depth: int) -> tuple[str, str, bool]:
        """Return the value of a use, the marked text that it comes from, and whether that is the word."""
        given = self.values.get(use.name)
        value = "" if given is None or depth > DEEPEST else self.text(given, depth + 1)
        lacking = not value if use.operator.startswith(":") else given is None
        takes_word = (use.operator[-1:] == "-" and lacking) or (use.operator[-1:] == "+" and not lacking)
        if takes_word:
            return self.text(use.word, depth + 1) if depth <= DEEPEST else "", use.word, True
        if use.operator[-1:] == "+":
            return "", "", False
        return value, given or "", False

    def segments(self, marked: str) -> Iterator[Segment]:
        """Yield the pieces of a marked text, with their places in the text of today."""
        start = 0
        for piece in self.marks.split(marked):
            if isinstance(piece, str):
                yield Segment(start, start + len(piece), piece)
                start += len(piece)
            else:
                value, source, word = self._value(piece, 0)
                yield Segment(start, start + len(value), self.marks.mark(piece), piece, source, word)
                start += len(value)

    def uses(self, marked: str, offset: int = 0, depth: int = 0) -> Iterator[Segment]:
        """Yield each use in a marked text and in what it takes its value from, outer ones first."""
        for segment in self.segments(marked):
            if segment.use is not None:
                yield replace(segment, start=segment.start + offset, end=segment.end + offset)
                if depth < DEEPEST:
                    yield from self.uses(segment.source, segment.start + offset, depth + 1)

    def is_literal(self, marked: str, start: int, end: int) -> bool:
        """Return whether any character between two offsets stands in the text itself, not in a variable."""
        return any(
            segment.use is None and segment.start < end and segment.end > start
            for segment in self.segments(marked)
        )

    def replace(self, marked: str, changes: Sequence[Change]) -> str:
        """Return the marked text with parts of its value replaced.

        A part inside a default changes the default. A part inside the value of a variable puts the changed
        value in the place of the use: the site has no such variable then.
        """
        pieces = []
        for segment in self.segments(marked):
            touching = [change for change in changes if _touches(change, segment)]
            if not touching:
                pieces.append(segment.raw)
            elif segment.use is None:
                pieces.append(_cut(segment, touching))
            else:
                pieces.append(self._in_use(segment, segment.use, touching))
        return "".join(pieces)

    def _in_use(self, segment: Segment, use: Use, changes: Sequence[Change]) -> str:
        cover = next((c for c in changes if c.start <= segment.start and c.end >= segment.end), None)
        if cover is not None:
            return cover.text if cover.start == segment.start else ""
        shifted = [replace(c, start=c.start - segment.start, end=c.end - segment.start) for c in changes]
        inner = self.replace(segment.source, shifted)
        within = all(c.start >= segment.start and c.end <= segment.end for c in changes)
        if segment.word and within:
            return self.marks.mark(replace(use, word=inner))
        return inner


def _touches(change: Change, segment: Segment) -> bool:
    if segment.start == segment.end:  # an empty value goes where the text around it goes
        return change.start < segment.start < change.end
    return change.start < segment.end and change.end > segment.start


def _cut(segment: Segment, changes: Sequence[Change]) -> str:
    pieces = []
    position = segment.start
    for change in sorted(changes, key=lambda change: change.start):
        pieces.append(segment.raw[position - segment.start : max(change.start - segment.start, 0)])
        if change.start >= segment.start:
            pieces.append(change.text)
        position = min(change.end, segment.end)
    pieces.append(segment.raw[position - segment.start :])
    return "".join(pieces)
