"""Bytes that are read forward."""

from __future__ import annotations

from typing import Protocol

CHUNK = 1 << 20
"""Bytes read at a time: large enough that Python's own cost per read vanishes."""


class Readable(Protocol):
    """Anything that hands out bytes."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; empty at the end."""


class Stream(Readable, Protocol):
    """A stream that holds something which must be given back."""

    def close(self) -> None:
        """Give it back."""


class Rewound:
    """A stream of which the first bytes were read already, and are read again."""

    def __init__(self, head: bytes, rest: Readable) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes, the head first; empty at the end."""
        if self._head:
            part, self._head = self._head[:size], self._head[size:]
            return part
        return self._rest.read(size)
