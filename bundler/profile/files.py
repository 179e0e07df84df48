"""Files that travel along, each with its digest: `files:` and `engine:` of a profile."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from bundler.errors import HintedValueError
from bundler.profile.base import LocalPath, ProfileModel
from bundler.profile.values import (
    AbsolutePath,
    FileMode,
    MemberPath,
    Sha256,
    Url,
    VersionNumber,
    check_member,
)

PACKAGE_KINDS = ("deb", "rpm")
"""Kinds of a distribution's packages, by the ends of their names."""


class DigestedFile(ProfileModel):
    """A file that is known by its digest. One of `path` and `url` is given."""

    path: LocalPath | None = None
    """File on this machine."""
    url: Url | None = None
    """Address that it is downloaded from; kept in the cache."""
    sha256: Sha256
    """SHA-256 of its bytes, as `sha256sum` prints it. Another file is refused."""

    @property
    def target(self) -> str:
        """Its name in the bundle: the last part of `path` or `url`."""
        if self.path is not None:
            return self.path.name
        return (self.url or "").partition("?")[0].partition("#")[0].rpartition("/")[2]

    @model_validator(mode="after")
    def _check_origin(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise HintedValueError(
                "neither `path` nor `url` says where the file comes from"
                if self.path is None
                else "both `path` and `url` say where the file comes from",
                hint="give one of them",
            )
        check_member(self.target)
        return self


class CarriedFile(DigestedFile):
    """A file that travels in the bundle's `files/`. One of `path` and `url` is given."""

    to: MemberPath | None = None
    """Path below `files/`; the last part of `path` or `url` where nothing is said."""
    mode: FileMode = 0o644
    """Permissions at the site."""

    @property
    def target(self) -> str:
        """Path below `files/`."""
        return super().target if self.to is None else self.to


class EngineFiles(ProfileModel):
    """Docker for servers of one platform. A digest belongs to one platform, and so does all of this."""

    version: VersionNumber | None = None
    """Docker's version, in quotes. Shown at the site, and compared with `requirements.docker`."""
    archive: DigestedFile | None = None
    """Docker's static archive, `docker-<version>.tgz`. Its programs must be for the platform."""
    compose: DigestedFile | None = None
    """The Compose plugin, one program. Needed with `archive`, which brings none; also put in place where a
    server has an engine that lacks it."""
    packages: tuple[DigestedFile, ...] = ()
    """Packages of a distribution, `.deb` or `.rpm`, with all that they need and a server may lack. A server
    that knows such packages gets them; every other one gets `archive`."""
    data_root: AbsolutePath | None = None
    """Where the engine keeps images and volumes; `/var/lib/docker` where nothing is said."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the files that travel."""
        files = (self.archive, self.compose, *self.packages)
        return tuple(file.target for file in files if file is not None)

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        if self.archive is None and not self.packages:
            raise HintedValueError(
                "carries no engine", hint="add `archive:` with `compose:`, or `packages:`, or remove the key"
            )
        if self.archive is not None and self.compose is None:
            raise HintedValueError(
                "`archive` brings no Compose", hint="add `compose:`, the Compose plugin", at=("archive",)
            )
        names = [package.target for package in self.packages]
        for index, name in enumerate(names):
            if name.rpartition(".")[2] not in PACKAGE_KINDS:
                raise HintedValueError(
                    f"{name!r} is no package", hint="it ends in .deb or .rpm", at=("packages", index)
                )
            if name in names[:index]:
                raise HintedValueError(
                    f"{name!r} is there twice", hint="keep one of them", at=("packages", index)
                )
        return self
