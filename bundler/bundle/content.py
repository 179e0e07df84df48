"""Sources of a member's bytes: memory, a file on this machine, or a blob still to be fetched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bundler.io.streams import CHUNK

if TYPE_CHECKING:
    from bundler.bundle.incoming import Incoming


class Content(Protocol):
    """The bytes of a member."""

    @property
    def file(self) -> Path | None:
        """Return the path of the file with the bytes; None if they are not in a file."""

    @property
    def incoming(self) -> Incoming | None:
        """Return the blob to fetch straight into the bundle; None if the bytes are already available."""

    def chunks(self) -> Iterator[bytes]:
        """Return the bytes in order.

        Raises:
            TypeError: the bytes have not been fetched yet.
        """


@dataclass(frozen=True)
class InMemory:
    """Bytes in memory."""

    data: bytes
    file: None = None
    incoming: None = None

    def chunks(self) -> Iterator[bytes]:
        """Return all bytes as one chunk."""
        yield self.data


@dataclass(frozen=True)
class OnDisk:
    """A file on this machine."""

    file: Path
    incoming: None = None

    def chunks(self) -> Iterator[bytes]:
        """Read the file in chunks of at most `CHUNK` bytes."""
        with self.file.open("rb", buffering=0) as opened:
            while chunk := opened.read(CHUNK):
                yield chunk


def content_of(given: bytes | Path) -> Content:
    """Return the content for what plugins may pass: bytes, or the path of a file."""
    return InMemory(given) if isinstance(given, bytes) else OnDisk(given)
