"""Streams of bytes that are read from beginning to end."""

from __future__ import annotations

from typing import Protocol

CHUNK = 1 << 20
"""Bytes read at a time: large enough that the overhead of Python per read does not matter."""


class Readable(Protocol):
    """Anything with a `read` method for bytes."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; empty at the end."""


class Stream(Readable, Protocol):
    """A stream that holds a resource which must be released."""

    def close(self) -> None:
        """Release the resource."""


class Rewound:
    """A stream whose first bytes were already read, and are returned again."""

    def __init__(self, head: bytes, rest: Readable) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, first from the head; empty at the end."""
        if self._head:
            part, self._head = self._head[:size], self._head[size:]
            return part
        return self._rest.read(size)
