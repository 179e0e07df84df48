"""Docker, carried for servers that have none: `engine:` of a profile -> files of the bundle."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from bundler.carried import Carrier
from bundler.contracts import ConfigFile
from bundler.errors import BundleError, ProfileError
from bundler.manifest import EngineEntry, PackageEntry
from bundler.oci import Platform
from bundler.packages import read_package
from bundler.profile_files import EngineFiles
from bundler.yaml_marks import KeyPath

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
    files: list[ConfigFile] = []
    programs: dict[str, int] = {}
    room = 0
    archive = compose = None
    if engine.archive is not None:
        where = (*key, "archive")
        path = carrier.bring(engine.archive, where)
        programs = _programs(path, platform, carrier.at(where))
        room += path.stat().st_size + sum(programs.values())
        archive = f"{FOLDER}/{engine.archive.target}"
        files.append(ConfigFile(archive, path))
    if engine.compose is not None:
        where = (*key, "compose")
        path = carrier.bring(engine.compose, where)
        with path.open("rb") as stream:
            _check_machine(stream, platform, f"{carrier.at(where)}: {path.name}")
        compose = f"{FOLDER}/docker-compose"
        room += path.stat().st_size
        files.append(ConfigFile(compose, path, 0o755))
    packages: list[PackageEntry] = []
    for index, package in enumerate(engine.packages):
        where = (*key, "packages", index)
        path = carrier.bring(package, where)
        packages.append(_package(path, package.target, platform, carrier.at(where)))
        files.append(ConfigFile(f"{FOLDER}/packages/{package.target}", path))
    entry = EngineEntry(
        version=engine.version,
        archive=_member(archive),
        programs=tuple(sorted(programs)),
        compose=_member(compose),
        packages=tuple(packages),
        data_root=engine.data_root,
        size=sum(_size(file) for file in files),
        room=max(room, PACKED * sum(_size(file) for file in files if "/packages/" in file.path)),
    )
    return CarriedEngine(tuple(files), entry)


def _member(path: str | None) -> str | None:
    return None if path is None else f"files/{path}"


def _size(file: ConfigFile) -> int:
    return file.content.stat().st_size if isinstance(file.content, Path) else len(file.content)


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


def _package(path: Path, name: str, platform: Platform, where: str) -> PackageEntry:
    kind: Literal["deb", "rpm"] = "deb" if name.endswith(".deb") else "rpm"
    try:
        found = read_package(path, kind)
    except BundleError as error:
        raise BundleError(f"{where}: {error.message}", hint=error.hint) from error
    if found.architecture not in {None, platform.architecture}:
        raise BundleError(
            f"{where}: {name}: is for {found.architecture}, the bundle for {platform}",
            hint=f"give the one for {platform}, with its own digest",
        )
    return PackageEntry(kind=kind, name=found.name, path=f"files/{FOLDER}/packages/{name}")
