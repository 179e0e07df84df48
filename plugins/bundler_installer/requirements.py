"""What a bundle requires of a server: `requirements:` of a profile, merged with those of the application."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from bundler.api.application import Requirement
from bundler.errors import BundleError, HintedValueError
from bundler.language import tr, tr_later
from bundler.profile.base import ProfileModel
from bundler.profile.values import Size, VersionNumber, described, matching, version_key

_CPU_FLAG = re.compile(r"[a-z][a-z0-9_.]*")
_SYSCTL = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+")

CpuFlag = Annotated[
    str,
    matching(_CPU_FLAG, tr_later("a CPU flag"), tr_later("as in /proc/cpuinfo, for example avx2")),
    described("processor flag", ["string"], pattern=f"^{_CPU_FLAG.pattern}$"),
]
"""A CPU feature, as /proc/cpuinfo spells it."""

SysctlName = Annotated[
    str,
    matching(_SYSCTL, tr_later("a kernel setting"), tr_later("as in `sysctl`, for example vm.max_map_count")),
    described("kernel setting", ["string"], pattern=f"^{_SYSCTL.pattern}$"),
]
"""A kernel setting, as `sysctl` spells it."""


class Cores(ProfileModel):
    """Processor cores."""

    minimum: Annotated[int, Field(ge=1)] | None = None
    """With fewer, the preflight fails."""
    recommended: Annotated[int, Field(ge=1)] | None = None
    """With fewer, there is a warning."""


class Bytes(ProfileModel):
    """An amount of memory or disk space."""

    minimum: Size | None = None
    """With less, the preflight fails."""
    recommended: Size | None = None
    """With less, there is a warning."""


class Drive(ProfileModel):
    """Whether the data are on a solid state drive."""

    minimum: bool = False
    """Whether the preflight fails without one."""
    recommended: bool = False
    """Whether there is a warning without one."""


class Flags(ProfileModel):
    """Features of the processor, as the line `flags` (arm64: `Features`) of /proc/cpuinfo spells them."""

    minimum: tuple[CpuFlag, ...] = ()
    """If one is missing, the preflight fails."""
    recommended: tuple[CpuFlag, ...] = ()
    """If one is missing, there is a warning. By default on amd64, those of x86-64-v2."""


class Latency(ProfileModel):
    """Average time until a small write is on the disk, in milliseconds."""

    maximum: Annotated[int, Field(ge=1)] | None = None
    """With more, the preflight fails."""
    recommended: Annotated[int, Field(ge=1)] | None = None
    """With more, there is a warning; by default 20."""


class Amount(ProfileModel):
    """A number."""

    minimum: Annotated[int, Field(ge=0)] | None = None
    """With less, the preflight fails."""
    recommended: Annotated[int, Field(ge=0)] | None = None
    """With less, there is a warning."""


class Release(ProfileModel):
    """A program's version."""

    minimum: VersionNumber | None = None
    """With an older one, the preflight fails. In quotes: unquoted, 20.10 is the number 20.1."""
    recommended: VersionNumber | None = None
    """With an older one, there is a warning."""


ORDERED = ("cpu", "memory", "disk", "docker", "compose", "kernel", "swap", "open_files")
"""Requirements whose recommended value must be at least the minimum."""


