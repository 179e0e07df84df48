"""bundle.json, the bundle's own manifest: pydantic at the border, one field one fact."""

from __future__ import annotations

import json
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bundler.bundle.names import show_path
from bundler.errors import VerificationError
from bundler.image.oci import Descriptor
from bundler.io.json import parse_json

FORMAT = 1
MANIFEST_LIMIT = 4 << 20
"""Bytes of bundle.json: it is held in memory. A layer takes 230."""

Bytes = Annotated[int, Field(ge=0, lt=1 << 63)]
"""A size."""
Time = Annotated[int, Field(ge=0, lt=253402300800)]
"""Seconds since 1970, before the year 10000."""


class Model(BaseModel):
    """What all parts of the manifest share."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class LayerEntry(Model):
    """A blob of an image."""

    digest: str
    """`sha256:<hex>`."""
    size: Bytes
    """Bytes as carried."""
    media_type: str
    """As the image's manifest says."""

    @classmethod
    def of(cls, blob: Descriptor) -> Self:
        """From a descriptor."""
        return cls(digest=blob.digest, size=blob.size, media_type=blob.media_type)


class ImageEntry(Model):
    """An image in the bundle."""

    reference: str
    """As the application names it, normalised."""
    tag: str
    """The name that the site's engine knows it by; `compose.yaml` uses it."""
    source: str
    """The source that it came from."""
    origin: str
    """Digest of the manifest that the source has: that of `manifest`, unless the layers travel unpacked."""
    manifest: LayerEntry
    """The image's manifest."""
    config: LayerEntry
    """The image's config; its digest is the image ID on most engines."""
    layers: tuple[LayerEntry, ...]
    """In order, lowest first."""
    unpacked: Bytes
    """Bytes of the layers once unpacked; an estimate where a layer does not tell."""

    @property
    def blobs(self) -> tuple[LayerEntry, ...]:
        """Manifest, config and layers, each once."""
        every = (self.manifest, self.config, *self.layers)
        return tuple({blob.digest: blob for blob in every}.values())

    @property
    def size(self) -> int:
        """Bytes of all blobs."""
        return sum(blob.size for blob in self.blobs)


class ServiceEntry(Model):
    """A service of the application."""

    name: str
    """As in the Compose document."""
    tag: str
    """The image's tag, as in `ImageEntry.tag`."""
    expect: Literal["healthy", "running", "completed"]
    """What the installer waits for."""


class PortEntry(Model):
    """A port published on the host."""

    service: str
    """Of the Compose document."""
    address: str
    """IP address, `${NAME}`, or `-` for all."""
    port: str
    """Number, or `${NAME}` of a site variable."""
    protocol: str
    """`tcp` or `udp`."""


class VariableEntry(Model):
    """A site variable: a value known only at the site."""

    name: str
    """As in `${NAME}`."""
    kind: str
    """See docs/reference/bundle-format.md."""
    required: bool
    """Whether the site must give it."""
    default: str | None
    """Taken where the site gives none."""
    generator: str | None
    """Makes a value where the site gives none."""


class RequirementEntry(Model):
    """What preflight asks of the hardware."""

    id: str
    """For example `cpu`."""
    minimum: str | None
    """Below it preflight fails."""
    recommended: str | None
    """Below it preflight warns."""


class BackupEntry(Model):
    """When backups are made and how many stay."""

    schedule: str | None = None
    """Time of day, `HH:MM`."""
    keep: int | None = None
    """Scheduled backups that stay; None for all."""


class ReleaseEntry(Model):
    """What keeps an old bundle from being passed off as a new one."""

    counter: Annotated[int, Field(ge=0, lt=10**15)]
    """Rises with each release; a site refuses a lower one than the highest that was installed there."""
    expires: Time | None = None
    """Seconds since 1970, UTC, from which on it may not be installed without a warning."""
    grace: Time = 0
    """Seconds after `expires` for which it may still be installed."""


