"""The model of bundle.json for bundles with the installer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from bundler.bundle.manifest import BundleManifest, Bytes, Model, Time


class RequirementEntry(Model):
    """A requirement that preflight checks."""

    id: str
    """Name of the requirement, for example `cpu`."""
    minimum: str | None
    """Threshold below which preflight fails."""
    recommended: str | None
    """Threshold below which preflight warns."""
    reason: str | None = None
    """What requires the minimum; None if the profile does."""


class BackupEntry(Model):
    """When backups are made, and how many are kept."""

    schedule: str | None = None
    """Time of day, `HH:MM`."""
    keep: int | None = None
    """Number of scheduled backups to keep; None for all."""


class ReleaseEntry(Model):
    """Protection against installing an old bundle as if it were new."""

    counter: Annotated[int, Field(ge=0, lt=10**15)]
    """Increases with each release; a site refuses a counter below the highest that it has installed."""
    expires: Time | None = None
    """Time from which an installation gives a warning, in seconds since 1970, UTC; None for never."""
    grace: Time = 0
    """Seconds after `expires` during which it can still be installed."""


class EngineFile(Model):
    """A file of Docker, carried for servers without it."""

    kind: Literal["archive", "compose", "deb", "rpm"]
    """Docker's static archive, the Compose plugin, or a distribution's package (`deb`, `rpm`)."""
    name: str
    """Name of a package in its package manager; for other files, the original file name."""
    path: str
    """Path in the bundle."""
    sha256: str
    """SHA-256 digest in hexadecimal."""
    size: Bytes
    """Size in bytes."""


class EngineEntry(Model):
    """Docker, carried for servers without it."""

    version: str | None = None
    """Docker's version, from the profile."""
    files: tuple[EngineFile, ...]
    """Files, in the order of the profile's keys."""
    programs: tuple[str, ...] = ()
    """Names of the programs in the archive's folder `docker/`, sorted."""
    data_root: str | None = None
    """Where the engine keeps its data; None for its default."""
    room: Bytes
    """Maximum space for installing them, in bytes, on the file system of the site's programs."""

    @property
    def size(self) -> int:
        """Total size of all files, in bytes."""
        return sum(file.size for file in self.files)


class InstallerManifest(BundleManifest):
    """bundle.json with the installer's fields in addition to those of every bundle."""

    model_config = ConfigDict(extra="forbid")

    requirements: tuple[RequirementEntry, ...]
    """Requirements that are checked before the installation."""
    health_timeout: Time
    """Seconds to wait until all services are healthy."""
    backup: BackupEntry = BackupEntry()
    """When backups are made, and how many are kept; empty by default."""
    release: ReleaseEntry | None = None
    """Counter and expiry; None in bundles of versions that did not write them."""
    engine: EngineEntry | None = None
    """Docker, carried for servers without it; None if the bundle has none."""
