"""Documents of the OCI Image and Distribution specifications, validated when they are read.

Documents keep their original bytes (`raw`): digests are computed over those, never over a re-serialised form.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from bundler.errors import FetchError
from bundler.image.digest import check_digest, digest_of
from bundler.image.limits import check_distributable, check_layer_count
from bundler.image.platform import Platform
from bundler.io.json import parse_json
from bundler.language import tr

OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
OCI_LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP: Final = OCI_LAYER + "+gzip"
OCI_LAYER_ZSTD: Final = OCI_LAYER + "+zstd"
DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER_GZIP: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_FOREIGN: Final = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"

INDEX_TYPES: Final = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFEST_TYPES: Final = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
OCTETS: Final = "application/octet-stream"
"""Media type that some builders give to configs. Docker and skopeo accept it."""
CONFIG_TYPES: Final = frozenset({OCI_CONFIG, DOCKER_CONFIG, OCTETS})
LAYER_TYPES: Final = frozenset({OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD, DOCKER_LAYER_GZIP, DOCKER_LAYER})

MAX_MANIFEST_BYTES: Final = 4 * 1024 * 1024
"""The distribution specification allows registries to refuse larger manifests; this program does too."""


@dataclass(frozen=True)
class Descriptor:
    """A descriptor of a blob: image-spec, descriptor.md."""

    media_type: str
    digest: str
    size: int
    """Bytes of the blob."""

    @property
    def hex(self) -> str:
        """Return the hex digits of the digest."""
        return self.digest.partition(":")[2]

    @classmethod
    def parse(cls, data: object, where: str) -> Self:
        """Parse a descriptor in a document.

        Raises:
            FetchError: a field is missing or has another type; the message names `where`.
        """
        if not isinstance(data, dict):
            raise FetchError(tr("{where}: a descriptor is not an object", where=where))
        media_type, size = data.get("mediaType"), data.get("size")
        if not isinstance(media_type, str):
            raise FetchError(tr("{where}: a descriptor has no mediaType", where=where))
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise FetchError(
                tr("{where}: the size {size!r} of a blob is not a number of bytes", where=where, size=size)
            )
        return cls(media_type, check_digest(data.get("digest"), where), size)

    def to_json(self) -> dict[str, Any]:
        """Return the descriptor as it appears in an OCI document."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


def _load(raw: bytes, where: str, what: str) -> dict[str, Any]:
    if len(raw) > MAX_MANIFEST_BYTES:
        raise FetchError(
            tr("{where}: {what} has {count} bytes, more than 4 MiB", where=where, what=what, count=len(raw))
        )
    try:
        data = parse_json(raw)
    except ValueError as error:
        raise FetchError(
            tr("{where}: {what} is not JSON: {error}", where=where, what=what, error=error)
        ) from error
    if not isinstance(data, dict):
        raise FetchError(tr("{where}: {what} is not a JSON object", where=where, what=what))
    return data


def _config(data: dict[str, Any], where: str) -> Descriptor:
    """Return the descriptor of the config of a manifest."""
    config = Descriptor.parse(data.get("config"), where)
    if config.media_type not in CONFIG_TYPES:
        raise FetchError(
            tr(
                "{where}: not a container image (its config is {media_type!r})",
                where=where,
                media_type=config.media_type,
            ),
            hint=tr("Helm charts and other artifacts cannot be run by Compose"),
        )
    if config.size > MAX_MANIFEST_BYTES:
        raise FetchError(
            tr(
                "{where}: the image's config has {size} bytes, more than 4 MiB",
                where=where,
                size=config.size,
            )
        )
    return config


