"""Carries Docker for servers without it: turns `engine:` of a profile into files of the bundle."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Literal, Self

from pydantic import model_validator

from bundler.api.application import ConfigFile
from bundler.api.output import Carrier, Preparation
from bundler.bundle.attestations import Component
from bundler.errors import BundleError, HintedValueError, ProfileError
from bundler.image.platform import Platform
from bundler.language import tr, tr_later
from bundler.profile.base import ProfileModel
from bundler.profile.files import DigestedFile
from bundler.profile.marked_yaml import KeyPath
from bundler.profile.values import VersionNumber, described, matching
from bundler_installer.manifest import EngineEntry, EngineFile
from bundler_installer.packages import read_package

_ABSOLUTE = re.compile(r"(?:/(?!\.\.?(?:/|$))[\w.@+-]+)+")
AbsolutePath = Annotated[
    str,
    matching(
        _ABSOLUTE,
        tr_later("an absolute path"),
        tr_later("for example /data/docker; letters, digits and . _ @ + - only"),
    ),
    described("absolute path", ["string"], pattern=f"^{_ABSOLUTE.pattern}$"),
]
"""A path at the site that requires no quoting anywhere."""

PACKAGE_KINDS = ("deb", "rpm")
"""Kinds of distribution packages, which are also their file name extensions."""
Kind = Literal["archive", "compose", "deb", "rpm"]
FOLDER = "engine"
"""Folder of the engine's files below `files/`."""
NEEDED = ("docker", "dockerd", "containerd", "containerd-shim-runc-v2", "runc")
"""Programs that are required to run a container."""
MACHINES = {
    "386": 3,
    "arm": 40,
    "amd64": 62,
    "arm64": 183,
    "ppc64le": 21,
    "s390x": 22,
    "riscv64": 243,
    "loong64": 258,
}
"""`e_machine` of an ELF header (System V ABI, "ELF Header"), by architecture."""
PACKED = 6
"""Bytes on disk for each byte of a package: 3 to 4 when unpacked, like Debian's, and a copy of itself."""
_ELF_HEAD, _BIG_ENDIAN = 20, 2
_PROGRAM = re.compile(r"docker/([a-z0-9][a-z0-9._-]*)")


class EngineFiles(ProfileModel):
    """Docker for servers of one platform. Digests are specific to a platform, and so is this section."""

    version: VersionNumber | None = None
    """Docker's version, in quotes. It is shown at the site, and compared with `requirements.docker`."""
    archive: DigestedFile | None = None
    """Docker's static archive, `docker-<version>.tgz`. Its programs must be for the platform."""
    compose: DigestedFile | None = None
    """The Compose plugin, one program. Required with `archive`, which does not contain it; also installed on
    servers whose engine does not have it."""
    packages: tuple[DigestedFile, ...] = ()
    """Packages of a distribution, `.deb` or `.rpm`, with all dependencies that a server may not have. They
    are installed on servers that use such packages; all others get `archive`."""
    data_root: AbsolutePath | None = None
    """Where the engine keeps images and volumes; by default `/var/lib/docker`."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the carried files."""
        files = (self.archive, self.compose, *self.packages)
        return tuple(file.target for file in files if file is not None)

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        if self.archive is None and not self.packages:
            raise HintedValueError(
                tr("contains no engine"),
                hint=tr("add `archive:` with `compose:`, or `packages:`, or remove the key"),
            )
        if self.archive is not None and self.compose is None:
            raise HintedValueError(
                tr("`archive` does not contain Compose"),
                hint=tr("add `compose:`, the Compose plugin"),
                at=("archive",),
            )
        names = [package.target for package in self.packages]
        for index, name in enumerate(names):
            if name.rpartition(".")[2] not in PACKAGE_KINDS:
                raise HintedValueError(
                    tr("{name!r} is not a package", name=name),
                    hint=tr("the name must end in .deb or .rpm"),
                    at=("packages", index),
                )
            if name in names[:index]:
                raise HintedValueError(
                    tr("{name!r} is listed twice", name=name),
                    hint=tr("keep one of them"),
                    at=("packages", index),
                )
        return self


@dataclass(frozen=True)
class CarriedEngine(Preparation):
    """The engine's files and its entry in bundle.json; both are empty if the profile carries no engine."""

    entry: EngineEntry | None = None


