"""A blob's bytes as they come: hashed on the way, and never more of them than were promised."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from bundler.errors import FetchError
from bundler.image.oci import Descriptor
from bundler.io.files import write_at
from bundler.io.streams import CHUNK, Stream


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
