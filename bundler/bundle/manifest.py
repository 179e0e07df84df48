"""bundle.json, the bundle's own manifest, as pydantic models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from bundler.bundle.names import show_path
from bundler.errors import VerificationError
from bundler.image.oci import Descriptor
from bundler.io.json import format_json, parse_json
from bundler.language import tr

FORMAT = 1
MANIFEST = "bundle.json"
COMPOSE: Final = "compose"
"""The target of bundles that say nothing about it."""
MANIFEST_LIMIT = 4 << 20
"""Largest bundle.json in bytes, because it is held in memory. A layer takes 230 bytes."""

Bytes = Annotated[int, Field(ge=0, lt=1 << 63)]
"""A size in bytes."""
Time = Annotated[int, Field(ge=0, lt=253402300800)]
"""Seconds since 1970, before the year 10000."""


class Model(BaseModel):
    """Base class of all parts of the manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class LayerEntry(Model):
    """A blob of an image."""

    digest: str
    """`sha256:<hex>`."""
    size: Bytes
    """Bytes of the blob in the bundle."""
    media_type: str
    """Media type from the image's manifest."""

    @classmethod
    def of(cls, blob: Descriptor) -> Self:
        """Create an entry from a descriptor."""
        return cls(digest=blob.digest, size=blob.size, media_type=blob.media_type)


