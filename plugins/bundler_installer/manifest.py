"""bundle.json as the installer's bundles have it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from bundler.bundle.manifest import BundleManifest, Bytes, Model, Time


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


class InstallerManifest(BundleManifest):
    """What bundle.json says besides what every bundle says."""

    model_config = ConfigDict(extra="forbid")

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
