"""Where images come from: what a source of images provides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from bundler.image.oci import Descriptor, Manifest, Platform
    from bundler.image.reference import Reference
    from bundler.io.streams import Readable


@dataclass(frozen=True)
class ResolvedImage:
    """An image pinned to its bytes.

    Attributes:
        reference: as the application names it.
        source: name of the source that has it.
        digest: what pins it: the manifest's digest, or the image ID (the config's digest) where
            the source has no manifest.
        manifest: the manifest for the platform; None where the source can tell it only by exporting
            the image (a Docker engine).
        size: bytes of all blobs; an estimate where `manifest` is None.
    """

    reference: Reference
    source: str
    digest: str
    manifest: Manifest | None
    size: int


class BlobStream(Protocol):
    """A blob's bytes as they arrive."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; empty at the end."""

    def close(self) -> None:
        """Give the connection back; no error when called twice."""


class BlobSink(Protocol):
    """Takes the blobs of an image that a source exports, and names them by their digests."""

    def ingest(self, stream: Readable, /) -> tuple[str, int]:
        """Take all bytes of `stream`; returns their digest and size."""

    def put(self, data: bytes, /) -> str:
        """Take a small blob; returns its digest."""

    def remember_diff_id(self, blob: str, diff_id: str, /) -> None:
        """Note what the layer with the digest `blob` unpacks to, where the source has seen it unpacked."""


@runtime_checkable
class ImageSource(Protocol):
    """Somewhere images come from. Methods are called from several threads at once."""

    name: str
    """What profiles call it, for example `registry`."""

    def resolve(self, reference: Reference, platform: Platform) -> ResolvedImage:
        """Find the image and pin it. Writes nothing.

        Raises:
            ImageNotFoundError: this source does not have it; the next one is asked.
            FetchError: it should be here but cannot be had, or is not what it should be.
        """

    def open_blob(self, image: ResolvedImage, descriptor: Descriptor, offset: int = 0) -> BlobStream:
        """The blob's bytes from `offset` on. Reconnects by itself while there is hope.

        The caller checks digest and size. Only called for images that have a manifest.

        Raises:
            FetchError: the blob cannot be had.
        """

    def export(self, image: ResolvedImage, sink: BlobSink) -> Manifest:
        """Stream a whole image into `sink` and return its manifest.

        Only called for images without a manifest.

        Raises:
            FetchError: the export broke or its bytes are not what they should be.
        """

    def close(self) -> None:
        """Release connections."""


@dataclass(frozen=True)
class SourceOptions:
    """What the command line and the profile say of where images come from.

    Attributes:
        mirrors: registry host -> `host[:port][/prefix]` asked first.
        insecure: hosts (with port) that may be spoken to in plain HTTP.
        ca_file: PEM file with private certificate authorities.
        archives: absolute paths that hold images (docker-archive, OCI layout).
        offline: nothing may be connected to.
        min_speed: bytes a second that a server must send on average over a minute; 0 for no limit.
    """

    mirrors: Mapping[str, str] = field(default_factory=dict)
    insecure: frozenset[str] = frozenset()
    ca_file: Path | None = None
    archives: tuple[Path, ...] = ()
    offline: bool = False
    min_speed: int = 1000


class SourceFactory(Protocol):
    """Makes a source for one run."""

    name: str

    def __call__(self, options: SourceOptions) -> ImageSource:
        """Connect lazily: making a source costs nothing."""
