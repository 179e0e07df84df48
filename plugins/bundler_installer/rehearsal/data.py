"""What a site holds: digests of its data folders and volumes, and what a restore must bring back.

Services change files while they run. So two digests are taken, before the backup and after it, each while the
services are stopped. Files that are the same in both are in the backup as they are, and must be the same
after the restore. Others are counted, and not compared.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bundler.language import tr
from bundler_installer.rehearsal.engine import Server
from bundler_installer.rehearsal.tables import Row

STRAY: Final = ".bundle-rehearsal"
"""File that the rehearsal puts into each store after the backup: a restore takes it away."""
VOLUMES: Final = "volumes"
"""Folder of local volumes below the engine's data."""


@dataclass(frozen=True)
class Store:
    """A data folder or a volume.

    Attributes:
        name: for people: `data/uploads`, `volume cache`.
        path: its folder, as this machine sees it.
        dumped: a dump replaces its files, or it is not worth a backup: it is not compared.
    """

    name: str
    path: Path
    dumped: bool


@dataclass(frozen=True)
class Comparison:
    """A store before the backup and after the restore: how many files it has, and which are not the same."""

    name: str
    files: int
    compared: int
    unlike: tuple[str, ...]


Snapshot = Mapping[str, Mapping[str, str]]
"""Name of a store -> path below it -> what is there: kind, mode, owner, digest."""


def find_stores(server: Server, root: Path, project: str, lifecycle: Sequence[Row]) -> list[Store]:
    """Return all stores of a site: what is in `<root>/data`, and local volumes of the project."""
    spared = {row["name"] for row in lifecycle if row["what"] in {"dumped", "disposable"}}
    folders = sorted(path for path in (root / "data").iterdir()) if (root / "data").is_dir() else []
    found = []
    for path in folders:
        below = [name for name in spared if name == path.name or name.startswith(f"{path.name}/")]
        if path.name in below or not path.is_dir():
            found.append(Store(f"data/{path.name}", path, dumped=path.name in below))
        else:
            found.append(Store(f"data/{path.name}", path, dumped=bool(below)))
    names = server.docker(
        "volume", "ls", "-q", "--filter", f"label=com.docker.compose.project={project}"
    ).split()
    for volume in json.loads(server.docker("volume", "inspect", *names)) if names else []:
        key = (volume["Labels"] or {}).get("com.docker.compose.volume", volume["Name"])
        path = server.data / VOLUMES / volume["Name"] / "_data"
        if volume["Driver"] == "local" and not volume.get("Options"):
            found.append(Store(tr("volume {name}", name=key), path, dumped=f"volume:{key}" in spared))
    return found


def _folders(path: Path, name: str, spared: Collection[str]) -> Iterator[Store]:
    """Yield an entry of the data as one store, or its own entries where some of them are spared."""
    below = [each for each in spared if each.startswith(f"{name}/")]
    if below and path.is_dir() and name not in spared:
        for each in sorted(path.iterdir()):
            yield from _folders(each, f"{name}/{each.name}", spared)
    else:
        yield Store(f"data/{name}", path, dumped=name in spared)


def take_snapshot(stores: Sequence[Store]) -> Snapshot:
    """Return the content of all stores that are compared."""
    return {store.name: dict(_walk(store.path)) for store in stores if not store.dumped}


def leave_strays(stores: Sequence[Store]) -> None:
    """Put a file into each store that a restore must take away."""
    for store in stores:
        if not store.dumped and store.path.is_dir():
            (store.path / STRAY).touch()


def compare(first: Snapshot, second: Snapshot, later: Snapshot) -> list[Comparison]:
    """Compare what was the same in the first two snapshots with a later one."""
    found = []
    for name, before in first.items():
        stable = {path: text for path, text in before.items() if second.get(name, {}).get(path) == text}
        now = later.get(name, {})
        unlike = [path for path, text in stable.items() if now.get(path) != text]
        unlike += [path for path in now if path.rpartition("/")[2] == STRAY]
        files = sum(not text.startswith("d") for text in before.values())
        compared = sum(not text.startswith("d") for text in stable.values())
        found.append(Comparison(name, files, compared, tuple(sorted(unlike))))
    return found


def _walk(top: Path) -> Iterator[tuple[str, str]]:
    """Yield path and description of everything below a folder, or of the file itself."""
    if not top.is_dir() or top.is_symlink():
        if top.exists() or top.is_symlink():
            yield ".", _describe(top)
        return
    yield ".", _describe(top)
    for path in sorted(top.rglob("*")):
        text = _describe(path)
        if text:
            yield str(path.relative_to(top)), text


def _describe(path: Path) -> str:
    """Return kind, mode, owner and content of a file; nothing for sockets and pipes."""
    try:
        status = path.lstat()
        owner = f"{stat.S_IMODE(status.st_mode):o} {status.st_uid}:{status.st_gid}"
        if stat.S_ISLNK(status.st_mode):
            return f"l {path.readlink()}"
        if stat.S_ISDIR(status.st_mode):
            return f"d {owner}"
        if not stat.S_ISREG(status.st_mode):
            return ""
        with path.open("rb") as file:
            return f"f {owner} {hashlib.file_digest(file, 'sha256').hexdigest()}"
    except FileNotFoundError:
        return ""
