"""The installer's sections of a profile."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from bundler.errors import HintedValueError
from bundler.language import tr
from bundler.profile.base import ProfileModel
from bundler.profile.model import Profile
from bundler.profile.values import Duration, Moment, PlatformName, version_key
from bundler_installer.engine import EngineFiles
from bundler_installer.requirements import Requirements

MOST_RELEASES = 999_999_999_999_999
"""Maximum release counter: every awk at a site can compare numbers of 15 digits."""


class Health(ProfileModel):
    """When an installation is complete."""

    timeout: Annotated[Duration, Field(ge=1)] = 600
    """How long the installer waits until all services are healthy: in seconds, or like `10m`."""


class Backup(ProfileModel):
    """When backups are made, and when old ones are removed."""

    schedule: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] | None = None
    """Time of day, in quotes: `"02:30"`. The site's operator enables it (`schedule --install`); the daily
    inspection warns if there is no backup of the last day."""
    keep: Annotated[int, Field(ge=1)] | None = None
    """How many scheduled backups to keep, and as many of those made by upgrades. Older ones are removed; by
    default all are kept."""

    @model_validator(mode="after")
    def _check_keep(self) -> Self:
        if self.schedule is not None and self.keep is None:
            raise HintedValueError(
                tr("without a limit, scheduled backups fill the disk"),
                hint=tr("add `keep: 7`"),
                at=("schedule",),
            )
        return self


class Freshness(ProfileModel):
    """Protection against installing an old bundle as if it were new. It is signed with the bundle."""

    counter: Annotated[int, Field(ge=1, le=MOST_RELEASES)] | None = None
    """Increases with each release. A site refuses a bundle whose counter is below the highest that it has
    installed, unless the operator passes `--allow-downgrade`. By default it is the bundle's time, in seconds
    since 1970; a counter that you introduce later must start above that, for example with a day and a
    number: `2027063001`. In a pipeline: `--set release.counter=...`."""
    expires: Moment | None = None
    """Last day (UTC) on which it may be installed: `2027-06-30`, or a time, `2027-06-30T12:00Z`. A later
    installation requires `--accept expiry`. An existing installation continues to run."""
    grace: Duration = 0
    """How long after `expires` it can still be installed, with a warning: `30d`."""

    @model_validator(mode="after")
    def _check_grace(self) -> Self:
        if self.grace and self.expires is None:
            raise HintedValueError(tr("has no expiry to extend"), hint=tr("add `expires:`"), at=("grace",))
        return self


class InstallerProfile(Profile):
    """A profile with the installer's sections."""

    requirements: Requirements = Requirements()
    """Requirements on the site's hardware and programs, which the preflight checks."""
    health: Health = Health()
    """When an installation is complete."""
    backup: Backup = Backup()
    """When backups are made, and how many are kept."""
    release: Freshness = Freshness()
    """Protection against installing an old bundle as if it were new."""
    engine: dict[PlatformName, EngineFiles] = Field(default={})
    """Docker for servers without it: the files to carry in a bundle, by platform, such as
    `linux/amd64: {archive: ..., compose: ...}`. The operator installs it with `--install-engine`."""

    @model_validator(mode="after")
    def _check_engine(self) -> Self:
        least = self.requirements.docker.minimum
        for platform, engine in self.engine.items():
            if engine.version is None and self.pack.compression == "compact":
                raise HintedValueError(
                    tr(
                        "includes an engine of unknown version, but `pack.compression: compact` needs "
                        "Docker 23"
                    ),
                    hint=tr('add its `version:`, for example "26.1.4"'),
                    at=("engine", platform),
                )
            if least and engine.version and version_key(engine.version) < version_key(least):
                raise HintedValueError(
                    tr("is older than the required Docker, {least}", least=least),
                    hint=tr("include a newer one, or lower the requirement (`requirements.docker.minimum`)"),
                    at=("engine", platform, "version"),
                )
        return self
