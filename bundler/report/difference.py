"""The difference of two bundles: what a site that has one of them gets with the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from bundler.report.catalogue import Words
from bundler.report.model import Contained, Finding, Image, Report, Service

Kind = Literal["added", "removed", "changed"]
KINDS: Final[tuple[Kind, ...]] = ("added", "removed", "changed")
Facts = Mapping[str, str]
"""Names of things, and texts that differ where the things differ."""


@dataclass(frozen=True)
class Change:
    """One difference.

    Attributes:
        what: key of the kind of thing in the catalogue of words: `image`, `service` ...
        name: of the thing.
        kind: how it differs.
        old: what it was; empty if it was added.
        new: what it is; empty if it was removed.
    """

    what: str
    name: str
    kind: Kind
    old: str
    new: str


@dataclass(frozen=True)
class NewBytes:
    """How much of an image a site lacks.

    Attributes:
        image: of the new bundle.
        bytes: of blobs that the old bundle does not have.
        layers: number of such layers.
    """

    image: Image
    bytes: int
    layers: int


@dataclass(frozen=True)
class Difference:
    """Two bundles; `new` is the later one."""

    old: Report
    new: Report

    @property
    def comparable(self) -> bool:
        """Whether the same layer has the same digest in both: they are packed in the same way."""
        return self.old.compression == self.new.compression

    @cached_property
    def new_bytes(self) -> int:
        """Bytes of the blobs that the old bundle does not have."""
        return sum(size for digest, size in self.new.blobs.items() if digest not in self.old.blobs)

    @property
    def known_bytes(self) -> int:
        """Bytes of the blobs of the new bundle that the old bundle has too."""
        return sum(self.new.blobs.values()) - self.new_bytes

    @cached_property
    def unlisted(self) -> tuple[str, ...]:
        """Images of both bundles of which one lists not all packages; what it may lack is no difference."""
        old, new = self.listed
        return tuple(sorted(name for name in old.keys() & new.keys() if not (old[name] and new[name])))

    @cached_property
    def listed(self) -> tuple[Mapping[str, bool], Mapping[str, bool]]:
        """For the old and the new bundle: image -> whether its packages are all listed."""
        some = any(part.packages for report in (self.old, self.new) for part in report.contained or ())
        return _lists(self.old, some=some), _lists(self.new, some=some)

    @cached_property
    def images(self) -> tuple[NewBytes, ...]:
        """The new bundle's images with what is new in each; a layer counts in each image that has it."""
        known = self.old.blobs
        return tuple(
            NewBytes(
                image,
                sum(size for digest, size in image.blobs.items() if digest not in known),
                len({layer.digest for layer in image.layers} - known.keys()),
            )
            for image in self.new.images
        )


def find_changes(difference: Difference, words: Words) -> tuple[Change, ...]:
    """Return all differences, grouped by kind of thing; `words` are those of the reader's language.

    Of a service that is added or removed, only what is unusual about its hardening is a difference.
    """
    old, new = difference.old, difference.new
    return tuple(
        change
        for what, facts in FACTS.items()
        for change in _compare(what, facts(old, words), facts(new, words))
        if what != "package" or _is_listed(change, difference)
        if what != "hardening" or change.kind == "changed" or _is_unusual(change, (old, new), words)
    )


def _is_listed(change: Change, difference: Difference) -> bool:
    """Whether the bundle that lacks a package would list it."""
    old, new = difference.listed
    image = change.name.partition(": ")[0]
    return change.kind == "changed" or (new if change.kind == "removed" else old).get(image, True)


def _is_unusual(change: Change, reports: Iterable[Report], words: Words) -> bool:
    return any(
        _finding_name(service, finding, words) == change.name and finding.state != "plain"
        for report in reports
        for service in report.services
        for finding in service.hardening
    )


def count(changes: Iterable[Change], what: str) -> dict[Kind, int]:
    """Return how many things of one kind were added, removed and changed."""
    kinds = [change.kind for change in changes if change.what == what]
    return {kind: kinds.count(kind) for kind in KINDS}


def _compare(what: str, old: Facts, new: Facts) -> Iterable[Change]:
    for name, text in new.items():
        if name not in old:
            yield Change(what, name, "added", "", text)
        elif old[name] != text:
            yield Change(what, name, "changed", old[name], text)
    for name, text in old.items():
        if name not in new:
            yield Change(what, name, "removed", text, "")


