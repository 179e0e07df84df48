"""Ranges of a text that do not overlap."""

from __future__ import annotations

from bisect import bisect_left, insort

from bundler_compose.secrets.layout import Change


class Ranges:
    """Ranges of offsets, none of which overlaps another."""

    def __init__(self) -> None:
        """Begin without ranges."""
        self._taken: list[tuple[int, int]] = []

    def is_free(self, start: int, end: int) -> bool:
        """Return whether a range overlaps none of those that are here."""
        at = bisect_left(self._taken, (start, start))
        before = self._taken[at - 1] if at else (0, 0)
        after = self._taken[at] if at < len(self._taken) else (end, end)
        return before[1] <= start and end <= after[0]

    def take(self, start: int, end: int) -> bool:
        """Add a range if it overlaps no other; return whether it was added."""
        if not self.is_free(start, end):
            return False
        insort(self._taken, (start, end))
        return True


class Changes:
    """Changes of one text, none of which overlaps another.

    Attributes:
        kept: the changes, in the order in which they were added.
    """

    def __init__(self) -> None:
        """Begin without changes."""
        self.kept: list[Change] = []
        self._ranges = Ranges()

    def is_free(self, start: int, end: int) -> bool:
        """Return whether a range overlaps no change."""
        return self._ranges.is_free(start, end)

    def add(self, start: int, end: int, text: str) -> None:
        """Add a change unless it overlaps one that is there."""
        if self._ranges.take(start, end):
            self.kept.append(Change(start, end, text))
