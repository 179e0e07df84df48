"""What an image contains: the software of its layers, as the uppermost one that has a file says it."""

from __future__ import annotations

import posixpath
import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bundler.software.layer import WIDTH, Found, LayerSoftware, mark, marks_above
from bundler.software.package import SYSTEM, Package, clean

RELEASES: Final = ("etc/os-release", "usr/lib/os-release")
"""Where a distribution says its name: os-release(5). The first that exists counts."""
DOCUMENTS: Final = "usr/share/doc/"
SHOWN: Final = 20
"""Gaps of one image that are listed; the others are counted."""


@dataclass(frozen=True)
class ImageSoftware:
    """The packages of an image.

    Attributes:
        packages: sorted, each once.
        gaps: files and layers that may list more packages but could not be read, with the reason.
    """

    packages: tuple[Package, ...]
    gaps: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Number of packages by kind, sorted."""
        return dict(sorted(Counter(each.kind for each in self.packages).items()))


def overlay(layers: Sequence[LayerSoftware]) -> ImageSoftware:
    """Return the software of the image that consists of `layers`, lowest first."""
    files: dict[str, Found] = {}
    gaps: list[str] = []
    for number, layer in enumerate(layers, 1):
        if files and layer.marks:
            for path in _hidden(files, layer.marks):
                del files[path]
        files.update(layer.files)
        if layer.gap:
            gaps.append(f"layer {number} of {len(layers)}: {layer.gap}")
    distribution = _distribution(files)
    packages: set[Package] = set()
    for path, found in files.items():
        if found.gap is not None:
            gaps.append(f"{clean(path)}: {found.gap}")
        elif found.link is not None and found.reader not in {"copyright", "release"}:
            target = _target(path, found.link)
            other = files.get(target) or files.get(f"{target}/PKG-INFO")
            if other is None or other.reader != found.reader:
                gaps.append(f"{clean(path)}: it is a link to {clean(found.link)}, which was not read")
        packages.update(_complete(each, distribution, files) for each in found.packages)
    return ImageSoftware(tuple(sorted(packages)), tuple(_short(sorted(gaps))))


def _short(gaps: Sequence[str]) -> Iterable[str]:
    yield from gaps[:SHOWN]
    if len(gaps) > SHOWN:
        yield f"and {len(gaps) - SHOWN} more"


def _hidden(files: Iterable[str], marks: bytes) -> set[str]:
    """Return the files that a layer with these marks hides."""
    made = {each for (each,) in struct.iter_unpack(f"{WIDTH}s", marks)}
    folders: dict[str, bool] = {}
    hidden = set()
    for path in files:
        folder = posixpath.dirname(path)
        if folder not in folders:
            folders[folder] = not made.isdisjoint(marks_above(folder))
        if folders[folder] or mark(b"n", path) in made or mark(b"d", path) in made:
            hidden.add(path)
    return hidden


def _target(path: str, link: str) -> str:
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(path), link)).lstrip("/")


def _distribution(files: dict[str, Found]) -> tuple[str, str]:
    """Return the identifier of the distribution, and the identifier with the version."""
    for path in RELEASES:
        found = files.get(path)
        if found is not None and found.link is not None:
            found = files.get(_target(path, found.link))
        if found is not None and found.fact:
            name, _, version = found.fact.partition("\t")
            return name, f"{name}-{version}" if version else name
    return "", ""


def _complete(package: Package, distribution: tuple[str, str], files: dict[str, Found]) -> Package:
    if package.kind not in SYSTEM:
        return package
    name, version = distribution
    license = package.license  # noqa: A001 the noun of SPDX
    if package.kind == "deb":
        license = _copyright(package.name, files)  # noqa: A001 likewise
    return replace(package, namespace=name, distribution=version, license=license)


def _copyright(package: str, files: dict[str, Found]) -> str:
    """Return the licence in a Debian package's copyright file; its folder may be a link to another's."""
    folder = DOCUMENTS + package
    for _ in range(5):
        found = files.get(f"{folder}/copyright")
        if found is not None and found.link is not None:
            found = files.get(_target(f"{folder}/copyright", found.link))
        if found is not None:
            return found.fact
        other = files.get(folder)
        if other is None or other.link is None:
            return ""
        folder = _target(folder, other.link)
    return ""
