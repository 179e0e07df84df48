"""The models of a profile. The docstring of each field is its text on the reference page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from bundler.errors import HintedValueError
from bundler.language import tr
from bundler.profile.base import LocalPath, ProfileModel
from bundler.profile.files import CarriedFile
from bundler.profile.values import (
    Identifier,
    Mirror,
    PlatformName,
    RegistryHost,
    ReleaseName,
)


class Registries(ProfileModel):
    """How to reach registries."""

    mirrors: dict[RegistryHost, Mirror] = Field(default={})
    """Registry host: `host[:port][/prefix]` that is tried first. See `--registry-mirror`."""
    insecure: tuple[RegistryHost, ...] = ()
    """Hosts, with port, that may be contacted over plain HTTP. `--insecure-registry` adds to them."""
    ca_file: LocalPath | None = None
    """PEM file with private certificate authorities, trusted in addition to the system's."""


class Pack(ProfileModel):
    """How to write the bundle."""

    compression: Literal["keep", "compact"] = "keep"
    """`keep`: the original layers under their original digests. `compact`: the unpacked layers in one zstd
    stream, a third smaller; the site requires Docker 23 or newer, or the program `zstd`.
    """
    level: Annotated[int, Field(ge=1, le=22)] = 12
    """zstd level for `compact`: higher is smaller and slower. Packing takes 0.5 GB of memory by default, less
    than 150 MB at level 9 with `window: 24` and `threads: 1` (docs/explanation/performance.md).
    """
    window: Annotated[int, Field(ge=20, le=31)] = 27
    """How far back `compact` finds repeated data, as a power of 2 in bytes: 27 is 128 MiB. Loading takes that
    much memory at the site; above 27 it requires the program `zstd`, regardless of the Docker version.
    """
    zstd_layers: Literal["keep", "repack"] = "keep"
    """What to do with zstd layers if `compression` is `keep`. `keep`: the site requires Docker 23 or newer.
    `repack`: they are written as gzip, which Docker 20.10 loads; the digests of the images change, their IDs
    do not, and the attestations name both.
    """
    threads: Annotated[int, Field(ge=0)] = 0
    """Number of compression threads; 0 uses all cores. The output does not depend on it."""


class Sbom(ProfileModel):
    """What the software bill of materials lists."""

    packages: bool = True
    """Whether the packages in images are listed: of dpkg, apk, rpm, Python, Node, Go and Java, with their
    licences (docs/reference/sbom.md). Without, the SBOM lists images only, and says so. `build --write-once`
    lists none, and refuses a profile that says `true`.
    """


class Signing(ProfileModel):
    """Requirements for signatures."""

    required: bool = False
    """Whether `--unsigned` is refused."""
    signatures: int = Field(default=1, ge=1, le=32)
    """Minimum number of keys that sign when a signed bundle is built; `bundle sign` can add more later."""


class Locking(ProfileModel):
    """Requirements for the lock file beside the profile."""

    required: bool = False
    """Whether every build is `--locked`: images that the lock file does not pin are refused."""


class Profile(ProfileModel):
    """A profile with inheritance and `--set` applied."""

    renamed: ClassVar[Mapping[str, str]] = {"renderer": "targets: [{value}]"}
    """Keys of older versions, and what to write in place of each."""

    name: Identifier
    """Part of the bundle's name; by default the file's name without `.yaml`. Not inherited."""
    title: str = ""
    """Name shown to people. Not inherited."""
    description: str = ""
    """Purpose of the profile, one line, shown by `bundle profiles`. Not inherited."""
    application: str
    """Provider that models the application: `compose` for Compose projects. See `bundle plugins`."""
    version: ReleaseName | None = None
    """Version of the application. Put it in quotes: without them, 1.10 is the number 1.1."""
    platform: PlatformName = "linux/amd64"
    """Operating system and architecture of the site. `--platform` takes precedence."""
    sources: Annotated[tuple[str, ...], Field(min_length=1)] = ("registry",)
    """Image sources, tried in this order: `registry`, `docker` (an engine), `archive`."""
    targets: Annotated[tuple[str, ...], Field(min_length=1)] = ("compose",)
    """What the bundle can be installed on: `compose` (one server with Docker), `kubernetes` (a cluster). The
    images travel once. See [the target kubernetes](kubernetes.md).
    """
    signer: str = "ecdsa"
    """Provider that signs."""
    packer: str = "installer"
    """Provider that makes the bundle installable. It adds its own sections."""
    settings: dict[str, Any] = Field(default={})
    """Settings of the application; see its section below."""
    registries: Registries = Registries()
    """How to reach registries."""
    archives: tuple[LocalPath, ...] = ()
    """Files and folders for the source `archive`: `docker save` archives, OCI layouts."""
    files: tuple[CarriedFile, ...] = ()
    """Files to add to the bundle."""
    sbom: Sbom = Sbom()
    """What the software bill of materials lists."""
    advisories: tuple[LocalPath, ...] = ()
    """Files about vulnerabilities that were made elsewhere, carried and signed as they are: OpenVEX, CSAF,
    CycloneDX with vulnerabilities, SARIF, results of Grype and Trivy as JSON. The content decides the kind.
    """
    pack: Pack = Pack()
    """How to write the bundle."""
    signing: Signing = Signing()
    """Requirements for signatures."""
    lock: Locking = Locking()
    """Requirements for the lock file."""

    @model_validator(mode="after")
    def _check_twice(self) -> Self:
        for key, names in (
            ("sources", list(self.sources)),
            ("targets", list(self.targets)),
            ("files", [file.target for file in self.files]),
            ("advisories", [path.name for path in self.advisories]),
        ):
            for index, name in enumerate(names):
                if name in names[:index]:
                    raise HintedValueError(
                        tr("{name!r} is listed twice", name=name),
                        hint=tr("keep one of them"),
                        at=(key, index),
                    )
        return self


class ProfileFile(Profile):
    """A profile as written in its file: values inherited through `extends` may be omitted."""

    extends: str | tuple[str, ...] = ()
    """Profiles to inherit from: names, or paths (with a `/`, or ending in `.yaml`)."""
