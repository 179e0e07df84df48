"""Where the bytes of a member come from: memory, a file of this machine, or a registry that sends them."""

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
        """The file of this machine that has them; None where there is none."""

    @property
    def incoming(self) -> Incoming | None:
        """What is fetched straight into its place in the bundle; None where the bytes are here."""

    def chunks(self) -> Iterator[bytes]:
        """The bytes in order.

        Raises:
            TypeError: they are not here yet.
        """


@dataclass(frozen=True)
class InMemory:
    """Bytes that this program made."""

    data: bytes
    file: None = None
    incoming: None = None

    def chunks(self) -> Iterator[bytes]:
        """All of them at once."""
        yield self.data


@dataclass(frozen=True)
class OnDisk:
    """A file of this machine."""

    file: Path
    incoming: None = None

    def chunks(self) -> Iterator[bytes]:
        """In pieces of at most `CHUNK`."""
        with self.file.open("rb", buffering=0) as opened:
            while chunk := opened.read(CHUNK):
                yield chunk


def content_of(given: bytes | Path) -> Content:
    """The content that plugins give in short: bytes, or the path of a file."""
    return InMemory(given) if isinstance(given, bytes) else OnDisk(given)
