"""Sections of a profile that are the installer's."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from bundler.errors import HintedValueError
from bundler.profile.base import ProfileModel
from bundler.profile.model import Profile
from bundler.profile.values import Duration, Moment, PlatformName, version_key
from bundler_installer.engine import EngineFiles
from bundler_installer.requirements import Requirements

MOST_RELEASES = 999_999_999_999_999
"""Highest release counter: every awk of a site can compare numbers of 15 digits."""


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
                "without a limit, scheduled backups fill the disk", hint="add `keep: 7`", at=("schedule",)
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
            raise HintedValueError("has no expiry to extend", hint="add `expires:`", at=("grace",))
        return self


class InstallerProfile(Profile):
    """A profile with the sections of the installer."""

    requirements: Requirements = Requirements()
    """What the preflight asks of the site's hardware and programs."""
    health: Health = Health()
    """When an installation counts as done."""
    backup: Backup = Backup()
    """When backups are made and how many stay."""
    release: Freshness = Freshness()
    """What keeps an old bundle from being passed off as a new one."""
    engine: dict[PlatformName, EngineFiles] = Field(default={})
    """Docker, carried for servers that have none: what travels in a bundle for each platform, such as
    `linux/amd64: {archive: ..., compose: ...}`. The operator installs it with `--install-engine`."""

    @model_validator(mode="after")
    def _check_engine(self) -> Self:
        least = self.requirements.docker.minimum
        for platform, engine in self.engine.items():
            if engine.version is None and self.pack.compression == "compact":
                raise HintedValueError(
                    "includes an engine of unknown version, but `pack.compression: compact` needs Docker 23",
                    hint='add its `version:`, for example "26.1.4"',
                    at=("engine", platform),
                )
            if least and engine.version and version_key(engine.version) < version_key(least):
                raise HintedValueError(
                    f"is older than the required Docker, {least}",
                    hint="include a newer one, or lower the requirement (`requirements.docker.minimum`)",
                    at=("engine", platform, "version"),
                )
        return self
