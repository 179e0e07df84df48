"""Packs images as one zstd stream of their unpacked layers: `pack.compression: compact`.

The stream is a tar that is both an OCI image layout and a docker-archive, like `images/` otherwise. A long
window finds data that layers and images share; layers that share files are placed next to each other.
Configs, and with them image IDs, are unchanged; manifests are rebuilt, because the original ones name the
compressed layers. The stream is split into parts, so that all cores can hash it and it fits file systems with
a small file size limit.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import IO, cast

import zstandard

from bundler.build.fetch import FetchedImage
from bundler.build.images import Compaction, PackedImages, image_entry
from bundler.bundle.content import InMemory, OnDisk
from bundler.bundle.layout import COMPACT, blob_path, layout_files
from bundler.bundle.manifest import Packing
from bundler.bundle.tar import BLOCK, RECORD, Member, header, padded
from bundler.image.oci import OCI_CONFIG, OCI_LAYER, Descriptor, Manifest
from bundler.image.platform import Platform
from bundler.io.streams import Readable
from bundler.language import tr
from bundler.layer.sketch import UnpackedLayer, measure, order_by_likeness
from bundler.layer.unpacking import unpack
from bundler.store.blobs import Store
from bundler.terminal.progress import Reporter

PART = 1 << 26
"""Bytes of a part of the stream; the last part may be smaller."""
MAKE = 3
"""Version of the stream: increase it when the same images and settings produce different bytes."""


@dataclass(frozen=True)
class Piece:
    """A member of the inner tar.

    Attributes:
        path: path in the tar.
        size: bytes.
        content: returns an iterator over the bytes, from the first one.
    """

    path: str
    size: int
    content: Callable[[], Iterator[bytes]]

    @property
    def header(self) -> bytes:
        """Return the member's tar header blocks."""
        return header(self.path, 0o644, self.size, 0)


def compact(
    images: Sequence[FetchedImage], platform: Platform, how: Compaction, store: Store, reporter: Reporter
) -> PackedImages:
    """Create the stream, or reuse it from the store if an earlier build created the same one.

    Raises:
        FetchError: a layer is damaged or does not match its image's config.
    """
    name = recipe(
        [(image.resolved.reference.tagged, image.manifest.descriptor.digest) for image in images], how
    )
    made = _recall(name, store)
    layers: dict[str, UnpackedLayer] = {}
    if made is None:
        layers = _measure(images, store, reporter)
    sizes = made.sizes if made else {diff_id: layer.size for diff_id, layer in layers.items()}
    manifests = [_unpacked_manifest(image, sizes) for image in images]
    entries = tuple(
        image_entry(image, manifest, sum(layer.size for layer in manifest.layers))
        for image, manifest in zip(images, manifests, strict=True)
    )
    if made is None:
        small = {manifest.descriptor.digest: manifest.raw for manifest in manifests}
        small |= {i.manifest.config.digest: store.read(i.manifest.config.digest) for i in images}
        files = layout_files(entries, platform)
        files |= {blob_path(digest): content for digest, content in sorted(small.items())}
        ordered = order_by_likeness(sorted(layers.values(), key=lambda layer: _rank(layer, images)))
        made = Made(tuple(_compress(files, ordered, how, store, reporter)), sizes)
        store.remember(name, store.put(json.dumps(asdict(made)).encode()))
    members = [
        Member(
            f"images/{COMPACT}.{number:04}",
            store.path(part).stat().st_size,
            part.removeprefix("sha256:"),
            OnDisk(store.path(part)),
            checked=store.checked(part),
        )
        for number, part in enumerate(made.parts)
    ]
    blobs = {blob.digest: blob.size for i in images for blob in (*i.manifest.blobs, i.manifest.descriptor)}
    packing = Packing(
        compression="compact",
        level=how.level,
        window=how.window,
        kept_bytes=sum(blobs.values()),
        packed_bytes=sum(member.size for member in members),
    )
    return PackedImages(entries, members, packing)


@dataclass(frozen=True)
class Made:
    """The result of an earlier build, as recorded in the store.

    Attributes:
        parts: digests of the stream's parts, in order.
        sizes: unpacked bytes of each layer, by diff ID.
    """

    parts: tuple[str, ...]
    sizes: dict[str, int]


def packed_bytes(images: Sequence[tuple[str, str]], how: Compaction, store: Store) -> int | None:
    """Return the size of the stream for these images if an earlier build created it; see `recipe`."""
    made = _recall(recipe(images, how), store)
    return sum(store.path(part).stat().st_size for part in made.parts) if made else None


