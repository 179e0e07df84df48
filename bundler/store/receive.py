"""A blob's bytes as they come: hashed on the way, and never more of them than were promised."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Protocol

from bundler.errors import FetchError
from bundler.image.oci import Descriptor

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


class WrongBytesError(FetchError):
    """A blob arrived whole, and is not what its digest names."""


@contextmanager
def naming(image: str) -> Iterator[None]:
    """Let what is said of wrong bytes name the image that they are for."""
    try:
        yield
    except WrongBytesError as error:
        raise WrongBytesError(f"{image}: {error.message}", hint=error.hint) from error


class Receiver:
    """One blob on its way.

    Attributes:
        blob: digest and size that the bytes must have.
        have: how many have come.
    """

    def __init__(self, blob: Descriptor, tap: Callable[[bytes], None] | None = None) -> None:
        """Nothing has come yet; `tap` is given every byte, in order."""
        self.blob = blob
        self._tap = tap
        self.have = 0
        self._digest = hashlib.sha256()

    def note(self, chunk: bytes) -> None:
        """Count bytes that are in their place already."""
        self._digest.update(chunk)
        self.have += len(chunk)
        if self._tap is not None:
            self._tap(chunk)

    def receive(
        self,
        open_at: Callable[[int], Stream],
        file: int,
        advance: Callable[[int], None],
        *,
        place: int = 0,
    ) -> None:
        """Bring what is missing, and check the whole.

        Args:
            open_at: opens the blob's bytes from an offset on.
            file: descriptor of the file that they belong in.
            advance: told of every stretch that is there.
            place: offset of the blob's first byte in the file.

        Raises:
            FetchError: the bytes cannot be had.
            WrongBytesError: they are too few, too many, or others.
        """
        if self.have < self.blob.size or self.blob.size == 0:
            with closing(open_at(self.have)) as stream:
                while chunk := stream.read(CHUNK):
                    if self.have + len(chunk) > self.blob.size:
                        self.have += len(chunk)
                        break  # more than promised: do not fill the disk with it
                    write_at(file, place + self.have, chunk)
                    self.note(chunk)
                    advance(len(chunk))
        found = "sha256:" + self._digest.hexdigest()
        if self.have != self.blob.size or found != self.blob.digest:
            what = f"{self.have} bytes" if self.have != self.blob.size else found
            raise WrongBytesError(
                f"blob {self.blob.digest} ({self.blob.size} bytes) arrived as {what}; it was thrown away",
                hint="the registry or a proxy on the way is broken; try a mirror",
            )


def write_at(file: int, place: int, chunk: bytes) -> None:
    """Write all of `chunk` to the offset `place` of the file with this descriptor."""
    view = memoryview(chunk)
    while view:
        written = os.pwrite(file, view, place)
        view, place = view[written:], place + written


def read_at(file: int, place: int, size: int) -> Iterator[bytes]:
    """The `size` bytes from the offset `place` on, `CHUNK` at a time; fewer where the file ends."""
    end = place + size
    while chunk := os.pread(file, min(CHUNK, end - place), place):
        place += len(chunk)
        yield chunk
