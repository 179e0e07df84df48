"""Packages of software, and their package URLs (https://github.com/package-url/purl-spec)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Self
from urllib.parse import quote

LONGEST: Final = 400
"""Characters of a name, a version or another field that are kept: images are untrusted."""
LONGEST_LICENSE: Final = 10_000
"""Characters of a licence that is kept; a part of a longer one would be another licence."""
_HIDDEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
SYSTEM: Final = frozenset({"deb", "apk", "rpm"})
"""Kinds whose packages belong to a distribution."""


class UnreadableError(ValueError):
    """A file that should list packages cannot be read; the message is a reason that can follow a colon.

    The reason is English in every language of the run, for it becomes part of the SBOM.
    """


@dataclass(frozen=True, order=True)
class Package:
    """A package in an image.

    Attributes:
        kind: its type in a package URL: `deb`, `apk`, `rpm`, `pypi`, `npm`, `golang`, `maven`, `generic`.
        namespace: that of a package URL: a distribution, a scope, a group; empty if there is none.
        name: without the namespace.
        version: as its package manager writes it; empty if unknown.
        architecture: as its package manager writes it; empty if unknown.
        epoch: of an rpm; empty if it has none.
        license: as the package states it, in any form; empty if it states none.
        supplier: who made the package; empty if unknown.
        source: source package and its version that it was built from; empty if unknown.
        distribution: `debian-12`: identifier and version of the distribution; empty if unknown.
        path: file of the image that says so.
    """

    kind: str
    namespace: str
    name: str
    version: str
    architecture: str = ""
    epoch: str = ""
    license: str = ""
    supplier: str = ""
    source: str = ""
    distribution: str = ""
    path: str = ""

    @classmethod
    def of(cls, kind: str, name: str, version: str, path: str, **more: str) -> Self:
        """Return a package of untrusted fields: short texts without characters that a reader cannot see."""
        license = clean_license(more.pop("license", ""))  # noqa: A001 the noun of SPDX
        fields = {"namespace": "", **more, "name": name, "version": version, "path": path}
        return cls(kind, license=license, **{key: clean(value.strip()) for key, value in fields.items()})

    @property
    def full_name(self) -> str:
        """Name as its package manager writes it."""
        if self.kind in SYSTEM or not self.namespace:
            return self.name
        return f"{self.namespace}{':' if self.kind == 'maven' else '/'}{self.name}"

    @property
    def purl(self) -> str:
        """Package URL."""
        name = self.name.replace("_", "-").lower() if self.kind == "pypi" else self.name
        parts = [quote(part, safe=":") for part in self.namespace.split("/") if part]
        parts += [quote(part, safe=":") for part in name.split("/") if part]
        version = f"@{quote(self.version, safe=':')}" if self.version else ""
        qualifiers = {"arch": self.architecture, "distro": self.distribution, "epoch": self.epoch}
        said = "&".join(f"{key}={quote(value, safe=':/')}" for key, value in qualifiers.items() if value)
        return f"pkg:{self.kind}/{'/'.join(parts)}{version}{'?' if said else ''}{said}"

    def found_in(self, path: str) -> Self:
        """Return the package, as another file says it."""
        return replace(self, path=clean(path))


def clean(text: str) -> str:
    """Return untrusted text without characters that cannot be seen or encoded, cut to a fair length."""
    return _HIDDEN.sub("", text)[:LONGEST]


def clean_license(text: str) -> str:
    """Return an untrusted licence in one line; nothing if it is too long to be one."""
    if len(text) > 4 * LONGEST_LICENSE:
        return ""
    text = _HIDDEN.sub("", " ".join(text.split()))
    return text if len(text) <= LONGEST_LICENSE else ""
