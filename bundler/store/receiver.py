"""The bytes of a blob or file as they come: hashed on the way, and never more of them than were promised."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from bundler.errors import FetchError
from bundler.io.files import write_at
from bundler.io.streams import CHUNK, Stream


class WrongBytesError(FetchError):
    """A blob or file arrived whole, and is not what its digest names.

    Attributes:
        found: the digest that it has; empty where it has too few or too many bytes.
    """

    def __init__(self, message: str, *, hint: str | None = None, found: str = "") -> None:
        super().__init__(message, hint=hint)
        self.found = found


class ChangedError(FetchError):
    """A file is not the one that an earlier part of it came from."""


@contextmanager
def naming(image: str) -> Iterator[None]:
    """Let what is said of wrong bytes name the image that they are for."""
    try:
        yield
    except WrongBytesError as error:
        raise WrongBytesError(f"{image}: {error.message}", hint=error.hint, found=error.found) from error


class Receiver:
    """One blob or file on its way.

    Attributes:
        digest: that the bytes must have.
        size: how many they must be; None where nobody has said.
        have: how many have come.
    """

    def __init__(self, digest: str, size: int | None, tap: Callable[[bytes], None] | None = None) -> None:
        """Nothing has come yet; `tap` is given every byte, in order."""
        self.digest = digest
        self.size = size
        self._tap = tap
        self.have = 0
        self._hash = hashlib.sha256()

    def note(self, chunk: bytes) -> None:
        """Count bytes that are in their place already."""
        self._hash.update(chunk)
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
        if self.size is None or self.have < self.size or self.size == 0:
            with closing(open_at(self.have)) as stream:
                while chunk := stream.read(CHUNK):
                    if self.size is not None and self.have + len(chunk) > self.size:
                        self.have += len(chunk)
                        break  # more than promised: do not fill the disk with it
                    write_at(file, place + self.have, chunk)
                    self.note(chunk)
                    advance(len(chunk))
        self._check()

    def _check(self) -> None:
        found = "sha256:" + self._hash.hexdigest()
        whole = self.size in {None, self.have}
        if whole and found == self.digest:
            return
        size = "" if self.size is None else f" ({self.size} bytes)"
        what = found if whole else f"{self.have} bytes"
        raise WrongBytesError(
            f"blob {self.digest}{size} arrived as {what}; it was discarded",
            hint="the registry or a proxy on the way is broken; try a mirror",
            found=found if whole else "",
        )
