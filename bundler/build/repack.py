"""Layers that are zstd: which images have them, what they require of engines, and their repacking as gzip.

Docker loads zstd layers from 23.0 on; 20.10 fails with "invalid tar header". The bytes decide, because
engines look at them and not at the media type.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from bundler.api.application import Requirement
from bundler.api.images import ResolvedImage
from bundler.build.fetch import Fetched, FetchedImage
from bundler.image.oci import OCI_CONFIG, OCI_LAYER, OCI_LAYER_GZIP, Descriptor, Manifest
from bundler.language import tr
from bundler.layer.size import GZIP_MAGIC, ZSTD_MAGIC
from bundler.layer.unpacking import unpack
from bundler.store.blobs import Store
from bundler.terminal.progress import Reporter

FIRST_ENGINE: Final = "23.0"
"""The first Docker engine that loads zstd layers."""
LEVEL: Final = 6
"""gzip level of repacked layers: the default of the program."""


def zstd_images(fetched: Fetched, store: Store) -> list[FetchedImage]:
    """Return the images with a zstd layer. Layers still to be fetched have none: their media types say so."""
    return [image for image in fetched.images if any(_zstd_layers(image, fetched, store))]


def declared_zstd(images: Sequence[ResolvedImage]) -> list[str]:
    """Return the names of the images with a layer of a zstd media type, before anything is fetched."""
    return [
        image.reference.familiar
        for image in images
        if image.manifest and any("zstd" in layer.media_type for layer in image.manifest.layers)
    ]


def engine_floor(names: Sequence[str]) -> tuple[Requirement, ...]:
    """Return what zstd layers of the images `names` require; nothing if there are none."""
    if not names:
        return ()
    reason = tr("zstd layers of {names}", names=", ".join(names))
    return (Requirement("docker", FIRST_ENGINE, reason=reason),)


def repack(
    images: Sequence[FetchedImage], fetched: Fetched, store: Store, reporter: Reporter
) -> dict[str, Manifest]:
    """Write the zstd layers of these images as gzip into the store.

    The same layers become the same bytes with the same zlib. Configs, and with them image IDs, are unchanged.

    Returns:
        The new manifests, by digest of the original ones.
    """
    layers = {layer.digest: layer for image in images for layer in _zstd_layers(image, fetched, store)}

    def one(layer: Descriptor) -> Descriptor:
        found = _repacked(layer, store)
        transfer.advance(layer.hex[:12], layer.size)
        return found

    with (
        reporter.transfer(tr("repack"), sum(layer.size for layer in layers.values())) as transfer,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        made = dict(zip(layers, pool.map(one, layers.values()), strict=True))
    manifests = {}
    for image in images:
        manifest = _with_layers(image, made, store)
        store.put(manifest.raw)
        manifests[image.manifest.descriptor.digest] = manifest
    return manifests


def _zstd_layers(image: FetchedImage, fetched: Fetched, store: Store) -> Iterator[Descriptor]:
    for layer in image.manifest.layers:
        if layer.digest not in fetched.incoming and _head(layer, store) == ZSTD_MAGIC:
            yield layer


def _head(layer: Descriptor, store: Store) -> bytes:
    with store.path(layer.digest).open("rb") as file:
        return file.read(len(ZSTD_MAGIC))


def _repacked(layer: Descriptor, store: Store) -> Descriptor:
    name = f"gzip -{LEVEL} {layer.digest} zlib {zlib.ZLIB_RUNTIME_VERSION}"
    digest = store.recall(name)
    if digest is None or not store.path(digest).exists():
        digest, _ = store.ingest(_Gzip(unpack(store.path(layer.digest))))
        store.remember(name, digest)
        known = store.recall_diff_id(layer.digest)
        if known is not None:
            store.remember_diff_id(digest, known)
    return Descriptor(OCI_LAYER_GZIP, digest, store.path(digest).stat().st_size)


class _Gzip:
    """A gzip of the pieces as a readable stream, without a time or a name."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._packer = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)
        self._ended = False

    def read(self, _size: int, /) -> bytes:
        """Return some of the next bytes; empty at the end."""
        while not self._ended:
            piece = next(self._pieces, None)
            self._ended = piece is None
            packed = self._packer.flush() if piece is None else self._packer.compress(piece)
            if packed:
                return packed
        return b""


def _with_layers(image: FetchedImage, made: Mapping[str, Descriptor], store: Store) -> Manifest:
    """Return an OCI manifest of the image with the repacked layers, each with the type of its bytes."""
    layers = tuple(made.get(layer.digest) or _typed(layer, store) for layer in image.manifest.layers)
    config = image.manifest.config
    return Manifest.build(Descriptor(OCI_CONFIG, config.digest, config.size), layers)


def _typed(layer: Descriptor, store: Store) -> Descriptor:
    head = _head(layer, store) if store.path(layer.digest).exists() else b""
    compressed = head.startswith(GZIP_MAGIC) or "gzip" in layer.media_type
    return Descriptor(OCI_LAYER_GZIP if compressed else OCI_LAYER, layer.digest, layer.size)
