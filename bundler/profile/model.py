"""What a profile says. The docstring under each field is its reference page's text."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from bundler.api.application import Requirement
from bundler.errors import HintedValueError
from bundler.profile.base import LocalPath, ProfileModel
from bundler.profile.files import CarriedFile, EngineFiles
from bundler.profile.values import (
    CpuFlag,
    Duration,
    Identifier,
    Mirror,
    Moment,
    PlatformName,
    RegistryHost,
    ReleaseName,
    Size,
    SysctlName,
    VersionNumber,
    version_key,
)


class Registries(ProfileModel):
    """How registries are reached."""

    mirrors: dict[RegistryHost, Mirror] = Field(default={})
    """Registry host: `host[:port][/prefix]` that is asked first. See `--registry-mirror`."""
    insecure: tuple[RegistryHost, ...] = ()
    """Hosts, with port, that may be spoken to in plain HTTP. `--insecure-registry` adds to them."""
    ca_file: LocalPath | None = None
    """PEM file with private certificate authorities, trusted besides the system's."""


class Cores(ProfileModel):
    """Processor cores."""

    minimum: Annotated[int, Field(ge=1)] | None = None
    """Fewer fail the preflight."""
    recommended: Annotated[int, Field(ge=1)] | None = None
    """Fewer give a warning."""


class Bytes(ProfileModel):
    """An amount of memory or disk."""

    minimum: Size | None = None
    """Less fails the preflight."""
    recommended: Size | None = None
    """Less gives a warning."""


class Drive(ProfileModel):
    """Whether the data lie on a solid state drive."""

    minimum: bool = False
    """Without one the preflight fails."""
    recommended: bool = False
    """Without one there is a warning."""


class Flags(ProfileModel):
    """Features of the processor, as the line `flags` (arm64: `Features`) of /proc/cpuinfo spells them."""

    minimum: tuple[CpuFlag, ...] = ()
    """A missing one fails the preflight."""
    recommended: tuple[CpuFlag, ...] = ()
    """A missing one gives a warning. On amd64, those of x86-64-v2 where nothing is said."""


class Latency(ProfileModel):
    """How long a small write takes until it is on the disk, on average, in milliseconds."""

    maximum: Annotated[int, Field(ge=1)] | None = None
    """More fails the preflight."""
    recommended: Annotated[int, Field(ge=1)] | None = None
    """More gives a warning; 20 where nothing is said."""


class Amount(ProfileModel):
    """A number."""

    minimum: Annotated[int, Field(ge=0)] | None = None
    """Less fails the preflight."""
    recommended: Annotated[int, Field(ge=0)] | None = None
    """Less gives a warning."""


class Release(ProfileModel):
    """A program's version."""

    minimum: VersionNumber | None = None
    """An older one fails the preflight. In quotes: unquoted, 20.10 is the number 20.1."""
    recommended: VersionNumber | None = None
    """An older one gives a warning."""


MOST_RELEASES = 999_999_999_999_999
"""Highest release counter: every awk of a site can compare numbers of 15 digits."""
ORDERED = ("cpu", "memory", "disk", "docker", "compose", "kernel", "swap", "open_files")
"""Requirements whose recommended value is at least the minimum."""


class Requirements(ProfileModel):
    """What the preflight asks of a site, besides the room that the bundle itself takes."""

    cpu: Cores = Cores()
    """Processor cores."""
    memory: Bytes = Bytes()
    """Main memory."""
    disk: Bytes = Bytes()
    """Room for the application's data, on the device of the installation's root."""
    ssd: Drive = Drive()
    """Solid state drive under the installation's root."""
    docker: Release = Release()
    """Docker engine."""
    compose: Release = Release()
    """Docker Compose."""
    kernel: Release = Release()
    """Linux kernel; at least 3.10, recommended 4.18, where nothing is said."""
    cpu_flags: Flags = Flags()
    """Features of the processor that the images' programs use."""
    swap: Bytes = Bytes()
    """Swap space."""
    write_latency: Latency = Latency()
    """Time of a small synchronised write under the installation's root."""
    open_files: Amount = Amount()
    """Files that a program in a container may open: at least 1024, recommended 65536."""
    sysctl: dict[SysctlName, Amount] = Field(default={})
    """Kernel settings that a service needs, such as `vm.max_map_count: {minimum: 262144}`.
    `vm.overcommit_memory` is a choice, not an amount: it must be the very number."""

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        tiers = {name: getattr(self, name) for name in ORDERED}
        for name, tier in (tiers | self.sysctl).items():
            low, high = tier.minimum, tier.recommended
            if isinstance(low, str) and isinstance(high, str):
                low, high = version_key(low), version_key(high)
            if low is not None and high is not None and high < low:
                raise HintedValueError(
                    "is below the minimum",
                    hint="raise it or leave it out",
                    at=("sysctl", name, "recommended") if name in self.sysctl else (name, "recommended"),
                )
        latency = self.write_latency
        if latency.maximum is not None and (latency.recommended or 0) > latency.maximum:
            raise HintedValueError(
                "is above the maximum",
                hint="lower it or leave it out",
                at=("write_latency", "recommended"),
            )
        return self


