"""Streams a docker-archive (the output of `docker save`) into a sink of blobs.

Format: Docker Image Specification v1.2, "Combined Image JSON + Filesystem Changeset Format": `manifest.json`
names the config and the layers of each image, which are in any order within the tar; Docker 25 and newer
writes the same names into an OCI image layout.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any, Final

from bundler.api.images import BlobSink
from bundler.errors import BundleError, FetchError
from bundler.image.digest import digest_of
from bundler.image.oci import (
    OCI_CONFIG,
    OCI_LAYER_GZIP,
    OCI_LAYER_ZSTD,
    Descriptor,
    ImageConfig,
    Manifest,
)
from bundler.image.reference import Reference
from bundler.io.json import parse_json
from bundler.io.streams import Readable, Rewound
from bundler.language import tr
from bundler.layer.size import GZIP_MAGIC, ZSTD_MAGIC
from bundler.layer.tar import Entry, TarError
from bundler.layer.unpacking import UnpackError
from bundler_docker.saved import JSON_BEGINS, MANY, SYMLINK, SmallFiles, clean_name, open_archive, read_head

LEVEL: Final = 6
"""Compression level, the default of `docker push` and gzip. Engines export layers that are not compressed."""
_HEX: Final = re.compile(r"\b[0-9a-f]{64}\b")


@dataclass(frozen=True)
class ArchivedImage:
    """An image that an archive's manifest.json lists."""

    tags: tuple[str, ...]
    config: str
    layers: tuple[str, ...]

    def has(self, reference: Reference) -> bool:
        """Return whether one of its tags matches the reference."""
        wanted = reference.tagged
        return any(is_name(tag, wanted) for tag in self.tags)


def is_name(name: str, wanted: str) -> bool:
    """Return whether `name`, in any form that archives use, is the tagged name `wanted`."""
    try:
        return Reference.parse(name).tagged == wanted
    except BundleError:
        return False


def parse_manifest(raw: bytes, where: str) -> list[ArchivedImage]:
    """Parse manifest.json.

    Raises:
        FetchError: it is not the manifest.json of a docker-archive.
    """
    try:
        return [
            ArchivedImage(
                tuple(map(str, entry.get("RepoTags") or ())),
                clean_name(entry["Config"]),
                tuple(map(clean_name, entry["Layers"])),
            )
            for entry in parse_json(raw)
        ]
    except ValueError as error:
        raise FetchError(
            tr("{where}: manifest.json is not JSON: {error}", where=where, error=error)
        ) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise FetchError(
            tr("{where}: manifest.json is not that of a docker-archive: {error!r}", where=where, error=error)
        ) from error


@dataclass(frozen=True)
class _Layer:
    """A layer in the sink; `diff_id` is None if the archive has it compressed."""

    blob: Descriptor
    diff_id: str | None


def import_archive(
    stream: IO[bytes],
    sink: BlobSink,
    where: str,
    choose: Callable[[list[ArchivedImage], Mapping[str, bytes]], ArchivedImage],
) -> Manifest:
    """Stream a docker-archive into `sink`, compressing its layers.

    Args:
        stream: the tar, compressed or not; only read forward.
        sink: receives the config and the layers.
        where: name of the archive in errors.
        choose: selects the image, given the archive's images and its small files by name.

    Raises:
        FetchError: the archive is damaged, or its layers do not match the config.
    """
    layers: dict[str, _Layer] = {}
    small = SmallFiles()
    links: dict[str, str] = {}
    try:
        archive = open_archive(stream)
        for member in archive:
            name = clean_name(member.name)
            if member.is_link:
                _note_link(name, member, links)
            elif member.is_file:
                _take(name, archive, sink, layers, small)
    except (TarError, UnpackError) as error:
        raise FetchError(
            tr("{where}: the archive is damaged or truncated: {error}", where=where, error=error)
        ) from error
    if "manifest.json" not in small:
        raise FetchError(
            tr("{where}: no manifest.json", where=where), hint=tr("create it with `docker save`")
        )
    image = choose(parse_manifest(small["manifest.json"], where), small)
    config = small.get(links.get(image.config, image.config))
    if config is None:
        raise FetchError(tr("{where}: the config {config} is missing", where=where, config=image.config))
    named = _HEX.search(image.config)
    if named and digest_of(config) != f"sha256:{named[0]}":
        raise FetchError(
            tr(
                "{where}: the config {config} is damaged: it has the digest {found}",
                where=where,
                config=image.config,
                found=digest_of(config),
            )
        )
    found = [layers.get(links.get(name, name)) for name in image.layers]
    return _join(config, found, image, sink, where)


