"""What an image source provides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from bundler.image.oci import Descriptor, Manifest
    from bundler.image.platform import Platform
    from bundler.image.reference import Reference
    from bundler.io.streams import Readable


@dataclass(frozen=True)
class ResolvedImage:
    """An image reference pinned to a digest.

    Attributes:
        reference: as the application names it.
        source: name of the source that has the image.
        digest: the manifest's digest, or the image ID (the config's digest) if the source has no manifest.
        manifest: the manifest for the platform; None if the source can provide it only by exporting the image
            (a Docker engine).
        size: bytes of all blobs; an estimate if `manifest` is None.
        platform: the platform, if it is not the bundle's; set by the build.
    """

    reference: Reference
    source: str
    digest: str
    manifest: Manifest | None
    size: int
    platform: Platform | None = None


class BlobStream(Protocol):
    """The bytes of a blob, read as they arrive."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; empty at the end."""

    def close(self) -> None:
        """Release the connection. May be called more than once."""


class BlobSink(Protocol):
    """Receives the blobs of an exported image and identifies them by digest."""

    def ingest(self, stream: Readable, /) -> tuple[str, int]:
        """Store all bytes of `stream` and return their digest and size."""

    def put(self, data: bytes, /) -> str:
        """Store a small blob and return its digest."""

    def remember_diff_id(self, blob: str, diff_id: str, /) -> None:
        """Record the digest of the unpacked layer `blob`, if the source has seen it unpacked."""


@runtime_checkable
class ImageSource(Protocol):
    """A place to get images from. Its methods are called from several threads at once."""

    name: str
    """Name used in profiles, for example `registry`."""

    def resolve(self, reference: Reference, platform: Platform) -> ResolvedImage:
        """Find the image and pin it. Writes nothing.

        The build compares the config of an image that has a manifest with the platform. For an image without
        one, the source does.

        Raises:
            ImageNotFoundError: this source does not have it for this platform; the next source is tried.
            FetchError: the source should have the image but cannot provide it, or provides something invalid.
        """

    def open_blob(self, image: ResolvedImage, descriptor: Descriptor, offset: int = 0) -> BlobStream:
        """Open a blob at `offset`. The stream reconnects by itself as long as retrying makes sense.

        The caller checks digest and size. Called only for images that have a manifest.

        Raises:
            FetchError: the blob cannot be fetched.
        """

    def export(self, image: ResolvedImage, sink: BlobSink) -> Manifest:
        """Stream a whole image into `sink` and return its manifest.

        Called only for images without a manifest.

        Raises:
            FetchError: the export was interrupted or its contents are invalid.
        """

    def close(self) -> None:
        """Release connections."""


@dataclass(frozen=True)
class SourceOptions:
    """Settings of image sources, from the command line and the profile.

    Attributes:
        mirrors: registry host -> `host[:port][/prefix]` that is tried first.
        insecure: hosts (with port) that may be contacted over plain HTTP.
        ca_file: PEM file with private certificate authorities.
        archives: absolute paths of image archives (docker-archive, OCI layout).
        offline: make no network connections.
        min_speed: bytes a second that a server must send on average over a minute; 0 for no limit.
    """

    mirrors: Mapping[str, str] = field(default_factory=dict)
    insecure: frozenset[str] = frozenset()
    ca_file: Path | None = None
    archives: tuple[Path, ...] = ()
    offline: bool = False
    min_speed: int = 1000


class SourceFactory(Protocol):
    """Creates a source for one run."""

    name: str

    def __call__(self, options: SourceOptions) -> ImageSource:
        """Create the source without connecting: sources connect on first use."""