class Requirements(ProfileModel):
    """Requirements that the preflight checks, in addition to the free space for the bundle itself."""

    cpu: Cores = Cores()
    """Processor cores."""
    memory: Bytes = Bytes()
    """Main memory."""
    disk: Bytes = Bytes()
    """Free space for the application's data, on the file system of the installation's root."""
    ssd: Drive = Drive()
    """Solid state drive under the installation's root."""
    docker: Release = Release()
    """Docker engine."""
    compose: Release = Release()
    """Docker Compose."""
    kernel: Release = Release()
    """Linux kernel; by default at least 3.10, recommended 4.18."""
    cpu_flags: Flags = Flags()
    """Processor features that the programs of the images use."""
    swap: Bytes = Bytes()
    """Swap space."""
    write_latency: Latency = Latency()
    """Time of a small synchronised write under the installation's root."""
    open_files: Amount = Amount()
    """Number of files that a program in a container can open: by default at least 1024, recommended 65536."""
    sysctl: dict[SysctlName, Amount] = Field(default={})
    """Kernel settings that a service requires, such as `vm.max_map_count: {minimum: 262144}`.
    `vm.overcommit_memory` is a mode, not an amount: it must have exactly this value."""

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        tiers = {name: getattr(self, name) for name in ORDERED}
        for name, tier in (tiers | self.sysctl).items():
            low, high = tier.minimum, tier.recommended
            if isinstance(low, str) and isinstance(high, str):
                low, high = version_key(low), version_key(high)
            if low is not None and high is not None and high < low:
                raise HintedValueError(
                    tr("is below the minimum"),
                    hint=tr("raise or remove it"),
                    at=("sysctl", name, "recommended") if name in self.sysctl else (name, "recommended"),
                )
        latency = self.write_latency
        if latency.maximum is not None and (latency.recommended or 0) > latency.maximum:
            raise HintedValueError(
                tr("is above the maximum"),
                hint=tr("lower or remove it"),
                at=("write_latency", "recommended"),
            )
        return self

    def to_requirements(self) -> tuple[Requirement, ...]:
        """Return the requirements that are set, in the order of the fields; ids are keys with `-` for `_`."""
        tiers: dict[str, Any] = {
            name.replace("_", "-"): getattr(self, name)
            for name in type(self).model_fields
            if name != "sysctl"
        }
        tiers |= {f"sysctl:{name}": tier for name, tier in self.sysctl.items()}
        found = []
        for name, tier in tiers.items():
            least = tier.maximum if isinstance(tier, Latency) else tier.minimum
            minimum, recommended = _flat(least), _flat(tier.recommended)
            if minimum is not None or recommended is not None:
                found.append(Requirement(name, minimum, recommended))
        return tuple(found)


def _flat(value: float | str | bool | tuple[str, ...] | None) -> str | None:  # noqa: FBT001 a fact, not a switch
    if isinstance(value, bool):
        return "yes" if value else None
    if isinstance(value, tuple):
        return " ".join(value) or None
    return None if value is None else str(value)


VERSIONS: Final = frozenset({"docker", "compose"})
"""Requirements whose values are versions of the programs that run the application."""


TESTED: Final = (
    Requirement("docker", "20.10", reason=tr_later("the oldest version that bundles are tested with")),
    Requirement("compose", "2.26", reason=tr_later("the oldest version that bundles are tested with")),
)
"""Versions that a site must have if the profile names none: tests/support/engines.py."""


def merge_requirements(
    application: Iterable[Requirement], profile: Iterable[Requirement]
) -> list[Requirement]:
    """Return the profile's requirements, and those of the application that it does not set, sorted by id.

    A profile cannot require an older Docker or Compose than the application does, because profiles are
    inherited and used with later releases. It can require an older one than was tested, by naming it. At the
    site, an operator may accept an older one by name.

    Args:
        application: may have several with the same id; of Docker and Compose, the newest version counts.
        profile: at most one for each id.
    """
    asked = {requirement.id: requirement for requirement in profile}
    floors: dict[str, Requirement] = {}
    for floor in application:
        floors[floor.id] = _raised(floor, floors.get(floor.id))
    for floor in TESTED:
        if floor.id not in asked or asked[floor.id].minimum is None:
            floors[floor.id] = _raised(floors.get(floor.id, Requirement(floor.id)), floor)
    merged = floors | {one.id: _raised(one, floors.get(one.id)) for one in asked.values()}
    return sorted(merged.values(), key=lambda requirement: requirement.id)


def check_carried(requirements: Iterable[Requirement], version: str | None) -> None:
    """Compare the version of the carried engine, if it is known, with what the bundle requires.

    Raises:
        BundleError: the engine is older.
    """
    for each in requirements:
        if (
            each.id == "docker"
            and each.minimum
            and version
            and version_key(version) < version_key(each.minimum)
        ):
            raise BundleError(
                tr(
                    "the engine in the bundle, Docker {version}, is older than the required "
                    "{minimum} ({reason})",
                    version=version,
                    minimum=each.minimum,
                    reason=tr(each.reason or tr_later("the profile")),
                ),
                hint=tr("include a newer one: `engine` in the profile"),
            )


def _raised(asked: Requirement, floor: Requirement | None) -> Requirement:
    """Return the requirement with the floor's minimum and reason, if that is a newer version."""
    if floor is None or floor.minimum is None or asked.id not in VERSIONS:
        return asked
    minimum, recommended, reason = asked.minimum, asked.recommended, asked.reason
    if minimum is None or version_key(minimum) < version_key(floor.minimum):
        minimum, reason = floor.minimum, floor.reason
    recommended = recommended or floor.recommended
    if recommended is not None and version_key(recommended) < version_key(minimum):
        recommended = None
    return replace(asked, minimum=minimum, recommended=recommended, reason=reason)