class ImageEntry(Model):
    """An image of the bundle."""

    reference: str
    """Reference in the application, normalised."""
    tag: str
    """Tag of the image in the site's engine; `compose.yaml` uses it."""
    source: str
    """Name of the source that the image came from."""
    origin: str
    """Digest of the manifest at the source: that of `manifest`, unless the layers are carried unpacked."""
    manifest: LayerEntry
    """The image's manifest."""
    config: LayerEntry
    """The image's config; its digest is the image ID on most engines."""
    layers: tuple[LayerEntry, ...]
    """Layers in order, lowest first."""
    unpacked: Bytes
    """Bytes of the unpacked layers; an estimate if a layer does not record its unpacked size."""
    platform: str | None = None
    """OCI platform, if it is not the bundle's; otherwise the key is left out."""

    @model_serializer(mode="wrap")
    def _leave_out(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped: dict[str, Any] = dump(self)
        if dumped["platform"] is None:
            del dumped["platform"]
        return dumped

    @property
    def blobs(self) -> tuple[LayerEntry, ...]:
        """Return manifest, config and layers without duplicates."""
        every = (self.manifest, self.config, *self.layers)
        return tuple({blob.digest: blob for blob in every}.values())

    @property
    def size(self) -> int:
        """Return the bytes of all blobs."""
        return sum(blob.size for blob in self.blobs)


class ServiceEntry(Model):
    """A service of the application."""

    name: str
    """Name in the Compose document."""
    tag: str
    """Tag of the image, as in `ImageEntry.tag`."""
    expect: Literal["healthy", "running", "started", "completed"]
    """State that the installer waits for. `started`: it runs, or has ended with 0 and is not restarted."""


class PortEntry(Model):
    """A port published on the host."""

    service: str
    """Service of the Compose document."""
    address: str
    """IP address, `${NAME}`, or `-` for all."""
    port: str
    """Number, or `${NAME}` of a site variable."""
    protocol: str
    """`tcp` or `udp`."""


class MountEntry(Model):
    """A path that a service mounts."""

    service: str
    """Service of the Compose document, or `volume NAME` for a volume that binds a path."""
    source: str
    """Path in the project, or absolute path of the host."""
    target: str
    """Path in the container."""
    kind: Literal["configuration", "data", "initial", "host"]
    """`initial`: data with initial content, which the first installation delivers."""
    place: str
    """Where it lies at the site: `config/...` of the release, `data/...` below the root, or an absolute
    path."""
    read_only: bool
    """Whether the service cannot write to it."""


class SoftwareEntry(Model):
    """What was found in an image."""

    tag: str
    """Tag of the image, as in `ImageEntry.tag`."""
    packages: dict[str, Annotated[int, Field(ge=0)]]
    """Number of packages by the type of their package URLs: `deb`, `pypi` ..."""
    gaps: tuple[str, ...]
    """Files that may list more packages but could not be read, and why; in English, as in the SBOM."""


class AdvisoryEntry(Model):
    """A file about vulnerabilities that was made elsewhere."""

    path: str
    """Path in the bundle."""
    kind: str
    """`OpenVEX`, `CSAF`, `CycloneDX`, `SARIF`, `Grype` or `Trivy`."""
    date: str | None
    """When it was made, as the file says."""
    counts: dict[str, Annotated[int, Field(ge=0)]]
    """Number of its findings by status or severity."""


class VariableEntry(Model):
    """A site variable: a value known only at the site."""

    name: str
    """Name as in `${NAME}`."""
    kind: str
    """Kind of value; see docs/reference/bundle-format.md."""
    required: bool
    """Whether the site must provide a value."""
    default: str | None
    """Value used if the site provides none."""
    generator: str | None
    """Generates a value if the site provides none."""


class Packing(Model):
    """How the images are packed."""

    compression: Literal["keep", "compact"]
    """`keep`: original blobs. `compact`: unpacked layers in one zstd stream."""
    level: Annotated[int, Field(ge=1, le=22)] | None
    """zstd level; null with `keep`."""
    window: Annotated[int, Field(ge=10, le=31)] | None
    """log2 of the bytes of memory needed to read the stream; null with `keep`."""
    kept_bytes: Bytes
    """Bytes of all distinct original blobs."""
    packed_bytes: Bytes
    """Bytes of the images in the bundle."""


class Provenance(Model):
    """How the bundle was built."""

    builder: str
    """Program and version."""
    profile_sha256: str
    """SHA-256 of the profile with inheritance and `--set` applied, as canonical JSON."""


class BundleManifest(Model):
    """The content of bundle.json that is common to all bundles. A packer extends it with its own keys.

    If the packer that made a bundle is not available, its keys are kept unchanged.
    """

    model_config = ConfigDict(extra="allow")

    format: Literal[1]
    """Version of the bundle format; this program reads 1."""
    name: str
    """Name of the application."""
    version: str
    """Version of the application."""
    title: str
    """Title for people."""
    profile: str
    """Name of the profile that the bundle was built from."""
    platform: str
    """OCI platform."""
    project: str
    """Compose project name."""
    created: Time
    """Seconds since 1970, UTC: SOURCE_DATE_EPOCH."""
    images: tuple[ImageEntry, ...]
    """Images, sorted by reference."""
    services: tuple[ServiceEntry, ...]
    """Services, sorted by name."""
    ports: tuple[PortEntry, ...]
    """Ports published on the host."""
    variables: tuple[VariableEntry, ...]
    """Values to enter at the site."""
    mounts: tuple[MountEntry, ...] = ()
    """Paths that services mount, in the order of the document; none in bundles of older versions."""
    software: tuple[SoftwareEntry, ...] = ()
    """What was found in each image; without `sbom.packages`, the key is left out."""
    advisories: tuple[AdvisoryEntry, ...] = ()
    """Files about vulnerabilities; without them, the key is left out."""
    targets: tuple[str, ...] = (COMPOSE,)
    """What the bundle has the configuration for; with `compose` alone, the key is left out."""
    packing: Packing
    """How the images are packed."""
    provenance: Provenance
    """How the bundle was built."""

    @property
    def top(self) -> str:
        """Return the name of the bundle's top folder, which is its file name without `.tar`."""
        return f"{self.name}-{self.version}-{self.profile}-{self.platform.replace('/', '-')}"

    @property
    def blobs(self) -> dict[str, LayerEntry]:
        """Return all blobs of all images, by digest."""
        return {blob.digest: blob for image in self.images for blob in image.blobs}

    def to_bytes(self) -> bytes:
        """Return the content of the file: sorted keys, indented by two spaces, a line break at the end."""
        return format_json(self.model_dump(mode="json"))

    @model_serializer(mode="wrap")
    def _order_keys(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Put a packer's keys before `packing`: the SBOM's namespace depends on the order of the keys."""
        dumped: dict[str, Any] = dump(self)
        for key in ("software", "advisories"):
            if not dumped[key]:
                del dumped[key]
        if self.targets == (COMPOSE,):
            del dumped["targets"]
        own = {key: value for key, value in dumped.items() if key not in BundleManifest.model_fields}
        last = {key: dumped.pop(key) for key in ("packing", "provenance")}
        return {key: value for key, value in dumped.items() if key not in own} | own | last

    @classmethod
    def from_bytes(cls, raw: bytes, models: Sequence[type[BundleManifest]] = ()) -> BundleManifest:
        """Parse bundle.json.

        Args:
            raw: content of the file.
            models: models of packers; the one that knows most of the keys is used.

        Raises:
            VerificationError: it is not a manifest that this program understands.
        """
        hint = None
        try:
            data = parse_json(raw)
            if isinstance(data, dict) and data.get("format") != FORMAT:
                raise VerificationError(
                    tr(
                        "bundle.json has format {found!r}; this version of bundle reads format {format}",
                        found=data.get("format"),
                        format=FORMAT,
                    ),
                    hint=tr("use the version of bundle that built the file"),
                )
            keys = data.keys() if isinstance(data, dict) else set()
            model = min(models, key=lambda each: len(keys - each.model_fields.keys()), default=cls)
            if keys - model.model_fields.keys():
                hint = tr("where another packer made the bundle, give its plugin with --plugins-dir")
            return model.model_validate(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(map(str, first["loc"]))[:200]
            raise VerificationError(
                tr("bundle.json is damaged: {where}: {first}", where=show_path(where), first=first["msg"]),
                hint=hint,
            ) from error
        except ValueError as error:
            raise VerificationError(tr("bundle.json is damaged: {error}", error=error)) from error
