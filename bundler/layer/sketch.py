"""Sketches of the files in a layer's tar, and an order of layers by similarity."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bundler.language import tr
from bundler.layer.tar import TarError, TarStream
from bundler.layer.unpacking import HashedTar, check_diff_id, unpack

SKETCH = 512
"""Files in a sketch: enough to detect that two layers share a tenth."""
MANY = 20_000
"""Files collected before a sketch is reduced, to limit memory."""
SMALL = 4096
"""Smallest file in bytes that a sketch considers."""


@dataclass(frozen=True)
class UnpackedLayer:
    """A layer after it was unpacked.

    Attributes:
        path: the compressed file.
        diff_id: digest of the tar: image-spec, config.md, "Layer DiffID".
        size: bytes of the tar.
        sketch: a sample of the names and sizes of its files, deterministic for the same files.
    """

    path: Path
    diff_id: str
    size: int
    sketch: frozenset[bytes]


def measure(path: Path, diff_id: str, where: str) -> UnpackedLayer:
    """Unpack a layer without storing the result: measure it, check its digest, and make its sketch.

    Args:
        path: the compressed layer.
        diff_id: expected digest of the tar, from the image's config.
        where: name of the image for messages.

    Raises:
        FetchError: the layer is damaged or does not match the config.
    """
    tar = HashedTar(unpack(path))
    files: set[bytes] = set()
    try:
        for entry in TarStream(tar, tar.skip):
            if entry.is_file and entry.size >= SMALL:
                name = entry.field.rpartition(b"/")[2]
                files.add(hashlib.blake2b(b"%s %d" % (name, entry.size), digest_size=8).digest())
                if len(files) > MANY:
                    files = set(heapq.nsmallest(SKETCH, files))
    except TarError:
        files.clear()  # engines may accept what is not understood here; only the order of layers is less good
    check_diff_id(
        tar.end(),
        diff_id,
        tr("{where}: layer sha256:{path_name}", where=where, path_name=path.name),
    )
    return UnpackedLayer(path, diff_id, tar.size, frozenset(heapq.nsmallest(SKETCH, files)))


def order_by_likeness(layers: Sequence[UnpackedLayer]) -> list[UnpackedLayer]:
    """Order layers so that each follows the one that it shares most files with, starting with the first.

    The order depends only on the layers and their initial order.
    """
    left = list(layers)
    ordered = left[:1]
    del left[:1]
    while left:
        last = ordered[-1]
        best = max(range(len(left)), key=lambda i: (len(left[i].sketch & last.sketch), -i))
        ordered.append(left.pop(best))
    return ordered
