"""Files with digests that are added to the bundle: `files:` of a profile."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from bundler.errors import HintedValueError
from bundler.language import tr
from bundler.profile.base import LocalPath, ProfileModel
from bundler.profile.values import (
    FileMode,
    MemberPath,
    Sha256,
    Url,
    check_member,
)


class DigestedFile(ProfileModel):
    """A file identified by its digest. Exactly one of `path` and `url` is required."""

    path: LocalPath | None = None
    """Path on this machine."""
    url: Url | None = None
    """URL to download the file from; the download is cached."""
    sha256: Sha256
    """SHA-256 of the file, as `sha256sum` prints it. A file with another digest is refused."""

    @property
    def target(self) -> str:
        """Name in the bundle: the last part of `path` or `url`."""
        if self.path is not None:
            return self.path.name
        return (self.url or "").partition("?")[0].partition("#")[0].rpartition("/")[2]

    @model_validator(mode="after")
    def _check_origin(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise HintedValueError(
                tr("neither `path` nor `url` is set")
                if self.path is None
                else tr("both `path` and `url` are set"),
                hint=tr("set exactly one of them"),
            )
        check_member(self.target)
        return self


class CarriedFile(DigestedFile):
    """A file in the bundle's `files/` folder. Exactly one of `path` and `url` is required."""

    to: MemberPath | None = None
    """Path below `files/`; by default, the last part of `path` or `url`."""
    mode: FileMode = 0o644
    """File mode at the site."""

    @property
    def target(self) -> str:
        """Path below `files/`."""
        return super().target if self.to is None else self.to
