"""A layer's tar: unpacked as a stream, and a sketch of what is in it."""

from __future__ import annotations

import hashlib
import heapq
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import zstandard

from bundler.errors import FetchError
from bundler.unpacked import GZIP_MAGIC, ZSTD_MAGIC

CHUNK = 1 << 20
SKETCH = 512
"""Files that a sketch keeps: enough to tell a shared tenth of two layers."""
EXTENSIONS = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, b"L", b"K")
"""Types of headers that bring names and attributes of the next one: POSIX.1-2001 (pax), GNU."""
LARGEST = 1 << 40
"""Bytes of a file in a layer."""
SMALL = 4096
"""Bytes below which a file does not matter to a sketch."""


@dataclass(frozen=True)
class UnpackedLayer:
    """A layer once unpacked.

    Attributes:
        path: the file that has it, packed.
        diff_id: digest of the tar: image-spec, config.md, "Layer DiffID".
        size: bytes of the tar.
        sketch: a sample of its files' names and sizes, the same for the same files.
    """

    path: Path
    diff_id: str
    size: int
    sketch: frozenset[bytes]


def unpack(path: Path) -> Iterator[bytes]:
    """The tar's bytes, whether the layer is gzip (of several members, too), zstd or plain.

    Raises:
        FetchError: the layer is damaged.
    """
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        try:
            if head.startswith(GZIP_MAGIC):
                yield from _gunzip(iter(lambda: file.read(CHUNK), b""))
            elif head.startswith(ZSTD_MAGIC):
                reader = zstandard.ZstdDecompressor(max_window_size=1 << 31)
                with reader.stream_reader(file, read_across_frames=True) as stream:
                    yield from iter(lambda: stream.read(CHUNK), b"")
            else:
                yield from iter(lambda: file.read(CHUNK), b"")
        except (zlib.error, zstandard.ZstdError, EOFError) as error:
            raise FetchError(
                f"layer {path.name}: cannot be unpacked: {error}",
                hint="run `bundle cache --check`; if it finds nothing, the image itself is damaged",
            ) from error


def _gunzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    member = zlib.decompressobj(wbits=31)
    for chunk in chunks:
        rest = chunk
        while rest:
            if member.eof:
                if not rest.lstrip(b"\0"):
                    break  # padding after the last member, as gzip itself accepts it
                member = zlib.decompressobj(wbits=31)
            tar = member.decompress(rest, CHUNK)
            yield tar
            rest = member.unused_data if member.eof else member.unconsumed_tail
    if not member.eof:
        raise EOFError("it ends early")


class _Reader:
    """Reads chunks as a file, and keeps count of what went by."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = memoryview(b"")
        self.digest = hashlib.sha256()
        self.size = 0

    def read(self, size: int = CHUNK, /) -> bytes:
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self.digest.update(chunk)
            self.size += len(chunk)
            self._left = memoryview(chunk)
        part, self._left = self._left[:size], self._left[size:]
        return bytes(part)


class _Info(tarfile.TarInfo):
    """A header whose names and attributes fit into memory, and whose file has an end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read a header.

        Raises:
            HeaderError: it is damaged, or has a longer extension than any name or attribute needs.
        """
        found = super().frombuf(buf, encoding, errors)
        if not 0 <= found.size <= (CHUNK if found.type in EXTENSIONS else LARGEST):
            raise tarfile.HeaderError(f"a size of {found.size} bytes")
        return found


def measure(path: Path, diff_id: str, where: str) -> UnpackedLayer:
    """Unpack a layer once, into nothing: its size, its digest checked, its sketch.

    Args:
        path: the packed layer.
        diff_id: what the image's config says the tar's digest is.
        where: the image, for messages.

    Raises:
        FetchError: the layer is damaged or is not what the config says.
    """
    reader = _Reader(unpack(path))
    files: set[bytes] = set()
    try:
        with tarfile.open(fileobj=reader, mode="r|", bufsize=CHUNK, tarinfo=_Info) as tar:  # type: ignore[call-overload]
            for member in tar:
                tar.members = []  # a stream is not gone back in: keep none
                if member.isreg() and member.size >= SMALL:
                    name = member.name.rpartition("/")[2]
                    files.add(hashlib.blake2b(f"{name} {member.size}".encode(), digest_size=8).digest())
    except (tarfile.TarError, ValueError, OverflowError, RecursionError):
        files.clear()  # engines may take what Python does not; only the order suffers
    while reader.read():
        pass
    found = "sha256:" + reader.digest.hexdigest()
    if found != diff_id:
        raise FetchError(
            f"{where}: layer {path.name} unpacks to {found}, the image's config says {diff_id}",
            hint="the image is broken; build or pull it again",
        )
    return UnpackedLayer(path, diff_id, reader.size, frozenset(heapq.nsmallest(SKETCH, files)))


def order_by_likeness(layers: Sequence[UnpackedLayer]) -> list[UnpackedLayer]:
    """Each layer beside the one that it shares most files with, beginning at the first.

    The order depends on nothing but the layers and their order.
    """
    left = list(layers)
    ordered = left[:1]
    del left[:1]
    while left:
        last = ordered[-1]
        best = max(range(len(left)), key=lambda i: (len(left[i].sketch & last.sketch), -i))
        ordered.append(left.pop(best))
    return ordered