@dataclass(frozen=True)
class Manifest:
    """An image manifest: image-spec, manifest.md; Docker's version 2, schema 2."""

    raw: bytes
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]

    @classmethod
    def parse(cls, raw: bytes, where: str, media_type: str | None = None) -> Self:
        """Parse and validate a manifest.

        Args:
            raw: the original bytes.
            where: name of the image for messages.
            media_type: value of Content-Type; the document's own `mediaType` must agree.

        Raises:
            FetchError: it is not an image manifest, or has layers that may not be distributed.
        """
        data = _load(raw, where, tr("the manifest"))
        if data.get("schemaVersion") != 2:  # noqa: PLR2004 version of the schema
            raise FetchError(
                tr(
                    "{where}: manifest schema {schema!r} is not supported",
                    where=where,
                    schema=data.get("schemaVersion"),
                ),
                hint=tr("push the image again with a current Docker, which writes schema 2"),
            )
        kind = media_type_of(data, media_type, where)
        if kind not in MANIFEST_TYPES:
            raise FetchError(tr("{where}: {kind!r} is not an image manifest", where=where, kind=kind))
        config = _config(data, where)
        entries = data.get("layers")
        if not isinstance(entries, list):
            raise FetchError(tr("{where}: the manifest has no layers", where=where))
        check_layer_count(len(entries), where)
        layers = tuple(Descriptor.parse(entry, where) for entry in entries)
        for layer in layers:
            check_distributable(layer.media_type, layer.digest, where)
            if layer.media_type not in LAYER_TYPES:
                raise FetchError(
                    tr(
                        "{where}: layer type {media_type!r} is not supported",
                        where=where,
                        media_type=layer.media_type,
                    )
                )
        return cls(raw, kind, config, layers)

    @classmethod
    def build(cls, config: Descriptor, layers: tuple[Descriptor, ...]) -> Self:
        """Create an OCI manifest for an image without one, exported from a Docker engine."""
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": config.to_json(),
            "layers": [layer.to_json() for layer in layers],
        }
        raw = json.dumps(document, separators=(",", ":")).encode()
        return cls(raw, OCI_MANIFEST, config, layers)

    @property
    def descriptor(self) -> Descriptor:
        """Return the descriptor of the manifest itself."""
        return Descriptor(self.media_type, digest_of(self.raw), len(self.raw))

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """Return the config and the layers in order, without duplicates."""
        return tuple({blob.digest: blob for blob in (self.config, *self.layers)}.values())


@dataclass(frozen=True)
class IndexEntry:
    """One manifest of an index."""

    descriptor: Descriptor
    platform: Platform | None
    annotations: dict[str, str]

    @property
    def is_attestation(self) -> bool:
        """Whether it is an attestation that BuildKit added to describe another entry, not an image."""
        return "vnd.docker.reference.type" in self.annotations or (
            self.platform is not None and self.platform.os == "unknown"
        )


@dataclass(frozen=True)
class Index:
    """An image index: image-spec, image-index.md; Docker's manifest list."""

    raw: bytes
    media_type: str
    entries: tuple[IndexEntry, ...]

    @classmethod
    def parse(cls, raw: bytes, where: str, media_type: str | None = None) -> Self:
        """Parse and validate an index.

        Raises:
            FetchError: it is not an index.
        """
        data = _load(raw, where, tr("the index"))
        kind = media_type_of(data, media_type, where)
        manifests = data.get("manifests")
        if kind not in INDEX_TYPES or not isinstance(manifests, list):
            raise FetchError(tr("{where}: {kind!r} is not an image index", where=where, kind=kind))
        entries = []
        for entry in manifests:
            descriptor = Descriptor.parse(entry, where)
            platform = entry.get("platform")
            annotations = entry.get("annotations")
            entries.append(
                IndexEntry(
                    descriptor,
                    _parse_platform(platform, where) if platform is not None else None,
                    {str(k): str(v) for k, v in annotations.items()} if isinstance(annotations, dict) else {},
                )
            )
        return cls(raw, kind, tuple(entries))

    def select(self, platform: Platform, where: str) -> Descriptor:
        """Return the manifest for `platform`, preferring the closest variant; attestations are ignored.

        Raises:
            FetchError: there is none; the message lists the available platforms.
        """
        images = [entry for entry in self.entries if not entry.is_attestation]
        fitting = [entry for entry in images if entry.platform and platform.accepts(entry.platform)]
        if fitting:
            return max(fitting, key=lambda entry: (entry.platform and entry.platform.level) or 0).descriptor
        if len(images) == 1 and images[0].platform is None:
            return images[0].descriptor  # compared with the image's config after the fetch
        there = ", ".join(sorted(str(e.platform) for e in images if e.platform)) or tr("none")
        raise FetchError(
            tr("no image for {platform}; available: {there}", platform=platform, there=there),
            about=where,
            hint=tr("choose another --platform, or an image built for this platform"),
        )