def carry_engine(engines: Mapping[str, EngineFiles], platform: Platform, carrier: Carrier) -> CarriedEngine:
    """Fetch and check the engine for `platform`.

    Raises:
        ProfileError: the profile carries engines, but none for this platform.
        BundleError: a file is missing, does not match its digest, or is for another platform.
    """
    if not engines:
        return CarriedEngine()
    name = str(platform)
    engine = engines.get(name)
    if engine is None:
        raise ProfileError(
            tr("{at}: no engine for {name}", at=carrier.at(("engine",)), name=name),
            hint=tr(
                "available: {names}; add `{name}:`, or remove the key", names=", ".join(engines), name=name
            ),
        )
    key: KeyPath = ("engine", name)
    found: list[EngineFile] = []
    sources: list[ConfigFile] = []
    programs: dict[str, int] = {}

    def add(kind: Kind, sha256: str, target: str, source: Path, name: str) -> None:
        path = f"{FOLDER}/{target}"
        sources.append(ConfigFile(path, source, 0o755 if kind == "compose" else 0o644))
        size = source.stat().st_size
        found.append(EngineFile(kind=kind, name=name, path=f"files/{path}", sha256=sha256, size=size))

    if engine.archive is not None:
        path = carrier.bring(engine.archive, (*key, "archive"))
        programs = _programs(path, platform, carrier.at((*key, "archive")))
        add("archive", engine.archive.sha256, engine.archive.target, path, engine.archive.target)
    if engine.compose is not None:
        path = carrier.bring(engine.compose, (*key, "compose"))
        with path.open("rb") as stream:
            _check_machine(stream, platform, f"{carrier.at((*key, 'compose'))}: {path.name}")
        add("compose", engine.compose.sha256, "docker-compose", path, engine.compose.target)
    room = sum(file.size for file in found) + sum(programs.values())
    for index, package in enumerate(engine.packages):
        where = (*key, "packages", index)
        path = carrier.bring(package, where)
        kind: Literal["deb", "rpm"] = "deb" if package.target.endswith(".deb") else "rpm"
        title = _package_name(path, kind, package.target, platform, carrier.at(where))
        add(kind, package.sha256, f"packages/{package.target}", path, title)
    entry = EngineEntry(
        version=engine.version,
        files=tuple(found),
        programs=tuple(sorted(programs)),
        data_root=engine.data_root,
        room=max(room, PACKED * sum(file.size for file in found if file.kind in PACKAGE_KINDS)),
    )
    return CarriedEngine(tuple(sources), tuple(_component(file, entry) for file in found), entry)


def _component(file: EngineFile, engine: EngineEntry) -> Component:
    purpose = {"archive": "ARCHIVE", "compose": "APPLICATION"}.get(file.kind, "INSTALL")
    version = engine.version if file.kind == "archive" else None
    return Component(f"engine-{file.sha256[:16]}", file.name, version, file.path, file.sha256, purpose)


def _programs(path: Path, platform: Platform, where: str) -> dict[str, int]:
    """Return name and size in bytes of each program in a static archive, all in its only folder, `docker/`.

    Raises:
        BundleError: it is not a static archive of Docker, or a program is missing or for another platform.
    """
    found: dict[str, int] = {}
    hint = tr("use Docker's static archive, docker-<version>.tgz")
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                if member.isdir() and member.name == "docker":
                    continue
                named = _PROGRAM.fullmatch(member.name)
                content = archive.extractfile(member) if member.isreg() else None
                if named is None or content is None:
                    raise BundleError(
                        tr(
                            "{where}: {path_name}: {member_name!r} is not one of Docker's programs",
                            where=where,
                            path_name=path.name,
                            member_name=member.name,
                        ),
                        hint=hint,
                    )
                _check_machine(content, platform, f"{where}: {path.name}: {member.name}")
                found[named[1]] = member.size
    except (tarfile.TarError, OSError, EOFError) as error:
        raise BundleError(
            tr(
                "{where}: {path_name}: is not a gzip-compressed tar: {error}",
                where=where,
                path_name=path.name,
                error=error,
            ),
            hint=hint,
        ) from error
    for name in NEEDED:
        if name not in found:
            raise BundleError(
                tr(
                    "{where}: {path_name}: docker/{name} is missing",
                    where=where,
                    path_name=path.name,
                    name=name,
                ),
                hint=hint,
            )
    return found


def _check_machine(stream: IO[bytes], platform: Platform, where: str) -> None:
    """Compare the ELF header of a program with the platform.

    Raises:
        BundleError: it is not a program, or is for another architecture.
    """
    head = stream.read(_ELF_HEAD)
    if len(head) < _ELF_HEAD or head[:4] != b"\x7fELF":
        raise BundleError(
            tr("{where}: is not a Linux program", where=where), hint=tr("check the file at that path or URL")
        )
    wanted = MACHINES.get(platform.architecture)
    machine = int.from_bytes(head[18:20], "big" if head[5] == _BIG_ENDIAN else "little")
    if machine != wanted:
        names = [name for name, number in MACHINES.items() if number == machine]
        found = names[0] if names else tr("machine {number}", number=machine)
        raise BundleError(
            tr(
                "{where}: is for {found}, but the bundle is for {platform}",
                where=where,
                found=found,
                platform=platform,
            ),
            hint=tr("use the file for {platform}, with its own digest", platform=platform),
        )


def _package_name(path: Path, kind: Literal["deb", "rpm"], name: str, platform: Platform, where: str) -> str:
    try:
        found = read_package(path, kind)
    except BundleError as error:
        raise BundleError(f"{where}: {error.message}", hint=error.hint) from error
    if found.architecture not in {None, platform.architecture}:
        raise BundleError(
            tr(
                "{where}: {name}: is for {architecture}, but the bundle is for {platform}",
                where=where,
                name=name,
                architecture=found.architecture,
                platform=platform,
            ),
            hint=tr("use the file for {platform}, with its own digest", platform=platform),
        )
    return found.name
