"""What a profile says. The docstring under each field is its reference page's text."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from bundler.errors import HintedValueError
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
    """How registries are reached."""

    mirrors: dict[RegistryHost, Mirror] = Field(default={})
    """Registry host: `host[:port][/prefix]` that is asked first. See `--registry-mirror`."""
    insecure: tuple[RegistryHost, ...] = ()
    """Hosts, with port, that may be spoken to in plain HTTP. `--insecure-registry` adds to them."""
    ca_file: LocalPath | None = None
    """PEM file with private certificate authorities, trusted besides the system's."""


class Pack(ProfileModel):
    """How the bundle is written."""

    compression: Literal["keep", "compact"] = "keep"
    """`keep`: the layers travel as the registry has them, under the registry's digests. `compact`: unpacked,
    all in one zstd stream, a third smaller; the site needs Docker 23 or newer, or the program `zstd`."""
    level: Annotated[int, Field(ge=1, le=22)] = 12
    """Level of zstd for `compact`: higher is smaller and slower. Packing takes 0.5 GB of memory at the
    defaults, below 150 MB at level 9 with `window: 24` and `threads: 1` (docs/explanation/performance.md)."""
    window: Annotated[int, Field(ge=20, le=31)] = 27
    """How far back `compact` finds what is the same, as a power of 2 in bytes: 27 is 128 MiB. The site
    needs that much memory to load; above 27 it needs the program `zstd`, whatever its Docker."""
    threads: Annotated[int, Field(ge=0)] = 0
    """Threads that compress; 0 takes every core. The bytes do not depend on it."""


class Signing(ProfileModel):
    """What is asked of the signature."""

    required: bool = False
    """Whether `--unsigned` is refused."""
    signatures: int = Field(default=1, ge=1, le=32)
    """How many keys must sign at least when a signed bundle is built; `bundle sign` adds more later."""


class Locking(ProfileModel):
    """What is asked of the lock file beside the profile."""

    required: bool = False
    """Whether every build is `--locked`: an image that the lock does not pin is refused."""


class Profile(ProfileModel):
    """A profile with everything inherited and set."""

    name: Identifier
    """Part of the bundle's name; by default the file's name without `.yaml`. Not inherited."""
    title: str = ""
    """Name for people. Not inherited."""
    description: str = ""
    """What it is for, one line, shown by `bundle profiles`. Not inherited."""
    application: str
    """Provider that knows the application: `compose` for Compose projects. See `bundle plugins`."""
    version: ReleaseName | None = None
    """Of the application. In quotes: unquoted, 1.10 is the number 1.1."""
    platform: PlatformName = "linux/amd64"
    """Operating system and architecture of the site. `--platform` goes before it."""
    sources: Annotated[tuple[str, ...], Field(min_length=1)] = ("registry",)
    """Where images are looked for, in this order: `registry`, `docker` (an engine), `archive`."""
    renderer: str = "compose"
    """Provider that writes the configuration for the target."""
    signer: str = "ecdsa"
    """Provider that signs."""
    packer: str = "installer"
    """Provider that makes the bundle install itself. It brings sections of its own."""
    settings: dict[str, Any] = Field(default={})
    """The application's own settings; see its section below."""
    registries: Registries = Registries()
    """How registries are reached."""
    archives: tuple[LocalPath, ...] = ()
    """Files and folders for the source `archive`: `docker save` archives, OCI layouts."""
    files: tuple[CarriedFile, ...] = ()
    """Files that travel along."""
    pack: Pack = Pack()
    """How the bundle is written."""
    signing: Signing = Signing()
    """What is asked of the signature."""
    lock: Locking = Locking()
    """What is asked of the lock file."""

    @model_validator(mode="after")
    def _check_twice(self) -> Self:
        for key, names in (
            ("sources", list(self.sources)),
            ("files", [file.target for file in self.files]),
        ):
            for index, name in enumerate(names):
                if name in names[:index]:
                    raise HintedValueError(
                        f"{name!r} is listed twice", hint="keep one of them", at=(key, index)
                    )
        return self


class ProfileFile(Profile):
    """A profile as its file says it: what `extends` brings need not be said again."""

    extends: str | tuple[str, ...] = ()
    """What this profile starts from: names, or paths (with a `/`, or ending in `.yaml`)."""