def _note_link(name: str, member: Entry, links: dict[str, str]) -> None:
    if len(links) >= MANY:
        raise TarError(tr("it contains more than {many} links", many=MANY))
    base = posixpath.dirname(name) if member.kind == SYMLINK else ""
    links[name] = posixpath.normpath(posixpath.join(base, member.link))


def _take(
    name: str,
    content: Readable,
    sink: BlobSink,
    layers: dict[str, _Layer],
    small: SmallFiles,
) -> None:
    head = read_head(content)
    if head[:1] in JSON_BEGINS:
        small.take(name, head, content)
        return
    if name.endswith(("/VERSION", "/json", "repositories", "oci-layout")):
        return
    if head.startswith((GZIP_MAGIC, ZSTD_MAGIC)):
        digest, size = sink.ingest(Rewound(head, content))
        media_type = OCI_LAYER_GZIP if head.startswith(GZIP_MAGIC) else OCI_LAYER_ZSTD
        layers[name] = _Layer(Descriptor(media_type, digest, size), None)
        return
    compressed = _Compressed(Rewound(head, content))
    digest, size = sink.ingest(compressed)
    sink.remember_diff_id(digest, compressed.diff_id)
    layers[name] = _Layer(Descriptor(OCI_LAYER_GZIP, digest, size), compressed.diff_id)


def _join(
    raw: bytes, layers: list[_Layer | None], image: ArchivedImage, sink: BlobSink, where: str
) -> Manifest:
    config = ImageConfig.parse(raw, where)
    if len(layers) != len(config.diff_ids):
        raise FetchError(
            tr(
                "{where}: {layers} layers, but the config has {diff_ids}",
                where=where,
                layers=len(layers),
                diff_ids=len(config.diff_ids),
            )
        )
    blobs = []
    for name, layer, diff_id in zip(image.layers, layers, config.diff_ids, strict=True):
        if layer is None:
            raise FetchError(tr("{where}: the layer {name} is missing", where=where, name=name))
        if layer.diff_id is None:
            if not name.endswith(layer.blob.hex):
                raise FetchError(
                    tr(
                        "{where}: the layer {name} has the digest {digest}",
                        where=where,
                        name=name,
                        digest=layer.blob.digest,
                    )
                )
        elif layer.diff_id != diff_id:
            raise FetchError(
                tr(
                    "{where}: the layer {name} is {diff_id}, but the config says {promised}",
                    where=where,
                    name=name,
                    diff_id=layer.diff_id,
                    promised=diff_id,
                )
            )
        blobs.append(layer.blob)
    return Manifest.build(Descriptor(OCI_CONFIG, sink.put(raw), len(raw)), tuple(blobs))


class _Compressed:
    """Compresses a stream with gzip, reproducibly: the header has no name and no time."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._digest = hashlib.sha256()
        self._compressor: Any = zlib.compressobj(LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)

    @property
    def diff_id(self) -> str:
        """Digest of the uncompressed bytes."""
        return "sha256:" + self._digest.hexdigest()

    def read(self, size: int, /) -> bytes:
        """Return more compressed bytes; empty at the end."""
        while self._compressor is not None:
            chunk = self._source.read(size)
            if not chunk:
                last: bytes = self._compressor.flush()
                self._compressor = None
                return last
            self._digest.update(chunk)
            piece: bytes = self._compressor.compress(chunk)
            if piece:
                return piece
        return b""


def choose_by_config(digest: str) -> Callable[[list[ArchivedImage], Mapping[str, bytes]], ArchivedImage]:
    """Return a `choose` for `import_archive` that selects the image whose config has this digest (image ID).

    An engine with the containerd image store identifies an image by the digest of its manifest. In this case
    the archive contains only that image.
    """

    def choose(images: list[ArchivedImage], small: Mapping[str, bytes]) -> ArchivedImage:
        for image in images:
            if image.config in small and digest_of(small[image.config]) == digest:
                return image
        if len(images) == 1 and f"blobs/sha256/{digest[7:]}" in small:
            return images[0]
        raise FetchError(tr("the archive does not contain the image {digest}", digest=digest))

    return choose
