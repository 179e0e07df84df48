"""A sketch of what is in a layer's tar, and layers in an order of their likeness."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bundler.io.streams import CHUNK
from bundler.layer.tar import TarError, TarStream
from bundler.layer.unpacking import check_diff_id, unpack

SKETCH = 512
"""Files that a sketch keeps: enough to tell a shared tenth of two layers."""
MANY = 20_000
"""Files of which a sketch is made before more are looked at: memory has an end."""
SMALL = 4096
"""Bytes below which a file does not matter to a sketch."""


@dataclass(frozen=True)
class UnpackedLayer:
    """A layer once unpacked.

    Attributes:
        path: the compressed file.
        diff_id: digest of the tar: image-spec, config.md, "Layer DiffID".
        size: bytes of the tar.
        sketch: a sample of its files' names and sizes, the same for the same files.
    """

    path: Path
    diff_id: str
    size: int
    sketch: frozenset[bytes]


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


def measure(path: Path, diff_id: str, where: str) -> UnpackedLayer:
    """Unpack a layer once, into nothing: its size, its digest checked, its sketch.

    Args:
        path: the compressed layer.
        diff_id: what the image's config says the tar's digest is.
        where: the image, for messages.

    Raises:
        FetchError: the layer is damaged or is not what the config says.
    """
    reader = _Reader(unpack(path))
    files: set[bytes] = set()
    try:
        for entry in TarStream(reader):
            if entry.is_file and entry.size >= SMALL:
                name = entry.field.rpartition(b"/")[2]
                files.add(hashlib.blake2b(b"%s %d" % (name, entry.size), digest_size=8).digest())
                if len(files) > MANY:
                    files = set(heapq.nsmallest(SKETCH, files))
    except TarError:
        files.clear()  # engines may take what is not understood here; only the order suffers
    while reader.read():
        pass
    check_diff_id("sha256:" + reader.digest.hexdigest(), diff_id, f"{where}: layer sha256:{path.name}")
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