def _repository(name: str) -> str:
    return name.rpartition(":")[0] or name


def _images(report: Report, words: Words) -> Facts:  # noqa: ARG001 the others have words
    """Images by repository, so that a new tag is a change; by whole name if a repository has several."""
    repositories = [_repository(image.name) for image in report.images]
    return {
        image.name if repositories.count(repository) > 1 else repository: (
            f"{image.name.rpartition(':')[2]} ({image.digest.removeprefix('sha256:')[:12]})"
        )
        for image, repository in zip(report.images, repositories, strict=True)
    }


def _services(report: Report, words: Words) -> Facts:
    return {
        each.name: _join(
            each.image.rpartition("/")[2],
            words[f"expect_{each.expect}"],
            "" if each.replicas == "1" else f"{words['replicas']}: {each.replicas}",
        )
        for each in report.services
    }


def _networks(report: Report, words: Words) -> Facts:
    return {
        each.name: _join(
            each.driver, f"{words['way_out']}: {words['no']}" if each.internal else "", *each.subnets
        )
        for each in report.networks
    }


def _ports(report: Report, words: Words) -> Facts:
    return {
        f"{each.service} {each.port}/{each.protocol}": words["all_addresses"]
        if each.address == "-"
        else each.address
        for each in report.ports
    }


def _mounts(report: Report, words: Words) -> Facts:
    return {
        f"{each.service} {each.target}": _join(
            words[f"mount_{each.kind}"],
            each.place,
            f"{words['writable']}: {words['no']}" if each.read_only else "",
        )
        for each in report.mounts
    }


def _variables(report: Report, words: Words) -> Facts:
    return {
        each.name: _join(
            each.kind,
            words["required"] if each.required else "",
            f"{words['default']}: {each.default}" if each.default else "",
            f"{words['generator']}: {each.generator}" if each.generator else "",
        )
        for each in report.variables
    }


def _requirements(report: Report, words: Words) -> Facts:
    return {
        each.id: _join(
            f"{words['minimum']} {shown.required}" if shown.required else "",
            f"{words['recommended']} {shown.recommended}" if shown.recommended else "",
        )
        for each, shown in report.wanted
    }


def _packages(report: Report, words: Words) -> Facts:  # noqa: ARG001 likewise
    """Packages by the repository of their image, kind and name, so that a new version is a change."""
    found: dict[str, list[str]] = {}
    for part in report.contained or ():
        for each in part.packages:
            found.setdefault(f"{_short(part)}: {each.name} ({each.kind})", []).append(each.version)
    return {name: ", ".join(sorted(set(versions))) for name, versions in found.items()}


def _lists(report: Report, *, some: bool) -> dict[str, bool]:
    """Return for each part whether its packages are all listed; `some`: one of the bundles lists any."""
    parts = report.contained or ()
    known = not some or any(part.packages for part in parts)
    found: dict[str, bool] = {}
    for part in parts:
        found[_short(part)] = found.get(_short(part), True) and known and not part.remarks
    return found


def _short(part: Contained) -> str:
    return _repository(part.name).removeprefix("docker.io/").removeprefix("library/")


def _hardening(report: Report, words: Words) -> Facts:
    return {
        _finding_name(each, finding, words): f"{words[finding.says]} {finding.detail}".strip()
        for each in report.services
        for finding in each.hardening
    }


def _finding_name(service: Service, finding: Finding, words: Words) -> str:
    return f"{service.name}: {words[finding.about]}"


def _join(*texts: str) -> str:
    return ", ".join(filter(None, texts))


FACTS: Final[dict[str, Callable[[Report, Words], Facts]]] = {
    "image": _images,
    "service": _services,
    "network": _networks,
    "port": _ports,
    "volume": lambda report, _: {each.name: each.driver for each in report.volumes},
    "mount": _mounts,
    "variable": _variables,
    "secret": lambda report, _: dict.fromkeys(report.secrets, ""),
    "requirement": _requirements,
    "package": _packages,
    "hardening": _hardening,
}
"""Kind of thing -> what distinguishes those of a report."""
