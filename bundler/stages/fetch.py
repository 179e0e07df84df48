"""Pinned images -> blobs in the store, each once, verified, resumable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from bundler.contracts import ImageSource, ResolvedImage
from bundler.crew import Crew
from bundler.errors import FetchError
from bundler.oci import Descriptor, ImageConfig, Manifest, Platform
from bundler.progress import Reporter, Transfer
from bundler.stages.resolve import memory_key
from bundler.store import Store

CONNECTIONS = 6
"""Blobs fetched at once. More do not fill a link better and cost a registry more."""


@dataclass(frozen=True)
class FetchedImage:
    """An image whose every blob is in the store."""

    resolved: ResolvedImage
    manifest: Manifest
    config: ImageConfig


def fetch(
    images: Sequence[ResolvedImage],
    sources: Mapping[str, ImageSource],
    store: Store,
    platform: Platform,
    reporter: Reporter,
) -> tuple[FetchedImage, ...]:
    """Bring every blob of every image into the store.

    Raises:
        FetchError: a blob cannot be had or is wrong, or an image is for another platform.
    """
    complete = [_export(image, sources, store, platform, reporter) for image in images]
    owners: dict[str, tuple[ResolvedImage, Descriptor]] = {}
    for image, manifest in complete:
        for blob in manifest.blobs:
            known = owners.setdefault(blob.digest, (image, blob))[1]
            if known.size != blob.size:
                raise FetchError(
                    f"{image.reference.familiar}: blob {blob.digest} has {blob.size} bytes here"
                    f" and {known.size} in another image"
                )
    missing = [owner for owner in owners.values() if not store.has(owner[1])]
    total = sum(blob.size for _, blob in missing)
    with reporter.transfer("fetch", total) as transfer:
        _fetch_blobs(missing, sources, store, transfer)
    fetched = []
    for image, manifest in complete:
        store.put(manifest.raw)
        where = image.reference.familiar
        config = ImageConfig.parse(store.read(manifest.config.digest), where)
        if not platform.accepts(config.platform):
            raise FetchError(
                f"{where}: this image is for {config.platform}, the bundle for {platform}",
                hint="choose another --platform, or an image that is built for this one",
            )
        if len(config.diff_ids) != len(manifest.layers):
            raise FetchError(
                f"{where}: {len(manifest.layers)} layers in the manifest,"
                f" {len(config.diff_ids)} in the config"
            )
        store.remember(memory_key(image.reference, platform, image.source), manifest.descriptor.digest)
        if image.manifest is None:
            store.remember(f"{image.digest} {platform}", manifest.descriptor.digest)
        fetched.append(FetchedImage(image, manifest, config))
    return tuple(fetched)


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
    with reporter.step(f"export {image.reference.familiar} from {image.source}"):
        return image, sources[image.source].export(image, store)


def _fetch_blobs(
    missing: Sequence[tuple[ResolvedImage, Descriptor]],
    sources: Mapping[str, ImageSource],
    store: Store,
    transfer: Transfer,
) -> None:
    """Largest first, so that no long one is left for the end; the first failure ends the rest."""
    with Crew(CONNECTIONS, "fetch") as crew:

        def bring(image: ResolvedImage, blob: Descriptor) -> None:
            label = f"{image.reference.familiar} {blob.hex[:12]}"

            def advance(size: int) -> None:
                crew.check()
                transfer.advance(label, size)

            transfer.expect(label, blob.size)
            source = sources[image.source]
            store.fetch(blob, lambda offset: source.open_blob(image, blob, offset), advance)

        for image, blob in sorted(missing, key=lambda owner: -owner[1].size):
            crew.submit(partial(bring, image, blob))
        crew.wait()
