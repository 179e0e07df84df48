"""Files that travel along, each with its digest: `files:` of a profile."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from bundler.errors import HintedValueError
from bundler.profile.base import LocalPath, ProfileModel
from bundler.profile.values import (
    FileMode,
    MemberPath,
    Sha256,
    Url,
    check_member,
)


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
                "neither `path` nor `url` is set" if self.path is None else "both `path` and `url` are set",
                hint="set exactly one of them",
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