class Health(ProfileModel):
    """When an installation counts as done."""

    timeout: Annotated[Duration, Field(ge=1)] = 600
    """How long the installer waits until all services are healthy: seconds, or as `10m`."""


class Backup(ProfileModel):
    """The rule by which backups are made and old ones removed."""

    schedule: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] | None = None
    """Time of day, in quotes: `"02:30"`. The site's operator switches it on (`schedule --install`); the daily
    inspection warns where there is no backup of the last day."""
    keep: Annotated[int, Field(ge=1)] | None = None
    """So many scheduled backups stay, and so many of those that upgrades make. Older ones are removed;
    without a number none is."""

    @model_validator(mode="after")
    def _check_keep(self) -> Self:
        if self.schedule is not None and self.keep is None:
            raise HintedValueError(
                "a schedule without an end fills the disk", hint="add `keep: 7`", at=("schedule",)
            )
        return self


class Freshness(ProfileModel):
    """What keeps an old bundle from being passed off as a new one. Both are signed with the bundle."""

    counter: Annotated[int, Field(ge=1, le=MOST_RELEASES)] | None = None
    """Rises with each release. A site refuses a bundle whose counter is below the highest that was installed
    there, unless the operator gives `--allow-downgrade`. By default it is the bundle's time, in seconds since
    1970, so a counter of your own that starts later must start above that: a day and a number, `2027063001`.
    In a pipeline: `--set release.counter=...`."""
    expires: Moment | None = None
    """Last day (UTC) on which it may be installed: `2027-06-30`, or a time, `2027-06-30T12:00Z`. A later
    installation needs `--accept expiry`. What is installed runs on."""
    grace: Duration = 0
    """How long after `expires` it may still be installed, with a warning: `30d`."""

    @model_validator(mode="after")
    def _check_grace(self) -> Self:
        if self.grace and self.expires is None:
            raise HintedValueError("has nothing to extend", hint="add `expires:`", at=("grace",))
        return self


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
    """Provider that makes the bundle install itself."""
    settings: dict[str, Any] = Field(default={})
    """The application's own settings; see its section below."""
    registries: Registries = Registries()
    """How registries are reached."""
    archives: tuple[LocalPath, ...] = ()
    """Files and folders for the source `archive`: `docker save` archives, OCI layouts."""
    requirements: Requirements = Requirements()
    """What the preflight asks of the site's hardware and programs."""
    health: Health = Health()
    """When an installation counts as done."""
    backup: Backup = Backup()
    """When backups are made and how many stay."""
    release: Freshness = Freshness()
    """What keeps an old bundle from being passed off as a new one."""
    files: tuple[CarriedFile, ...] = ()
    """Files that travel along."""
    engine: dict[PlatformName, EngineFiles] = Field(default={})
    """Docker, carried for servers that have none: what travels in a bundle for each platform, such as
    `linux/amd64: {archive: ..., compose: ...}`. The operator installs it with `--install-engine`."""
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
                        f"{name!r} is there twice", hint="keep one of them", at=(key, index)
                    )
        return self

    @model_validator(mode="after")
    def _check_engine(self) -> Self:
        least = self.requirements.docker.minimum
        for platform, engine in self.engine.items():
            if engine.version is None and self.pack.compression == "compact":
                raise HintedValueError(
                    "carries an engine of unknown version, and `pack.compression: compact` needs Docker 23",
                    hint='add its `version:`, for example "26.1.4"',
                    at=("engine", platform),
                )
            if least and engine.version and version_key(engine.version) < version_key(least):
                raise HintedValueError(
                    f"is older than the Docker that is required, {least}",
                    hint="carry a newer one, or require less (`requirements.docker.minimum`)",
                    at=("engine", platform, "version"),
                )
        return self

    def to_requirements(self) -> tuple[Requirement, ...]:
        """What is asked for, in the order of the fields; ids are the keys, with `-` for `_`."""
        asked = self.requirements
        tiers: dict[str, Any] = {
            name.replace("_", "-"): getattr(asked, name)
            for name in type(asked).model_fields
            if name != "sysctl"
        }
        tiers |= {f"sysctl:{name}": tier for name, tier in asked.sysctl.items()}
        found = []
        for name, tier in tiers.items():
            least = tier.maximum if isinstance(tier, Latency) else tier.minimum
            minimum, recommended = _flat(least), _flat(tier.recommended)
            if minimum is not None or recommended is not None:
                found.append(Requirement(name, minimum, recommended))
        return tuple(found)


class ProfileFile(Profile):
    """A profile as its file says it: what `extends` brings need not be said again."""

    extends: str | tuple[str, ...] = ()
    """What this profile starts from: names, or paths (with a `/`, or ending in `.yaml`)."""


def _flat(value: float | str | bool | tuple[str, ...] | None) -> str | None:  # noqa: FBT001 a fact, not a switch
    if isinstance(value, bool):
        return "yes" if value else None
    if isinstance(value, tuple):
        return " ".join(value) or None
    return None if value is None else str(value)
