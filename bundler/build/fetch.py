"""Fetches the blobs of pinned images into the store: each one once, verified, resumable."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from bundler.api.images import ImageSource, ResolvedImage
from bundler.build.platforms import check_platform, read_config
from bundler.build.resolve import memory_key
from bundler.build.shelf import Shelf
from bundler.bundle.incoming import Incoming
from bundler.errors import FetchError
from bundler.image.limits import check_layer_count
from bundler.image.oci import (
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCTETS,
    Descriptor,
    ImageConfig,
    Manifest,
)
from bundler.image.platform import Platform
from bundler.io.workers import CONNECTIONS, CORES, Crew
from bundler.language import tr
from bundler.layer.size import GZIP_MAGIC, TAIL, told_size
from bundler.layer.unpacking import Inspection, check_diff_id, read_diff_id
from bundler.store.blobs import Store
from bundler.store.receiver import naming
from bundler.terminal.progress import Reporter, Transfer

log = logging.getLogger(__name__)

WORTH_WAITING = 1 << 20
"""Bytes from which writing a layer only once is worth an extra request for its last four bytes."""
TELLING = frozenset({OCI_LAYER, OCI_LAYER_GZIP, DOCKER_LAYER, DOCKER_LAYER_GZIP})
"""Media types of layers whose unpacked size can be determined without their first bytes."""
GZIP = frozenset({OCI_LAYER_GZIP, DOCKER_LAYER_GZIP})

Owner = tuple[ResolvedImage, Descriptor]
"""A blob, and the first image that contains it."""


@dataclass(frozen=True)
class FetchedImage:
    """An image whose config is in the store; its layers are there too, or still to be fetched."""

    resolved: ResolvedImage
    manifest: Manifest
    config: ImageConfig


@dataclass(frozen=True)
class Fetched:
    """The result of the fetch stage.

    Attributes:
        images: in the order of the resolved images.
        incoming: layers that are not in the store, by digest; the pack stage fetches them.
    """

    images: tuple[FetchedImage, ...]
    incoming: Mapping[str, Incoming]


def fetch(
    images: Sequence[ResolvedImage],
    sources: Mapping[str, ImageSource],
    store: Store,
    platform: Platform,
    reporter: Reporter,
    *,
    write_once: bool = False,
    shelf: Shelf | None = None,
) -> Fetched:
    """Fetch all blobs of all images into the store.

    Args:
        images: pinned.
        sources: where they come from, by name.
        store: receives the blobs.
        platform: of the bundle.
        reporter: receives progress.
        write_once: leave large layers to the pack stage.
        shelf: receives what layers say about software; None if nobody asks.

    Raises:
        FetchError: a blob is unavailable or invalid, a layer does not match its image's config, or an image
            is for another platform.
    """
    complete = [_export(image, sources, store, image.platform or platform, reporter) for image in images]
    missing = [owner for owner in _owners(complete) if not store.has(owner[1])]
    layers = {layer.digest for _, manifest in complete for layer in manifest.layers}
    now: list[Owner] = []
    later: list[Owner] = []
    for owner in missing:
        waits = write_once and owner[1].digest in layers and _may_wait(owner[1])
        (later if waits else now).append(owner)
    store.check_room(blob for _, blob in now)
    with reporter.transfer(tr("fetch"), sum(blob.size for _, blob in now)) as transfer:
        _fetch_blobs(now, layers, sources, store, transfer, shelf=shelf)
    images_now = tuple(
        _finish(image, manifest, store, image.platform or platform) for image, manifest in complete
    )
    diff_ids = _diff_ids(images_now)
    _check_layers(diff_ids, {blob.digest for _, blob in later}, store, reporter, shelf)
    incoming = _ask_sizes(later, diff_ids, sources)
    for image in images_now:
        _remember(image, store, image.resolved.platform or platform)
    return Fetched(images_now, incoming)


def _owners(complete: Sequence[tuple[ResolvedImage, Manifest]]) -> Collection[Owner]:
    owners: dict[str, Owner] = {}
    for image, manifest in complete:
        for blob in manifest.blobs:
            known = owners.setdefault(blob.digest, (image, blob))[1]
            if known.size != blob.size:
                raise FetchError(
                    tr(
                        "{familiar}: blob {digest} has {size} bytes here but {known_size} in another image",
                        familiar=image.reference.familiar,
                        digest=blob.digest,
                        size=blob.size,
                        known_size=known.size,
                    )
                )
    return owners.values()


def _finish(image: ResolvedImage, manifest: Manifest, store: Store, platform: Platform) -> FetchedImage:
    """Check the image's config and return the fetched image."""
    store.put(manifest.raw)
    where = image.reference.familiar
    config = read_config(image, manifest, None, store, keep=True)
    made_for = check_platform(config, where, platform, of_service=image.platform is not None)
    if not (config.platform.os and config.platform.architecture):
        log.warning(
            tr("%s: the image's config does not name a complete platform; assuming %s"), where, made_for
        )
    if manifest.config.media_type == OCTETS:
        log.warning(
            tr("%s: the image's config has the type %s; it is read as an image config"), where, OCTETS
        )
    check_layer_count(len(manifest.layers), where)
    if len(config.diff_ids) != len(manifest.layers):
        raise FetchError(
            tr(
                "{where}: {layers} layers in the manifest, but {diff_ids} in the config",
                where=where,
                layers=len(manifest.layers),
                diff_ids=len(config.diff_ids),
            )
        )
    return FetchedImage(image, manifest, config)


