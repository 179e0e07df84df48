"""bundle.json, the bundle's own manifest: pydantic at the border, one field one fact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

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

FORMAT = 1
MANIFEST = "bundle.json"
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
    """The whole of bundle.json: what every bundle says. A packer extends it with keys of its own.

    Read without the packer that made a bundle, its keys are kept as they came.
    """

    model_config = ConfigDict(extra="allow")

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
        return format_json(self.model_dump(mode="json"))

    @model_serializer(mode="wrap")
    def _order_keys(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A packer's keys stand before `packing`: the SBOM's namespace is made of them in this order."""
        dumped: dict[str, Any] = dump(self)
        own = {key: value for key, value in dumped.items() if key not in BundleManifest.model_fields}
        last = {key: dumped.pop(key) for key in ("packing", "provenance")}
        return {key: value for key, value in dumped.items() if key not in own} | own | last

    @classmethod
    def from_bytes(cls, raw: bytes, models: Sequence[type[BundleManifest]] = ()) -> BundleManifest:
        """Read bundle.json.

        Args:
            raw: the file.
            models: of packers; the one that knows most of the keys is taken.

        Raises:
            VerificationError: it is not one that this program understands.
        """
        hint = None
        try:
            data = parse_json(raw)
            if isinstance(data, dict) and data.get("format") != FORMAT:
                raise VerificationError(
                    f"bundle.json has format {data.get('format')!r}; this version of bundle reads"
                    f" format {FORMAT}",
                    hint="use the version of bundle that built the file",
                )
            keys = data.keys() if isinstance(data, dict) else set()
            model = min(models, key=lambda each: len(keys - each.model_fields.keys()), default=cls)
            if keys - model.model_fields.keys():
                hint = "where another packer made the bundle, give its plugin with --plugins-dir"
            return model.model_validate(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(map(str, first["loc"]))[:200]
            raise VerificationError(
                f"bundle.json is damaged: {show_path(where)}: {first['msg']}", hint=hint
            ) from error
        except ValueError as error:
            raise VerificationError(f"bundle.json is damaged: {error}") from error
