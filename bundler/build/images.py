"""Builds the `images/` folder from fetched images, with unchanged blobs. compact.py recompresses them."""

from __future__ import annotations

from dataclasses import dataclass

from bundler.api.application import Requirement
from bundler.build.fetch import Fetched, FetchedImage
from bundler.build.repack import engine_floor, repack, zstd_images
from bundler.bundle.content import OnDisk
from bundler.bundle.layout import blob_path, layout_files
from bundler.bundle.manifest import ImageEntry, LayerEntry, Packing
from bundler.bundle.tar import Member
from bundler.image.oci import Manifest
from bundler.image.platform import Platform
from bundler.language import tr
from bundler.layer.size import unpacked_size
from bundler.store.blobs import Store
from bundler.terminal.progress import Reporter

ENGINE_WINDOW = 27
"""Longest zstd window, log2, that engines themselves can read; the program `zstd` reads any."""


@dataclass(frozen=True)
class PackedImages:
    """Images in the form in which the bundle contains them.

    Attributes:
        images: in the order of the fetched images.
        members: the files of `images/`.
        packing: the corresponding section of bundle.json.
        requirements: what they require of the site's engine.
    """

    images: tuple[ImageEntry, ...]
    members: list[Member]
    packing: Packing
    requirements: tuple[Requirement, ...] = ()


@dataclass(frozen=True)
class Compaction:
    """Settings of the compression.

    Attributes:
        level: zstd level, 1 to 22.
        window: log2 of the longest match distance in bytes; the site needs as much memory.
        threads: number of threads; 0 for all cores. The output does not depend on it.
    """

    level: int = 12
    window: int = 27
    threads: int = 0

    @property
    def needs(self) -> str:
        """Return what a site needs to read the stream."""
        program = (
            tr("the program zstd")
            if self.window > ENGINE_WINDOW
            else tr("Docker 23 or newer, or the program zstd")
        )
        return tr("{program}, and {size} MiB of memory to load", program=program, size=1 << self.window >> 20)


COMPACT_SHARE = 0.66
"""Size of compact images relative to the originals, at the default level: docs/explanation/performance.md."""


def keep(
    fetched: Fetched, platform: Platform, store: Store, reporter: Reporter, *, repacked: bool = False
) -> PackedImages:
    """Build an image layout over the original blobs, under their own digests.

    Args:
        fetched: the images.
        platform: target platform of the bundle.
        store: contains the blobs.
        reporter: receives progress.
        repacked: whether zstd layers are written as gzip; otherwise they raise the required engine.
    """
    incoming = fetched.incoming
    newer = zstd_images(fetched, store)
    manifests = repack(newer, fetched, store, reporter) if repacked and newer else {}

    def unpacked(digest: str) -> int:
        return incoming[digest].unpacked if digest in incoming else unpacked_size(store.path(digest))

    entries = tuple(
        image_entry(image, manifest, sum(unpacked(layer.digest) for layer in manifest.layers))
        for image in fetched.images
        for manifest in (manifests.get(image.manifest.descriptor.digest, image.manifest),)
    )
    files = layout_files(entries, platform)
    members = [Member.of(f"images/{name}", content) for name, content in files.items()]
    blobs = {blob.digest: blob for entry in entries for blob in entry.blobs}
    for digest, blob in sorted(blobs.items()):
        members.append(
            Member(
                f"images/{blob_path(digest)}",
                blob.size,
                digest.removeprefix("sha256:"),
                incoming.get(digest) or OnDisk(store.path(digest)),
                checked=digest in incoming or store.checked(digest),
            )
        )
    size = sum(blob.size for blob in blobs.values())
    packing = Packing(compression="keep", level=None, window=None, kept_bytes=size, packed_bytes=size)
    floor = () if repacked else engine_floor([image.resolved.reference.familiar for image in newer])
    return PackedImages(entries, members, packing, floor)


def image_entry(image: FetchedImage, manifest: Manifest, unpacked: int) -> ImageEntry:
    """Return the bundle.json entry of an image that the bundle contains with `manifest`."""
    return ImageEntry(
        reference=str(image.resolved.reference),
        tag=image.resolved.reference.tagged,
        source=image.resolved.source,
        origin=image.manifest.descriptor.digest,
        manifest=LayerEntry.of(manifest.descriptor),
        config=LayerEntry.of(manifest.config),
        layers=tuple(LayerEntry.of(layer) for layer in manifest.layers),
        unpacked=unpacked,
        platform=str(image.resolved.platform) if image.resolved.platform else None,
    )