class EngineFile(Model):
    """A file of Docker, carried for servers that have none."""

    kind: Literal["archive", "compose", "deb", "rpm"]
    """Docker's static archive, the Compose plugin, or a distribution's package."""
    name: str
    """Of a package as its manager knows it; of others the name that the file came with."""
    path: str
    """In the bundle."""
    sha256: str
    """Hex digits."""
    size: Bytes
    """Bytes."""


class EngineEntry(Model):
    """Docker, carried for servers that have none."""

    version: str | None = None
    """Docker's, as the profile says."""
    files: tuple[EngineFile, ...]
    """In the order of the profile's keys."""
    programs: tuple[str, ...] = ()
    """What lies in the archive's folder `docker/`, sorted."""
    data_root: str | None = None
    """Where the engine keeps its data; None for its default."""
    room: Bytes
    """Bytes that installing them takes at most, on the site's disk of programs."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


class Packing(Model):
    """How the images travel."""

    compression: Literal["keep", "compact"]
    """`keep`: every blob as it came. `compact`: layers unpacked, all in one zstd stream."""
    level: Annotated[int, Field(ge=1, le=22)] | None
    """Of zstd; null with `keep`."""
    window: Annotated[int, Field(ge=10, le=31)] | None
    """log2 of the bytes of memory that reading the stream takes; null with `keep`."""
    kept_bytes: Bytes
    """Bytes of all distinct blobs as they came."""
    packed_bytes: Bytes
    """Bytes that they take in the bundle."""


class Provenance(Model):
    """How the bundle came to be."""

    builder: str
    """Program and version."""
    profile_sha256: str
    """SHA-256 over the profile with everything inherited and set, as canonical JSON."""


class BundleManifest(Model):
    """The whole of bundle.json."""

    format: Literal[1]
    """Of the bundle; this program reads 1."""
    name: str
    """Of the application."""
    version: str
    """Of the application."""
    title: str
    """For people."""
    profile: str
    """That it was built from."""
    platform: str
    """OCI platform."""
    project: str
    """Compose project name."""
    created: Time
    """Seconds since 1970, UTC: SOURCE_DATE_EPOCH."""
    images: tuple[ImageEntry, ...]
    """Sorted by reference."""
    services: tuple[ServiceEntry, ...]
    """Sorted by name."""
    ports: tuple[PortEntry, ...]
    """Published on the host."""
    variables: tuple[VariableEntry, ...]
    """Asked for at the site."""
    requirements: tuple[RequirementEntry, ...]
    """Checked before the installation."""
    health_timeout: Time
    """Seconds to wait until all services are healthy."""
    backup: BackupEntry = BackupEntry()
    """When backups are made."""
    release: ReleaseEntry | None = None
    """Counter and expiry; None in bundles made before there were any."""
    engine: EngineEntry | None = None
    """Docker for servers that have none."""
    packing: Packing
    """How the images travel."""
    provenance: Provenance
    """How the bundle came to be."""

    @property
    def top(self) -> str:
        """Name of the bundle's top folder, and of its file without `.tar`."""
        return f"{self.name}-{self.version}-{self.profile}-{self.platform.replace('/', '-')}"

    @property
    def blobs(self) -> dict[str, LayerEntry]:
        """Every blob of every image, by digest."""
        return {blob.digest: blob for image in self.images for blob in image.blobs}

    def to_bytes(self) -> bytes:
        """The file's bytes: sorted keys, two spaces, a line break at the end."""
        text = json.dumps(self.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False)
        return (text + "\n").encode()

    @classmethod
    def from_bytes(cls, raw: bytes) -> BundleManifest:
        """Read bundle.json.

        Raises:
            VerificationError: it is not one that this program understands.
        """
        try:
            data = parse_json(raw)
            if isinstance(data, dict) and data.get("format") != FORMAT:
                raise VerificationError(
                    f"bundle.json has format {data.get('format')!r}; this program reads {FORMAT}",
                    hint="use the version of bundle that built the file",
                )
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(map(str, first["loc"]))[:200]
            raise VerificationError(f"bundle.json is damaged: {show_path(where)}: {first['msg']}") from error
        except ValueError as error:
            raise VerificationError(f"bundle.json is damaged: {error}") from error