def _recall(name: str, store: Store) -> Made | None:
    noted = store.recall(name)
    if noted is None or not store.path(noted).exists():
        return None
    found = json.loads(store.read(noted))
    made = Made(tuple(found["parts"]), found["sizes"])
    return made if all(store.path(part).exists() for part in made.parts) else None


def recipe(images: Sequence[tuple[str, str]], how: Compaction) -> str:
    """Return what determines the stream's bytes: tags, manifest digests, settings, zstd version."""
    release = ".".join(map(str, zstandard.ZSTD_VERSION))
    text = json.dumps([MAKE, sorted(images), how.level, how.window, release])
    return "compact " + hashlib.sha256(text.encode()).hexdigest()


def _measure(images: Sequence[FetchedImage], store: Store, reporter: Reporter) -> dict[str, UnpackedLayer]:
    """Unpack every distinct layer once to measure it, on all cores; return the results by diff ID."""
    wanted = {
        diff_id: (layer, image.resolved.reference.familiar)
        for image in images
        for layer, diff_id in zip(image.manifest.layers, image.config.diff_ids, strict=True)
    }

    def one(diff_id: str) -> UnpackedLayer:
        layer, where = wanted[diff_id]
        found = measure(store.path(layer.digest), diff_id, where)
        transfer.advance(f"{where} {layer.hex[:12]}", layer.size)
        return found

    total = sum(layer.size for layer, _ in wanted.values())
    with reporter.transfer(tr("unpack"), total) as transfer, ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(wanted, pool.map(one, wanted), strict=True))


def _rank(layer: UnpackedLayer, images: Sequence[FetchedImage]) -> tuple[int, str]:
    """Return a sort key that puts layers used by most images first."""
    return -sum(layer.diff_id in image.config.diff_ids for image in images), layer.diff_id


def _unpacked_manifest(image: FetchedImage, sizes: Mapping[str, int]) -> Manifest:
    config = Descriptor(OCI_CONFIG, image.manifest.config.digest, image.manifest.config.size)
    layers = tuple(Descriptor(OCI_LAYER, diff_id, sizes[diff_id]) for diff_id in image.config.diff_ids)
    return Manifest.build(config, layers)


def _compress(
    files: dict[str, bytes],
    layers: Sequence[UnpackedLayer],
    how: Compaction,
    store: Store,
    reporter: Reporter,
) -> list[str]:
    """Write the stream's parts to the store and return their digests."""
    pieces = [Piece(path, len(content), InMemory(content).chunks) for path, content in files.items()]
    pieces += [Piece(blob_path(layer.diff_id), layer.size, partial(unpack, layer.path)) for layer in layers]
    size = sum(len(piece.header) + padded(piece.size) for piece in pieces)
    size = -(-(size + 2 * BLOCK) // RECORD) * RECORD
    parameters = zstandard.ZstdCompressionParameters.from_level(
        how.level,
        source_size=size,
        window_log=how.window,
        enable_ldm=True,
        write_content_size=True,
        write_checksum=True,
        threads=how.threads or os.cpu_count() or 1,
    )
    with reporter.transfer(tr("compact"), size) as transfer:
        tar = _Tar(pieces, size, lambda count: transfer.advance("layers", count))
        packed = zstandard.ZstdCompressor(compression_params=parameters).stream_reader(
            cast("IO[bytes]", tar), size=size
        )
        parts: list[str] = []
        while (part := store.ingest(_Limited(packed, PART)))[1]:
            parts.append(part[0])
    return parts


class _Limited:
    """Limits a stream to its next `limit` bytes."""

    def __init__(self, stream: Readable, limit: int) -> None:
        self._stream = stream
        self._left = limit

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; empty at the end of the stream or at the limit."""
        chunk = self._stream.read(min(size, self._left))
        self._left -= len(chunk)
        return chunk


class _Tar:
    """The inner tar as a readable file."""

    def __init__(self, pieces: Sequence[Piece], size: int, advance: Callable[[int], None]) -> None:
        self._bytes = self._generate(pieces, size)
        self._advance = advance
        self._left = memoryview(b"")

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes; empty at the end."""
        if not self._left:
            self._left = memoryview(next(self._bytes, b""))
            self._advance(len(self._left))
        part = self._left if size < 0 else self._left[:size]
        self._left = self._left[len(part) :]
        return bytes(part)

    @staticmethod
    def _generate(pieces: Sequence[Piece], size: int) -> Iterator[bytes]:
        done = 0
        for piece in pieces:
            yield piece.header
            yield from filter(None, piece.content())
            padding = padded(piece.size) - piece.size
            if padding:
                yield bytes(padding)
            done += len(piece.header) + piece.size + padding
        yield bytes(size - done)
