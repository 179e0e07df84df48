"""Receives the bytes of a blob or file: hashes them as they arrive, and never accepts more than promised."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from bundler.errors import FetchError
from bundler.io.files import write_at
from bundler.io.streams import CHUNK, Stream
from bundler.language import tr


class WrongBytesError(FetchError):
    """A blob or file was received, but does not match its digest.

    Attributes:
        found: the actual digest; empty if there are too few or too many bytes.
    """

    def __init__(self, message: str, *, hint: str | None = None, found: str = "") -> None:
        super().__init__(message, hint=hint)
        self.found = found


class ChangedError(FetchError):
    """A file has changed since an earlier part of it was received."""


@contextmanager
def naming(image: str) -> Iterator[None]:
    """Add the image's name to errors about wrong bytes."""
    try:
        yield
    except WrongBytesError as error:
        raise WrongBytesError(f"{image}: {error.message}", hint=error.hint, found=error.found) from error


class Receiver:
    """One blob or file that is being received.

    Attributes:
        digest: expected digest.
        size: expected bytes; None if unknown.
        have: bytes received so far.
    """

    def __init__(self, digest: str, size: int | None, tap: Callable[[bytes], None] | None = None) -> None:
        """Start without any bytes; `tap` receives every byte in order."""
        self.digest = digest
        self.size = size
        self._tap = tap
        self.have = 0
        self._hash = hashlib.sha256()

    def note(self, chunk: bytes) -> None:
        """Count bytes that are already in the file."""
        self._hash.update(chunk)
        self.have += len(chunk)
        if self._tap is not None:
            self._tap(chunk)

    def receive(
        self,
        open_at: Callable[[int], Stream],
        file: int | None,
        advance: Callable[[int], None],
        *,
        place: int = 0,
    ) -> None:
        """Receive the missing bytes and check the whole.

        Args:
            open_at: opens the blob at an offset.
            file: descriptor of the file to write to; None to keep nothing.
            advance: called with a number of bytes whenever bytes are written.
            place: offset of the blob's first byte in the file.

        Raises:
            FetchError: the bytes are unavailable.
            WrongBytesError: there are too few or too many bytes, or other ones.
        """
        if self.size is None or self.have < self.size or self.size == 0:
            with closing(open_at(self.have)) as stream:
                while chunk := stream.read(CHUNK):
                    if self.size is not None and self.have + len(chunk) > self.size:
                        self.have += len(chunk)
                        break  # more than promised: do not fill the disk
                    if file is not None:
                        write_at(file, place + self.have, chunk)
                    self.note(chunk)
                    advance(len(chunk))
        self._check()

    def _check(self) -> None:
        found = "sha256:" + self._hash.hexdigest()
        whole = self.size in {None, self.have}
        if whole and found == self.digest:
            return
        size = "" if self.size is None else tr(" ({size} bytes)", size=self.size)
        what = found if whole else tr("{count} bytes", count=self.have)
        raise WrongBytesError(
            tr(
                "blob {digest}{size} arrived as {what}; it was discarded",
                digest=self.digest,
                size=size,
                what=what,
            ),
            hint=tr("the registry or a proxy on the way is broken; try a mirror"),
            found=found if whole else "",
        )
