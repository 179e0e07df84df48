"""Docker, carried for servers that have none: `engine:` of a profile -> files of the bundle."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from bundler.api.application import ConfigFile
from bundler.build.carried import Carrier
from bundler.build.packages import read_package
from bundler.bundle.manifest import EngineEntry, EngineFile
from bundler.errors import BundleError, ProfileError
from bundler.image.oci import Platform
from bundler.profile.files import PACKAGE_KINDS, EngineFiles
from bundler.profile.marked_yaml import KeyPath

Kind = Literal["archive", "compose", "deb", "rpm"]
FOLDER = "engine"
"""Below `files/`."""
NEEDED = ("docker", "dockerd", "containerd", "containerd-shim-runc-v2", "runc")
"""Programs without which no container runs."""
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
"""Architecture -> `e_machine` of an ELF header (System V ABI, "ELF Header")."""
PACKED = 6
"""Bytes on the disk for each byte of a package: 3 to 4 unpacked, as Debian's have, and the copy of it."""
_ELF_HEAD, _BIG_ENDIAN = 20, 2
_PROGRAM = re.compile(r"docker/([a-z0-9][a-z0-9._-]*)")


@dataclass(frozen=True)
class CarriedEngine:
    """What goes into the bundle, and what bundle.json says of it; nothing where the profile carries none."""

    files: tuple[ConfigFile, ...] = ()
    entry: EngineEntry | None = None


def carry_engine(engines: Mapping[str, EngineFiles], platform: Platform, carrier: Carrier) -> CarriedEngine:
    """Bring and check the engine for `platform`.

    Raises:
        ProfileError: the profile carries engines, but none for this platform.
        BundleError: a file is missing, is not what its digest says, or is for another platform.
    """
    if not engines:
        return CarriedEngine()
    name = str(platform)
    engine = engines.get(name)
    if engine is None:
        raise ProfileError(
            f"{carrier.at(('engine',))}: none for {name}",
            hint=f"there is one for {', '.join(engines)}; add `{name}:`, or remove the key",
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
    return CarriedEngine(tuple(sources), entry)


def _programs(path: Path, platform: Platform, where: str) -> dict[str, int]:
    """Names and bytes of the programs in a static archive: all lie in its one folder, `docker/`.

    Raises:
        BundleError: it has another form, lacks a program, or has one for another platform.
    """
    found: dict[str, int] = {}
    hint = "give Docker's static archive, docker-<version>.tgz"
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                if member.isdir() and member.name == "docker":
                    continue
                named = _PROGRAM.fullmatch(member.name)
                content = archive.extractfile(member) if member.isreg() else None
                if named is None or content is None:
                    raise BundleError(f"{where}: {path.name}: {member.name!r} is no program of it", hint=hint)
                _check_machine(content, platform, f"{where}: {path.name}: {member.name}")
                found[named[1]] = member.size
    except (tarfile.TarError, OSError, EOFError) as error:
        raise BundleError(f"{where}: {path.name}: is no gzip-compressed tar: {error}", hint=hint) from error
    for name in NEEDED:
        if name not in found:
            raise BundleError(f"{where}: {path.name}: there is no docker/{name} in it", hint=hint)
    return found


def _check_machine(stream: IO[bytes], platform: Platform, where: str) -> None:
    """Compare the ELF header of a program with the platform.

    Raises:
        BundleError: it is no program, or for another architecture.
    """
    head = stream.read(_ELF_HEAD)
    if len(head) < _ELF_HEAD or head[:4] != b"\x7fELF":
        raise BundleError(f"{where}: is no Linux program", hint="check what lies behind the path or URL")
    wanted = MACHINES.get(platform.architecture)
    machine = int.from_bytes(head[18:20], "big" if head[5] == _BIG_ENDIAN else "little")
    if machine != wanted:
        names = [name for name, number in MACHINES.items() if number == machine]
        found = names[0] if names else f"machine {machine}"
        raise BundleError(
            f"{where}: is for {found}, the bundle for {platform}",
            hint=f"give the one for {platform}, with its own digest",
        )


def _package_name(path: Path, kind: Literal["deb", "rpm"], name: str, platform: Platform, where: str) -> str:
    try:
        found = read_package(path, kind)
    except BundleError as error:
        raise BundleError(f"{where}: {error.message}", hint=error.hint) from error
    if found.architecture not in {None, platform.architecture}:
        raise BundleError(
            f"{where}: {name}: is for {found.architecture}, the bundle for {platform}",
            hint=f"give the one for {platform}, with its own digest",
        )
    return found.name