def _remember(image: FetchedImage, store: Store, platform: Platform) -> None:
    """Record what the image's name resolves to: its layers are verified now, or will be as they arrive."""
    resolved, digest = image.resolved, image.manifest.descriptor.digest
    store.remember(memory_key(resolved.reference, platform, resolved.source), digest)
    if resolved.manifest is None:
        store.remember(f"{resolved.digest} {platform}", digest)


@dataclass(frozen=True)
class _Layer:
    """A layer, with the first image that contains it."""

    blob: Descriptor
    diff_id: str
    where: str

    @property
    def label(self) -> str:
        """Return the layer's name for messages."""
        return tr("{where}: layer {digest}", where=self.where, digest=self.blob.digest)


def _diff_ids(images: Sequence[FetchedImage]) -> Mapping[str, _Layer]:
    """Return every layer by its digest.

    Raises:
        FetchError: the configs of two images contradict each other about a layer.
    """
    found: dict[str, _Layer] = {}
    for image in images:
        where = image.resolved.reference.familiar
        for blob, diff_id in zip(image.manifest.layers, image.config.diff_ids, strict=True):
            known = found.setdefault(blob.digest, _Layer(blob, diff_id, where))
            if known.diff_id != diff_id:
                raise FetchError(
                    tr(
                        "layer {digest} unpacks to {diff_id} according to the config of {where},"
                        " but to {known_diff_id} according to that of {known_where}",
                        digest=blob.digest,
                        diff_id=diff_id,
                        where=where,
                        known_diff_id=known.diff_id,
                        known_where=known.where,
                    ),
                    hint=tr("one of the two images is corrupt; build or pull it again"),
                )
    return found


def _check_layers(
    layers: Mapping[str, _Layer],
    incoming: Collection[str],
    store: Store,
    reporter: Reporter,
    shelf: Shelf | None,
) -> None:
    """Compare each layer in the store with its image's config.

    Only layers without recorded diff ID are unpacked, and those whose software is asked for but not known.
    """
    waiting = [layer for digest, layer in layers.items() if digest not in incoming]
    known = {layer.blob.digest: store.recall_diff_id(layer.blob.digest) for layer in waiting}
    unknown = [
        layer
        for layer in waiting
        if known[layer.blob.digest] is None or (shelf is not None and shelf.find(layer.blob.digest) is None)
    ]
    if unknown:
        with (
            reporter.transfer(tr("unpack"), sum(layer.blob.size for layer in unknown)) as transfer,
            Crew(CORES, "unpack") as crew,
        ):

            def read(layer: _Layer) -> None:
                look = shelf.look() if shelf is not None else None
                with store.path(layer.blob.digest).open("rb") as file, store.room():
                    found = read_diff_id(file, layer.label, look)
                store.remember_diff_id(layer.blob.digest, found)
                if shelf is not None and look is not None and look.found is not None:
                    shelf.keep(layer.blob.digest, look.found)
                known[layer.blob.digest] = found
                transfer.advance(f"{layer.where} {layer.blob.hex[:12]}", layer.blob.size)

            for layer in unknown:
                crew.submit(partial(read, layer))
            crew.wait()
    for layer in waiting:
        check_diff_id(known[layer.blob.digest] or "", layer.diff_id, layer.label)