def _parse_platform(data: object, where: str) -> Platform:
    if not isinstance(data, dict):
        raise FetchError(tr("{where}: a platform is not an object", where=where))
    os, arch, variant = data.get("os"), data.get("architecture"), data.get("variant")
    if not isinstance(os, str) or not isinstance(arch, str):
        raise FetchError(tr("{where}: a platform has no os or architecture", where=where))
    return Platform(os, arch, variant if isinstance(variant, str) and variant else None)


def media_type_of(data: dict[str, Any], header: str | None, where: str) -> str:
    """Return the media type of a manifest document; the header and the document must agree.

    Raises:
        FetchError: they do not agree (image-spec, "media-type confusion"), or neither gives one.
    """
    own = data.get("mediaType")
    if own is not None and not isinstance(own, str):
        raise FetchError(tr("{where}: mediaType is not a string", where=where))
    known = INDEX_TYPES | MANIFEST_TYPES
    given = header.partition(";")[0].strip() if header else None
    if given not in known:
        given = None  # generic types such as text/plain, from plain file servers, are ignored
    if own and given and own != given:
        raise FetchError(
            tr(
                "{where}: the registry says {given}, but the document says {own}",
                where=where,
                given=given,
                own=own,
            )
        )
    kind = own or given
    if kind is None:
        kind = OCI_INDEX if "manifests" in data else OCI_MANIFEST
    if (kind in INDEX_TYPES and "layers" in data) or (kind in MANIFEST_TYPES and "manifests" in data):
        raise FetchError(tr("{where}: the document is both a manifest and an index", where=where))
    return kind


@dataclass(frozen=True)
class ImageConfig:
    """The part of an image's config that the bundle needs: image-spec, config.md."""

    platform: Platform
    """Platform; parts that the config omits are empty."""
    diff_ids: tuple[str, ...]
    created: int
    """Seconds since 1970, UTC; 0 if the config has no creation time."""
    user: str = ""
    """User, or `user:group`, as names or numbers; empty for root."""
    exposed: tuple[str, ...] = ()
    """Ports on which it listens, such as `80/tcp`."""
    healthcheck: Mapping[str, Any] | None = field(default=None, hash=False)
    """`Test`, a list of words, and what else is said, as Docker writes it; None if it has none."""

    @classmethod
    def parse(cls, raw: bytes, where: str) -> Self:
        """Parse a config blob.

        Raises:
            FetchError: the platform is invalid or the list of layers is missing.
        """
        data = _load(raw, where, tr("the image's config"))
        rootfs = data.get("rootfs")
        diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
        if not isinstance(diff_ids, list):
            raise FetchError(tr("{where}: the image's config has no rootfs.diff_ids", where=where))
        given = {key: data[key] for key in ("os", "architecture", "variant") if data.get(key) is not None}
        return cls(
            _parse_platform({"os": "", "architecture": "", **given}, where),
            tuple(check_digest(d, where) for d in diff_ids),
            _seconds(data.get("created")),
            *_running(data.get("config")),
        )


def _running(config: object) -> tuple[str, tuple[str, ...], Mapping[str, Any] | None]:
    """Return the user, the ports and the health check of an image; what is malformed counts as not said."""
    if not isinstance(config, dict):
        return "", (), None
    user, ports = config.get("User"), config.get("ExposedPorts")
    return (
        user if isinstance(user, str) else "",
        tuple(sorted(ports)) if isinstance(ports, dict) else (),
        _health_check(config.get("Healthcheck")),
    )


def _health_check(given: object) -> Mapping[str, Any] | None:
    test = given.get("Test") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(test, list) or not test:
        return None
    numbers = {
        key: given[key]
        for key in ("Interval", "Timeout", "StartPeriod", "StartInterval", "Retries")
        if type(given.get(key)) is int and given[key] > 0
    }
    return {"Test": [str(word) for word in test], **numbers}


def _seconds(time: object) -> int:
    """Convert RFC 3339 to seconds since 1970; earlier times and anything else become 0."""
    try:
        return max(0, int(datetime.fromisoformat(str(time)).timestamp()))
    except ValueError:
        return 0