def _export(
    image: ResolvedImage,
    sources: Mapping[str, ImageSource],
    store: Store,
    platform: Platform,
    reporter: Reporter,
) -> tuple[ResolvedImage, Manifest]:
    if image.manifest is not None:
        return image, image.manifest
    known = store.recall(f"{image.digest} {platform}")
    if known and store.path(known).exists():
        manifest = Manifest.parse(store.read(known), image.reference.familiar)
        if all(store.has(blob) for blob in manifest.blobs):
            return image, manifest
    with reporter.step(
        tr("export {familiar} from {source}", familiar=image.reference.familiar, source=image.source)
    ):
        return image, sources[image.source].export(image, store)


def _may_wait(blob: Descriptor) -> bool:
    return blob.size >= WORTH_WAITING and blob.media_type in TELLING


def _ask_sizes(
    waiting: Sequence[Owner], layers: Mapping[str, _Layer], sources: Mapping[str, ImageSource]
) -> dict[str, Incoming]:
    """Return the layers left to the pack stage, with their unpacked sizes, which bundle.json contains."""
    incoming: dict[str, Incoming] = {}
    with Crew(CONNECTIONS, "ask") as crew:

        def ask(image: ResolvedImage, blob: Descriptor) -> None:
            open_at = partial(sources[image.source].open_blob, image, blob)
            unpacked = blob.size
            if blob.media_type in GZIP:
                with closing(open_at(blob.size - TAIL)) as stream:
                    tail = b"".join(iter(lambda: stream.read(TAIL), b""))
                unpacked = told_size(GZIP_MAGIC, tail, blob.size)
            diff_id = layers[blob.digest].diff_id
            incoming[blob.digest] = Incoming(blob, _label(image, blob), open_at, unpacked, diff_id)

        for image, blob in waiting:
            crew.submit(partial(ask, image, blob))
        crew.wait()
    return incoming


def _label(image: ResolvedImage, blob: Descriptor) -> str:
    return f"{image.reference.familiar} {blob.hex[:12]}"


def _fetch_blobs(
    missing: Sequence[Owner],
    layers: Collection[str],
    sources: Mapping[str, ImageSource],
    store: Store,
    transfer: Transfer,
    *,
    shelf: Shelf | None,
) -> None:
    """Fetch blobs, largest first, so that no long transfer is left for the end; stop at the first failure.

    Layers are unpacked as they arrive, without storing the result, to compute their diff IDs.
    """
    with Crew(CONNECTIONS, "fetch") as crew:

        def bring(image: ResolvedImage, blob: Descriptor) -> None:
            label = _label(image, blob)

            def advance(size: int) -> None:
                crew.check()
                transfer.advance(label, size)

            transfer.expect(label, blob.size)
            source = sources[image.source]
            look = shelf.look() if shelf is not None else None
            with Inspection(look) as inspection, store.room():
                tap = inspection.feed if blob.digest in layers else None
                with naming(image.reference.familiar):
                    store.fetch(blob, lambda offset: source.open_blob(image, blob, offset), advance, tap)
                found = inspection.end()
            if found is not None:
                store.remember_diff_id(blob.digest, found)
                if shelf is not None and look is not None and look.found is not None:
                    shelf.keep(blob.digest, look.found)

        for image, blob in sorted(missing, key=lambda owner: -owner[1].size):
            crew.submit(partial(bring, image, blob))
        crew.wait()
