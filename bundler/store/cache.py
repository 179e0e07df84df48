"""Caches of files and folders that an application generates and keeps between builds.

<root>/caches/<cache>/<entry>          a complete file or folder, named after its inputs
<root>/caches/<cache>/.<entry>.part    an incomplete one
<root>/caches/<cache>/.<entry>.lock    held by the build that generates it
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bundler.language import tr

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class CacheEntry:
    """An entry: name, bytes, and time of last use (seconds since 1970)."""

    name: str
    size: int
    used: float


class Cache:
    """Entries by name. Safe to use from several threads and processes at once.

    Attributes:
        name: name of the cache.
    """

    def __init__(
        self,
        caches: Path,
        name: str,
        in_use: Callable[[], AbstractContextManager[None]],
        room: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Prepare without creating anything.

        Args:
            caches: folder of all caches.
            name: name of this cache.
            in_use: prevents pruning.
            room: explains a full disk.

        Raises:
            ValueError: the name is not valid.
        """
        self.name = _checked(name)
        self._folder = caches / name
        self._in_use = in_use
        self._room = room

    def find(self, name: str) -> Path | None:
        """Return the path of an entry and mark it as used now; None if it does not exist."""
        path = self._folder / _checked(name)
        try:
            os.utime(path)
        except FileNotFoundError:
            return None
        return path

    def keep(self, name: str, make: Callable[[Path], object]) -> Path:
        """Return the path of an entry, generating it if it does not exist. Other builds wait meanwhile.

        Args:
            name: name of the entry.
            make: writes a file or folder at the given path.
        """
        with self._in_use(), self._room(), self._claim(name):
            found = self.find(name)
            if found is not None:
                return found
            part = self._folder / f".{name}.part"
            _remove(part)
            try:
                make(part)
                _sync(part)
            except BaseException:
                _remove(part)
                raise
            return part.rename(self._folder / name)

    def entries(self) -> Iterator[CacheEntry]:
        """Yield all complete entries."""
        if self._folder.is_dir():
            for path in sorted(self._folder.iterdir()):
                if not path.name.startswith("."):
                    yield CacheEntry(path.name, _size(path), path.stat().st_mtime)

    def prune(self, limit: float) -> list[CacheEntry]:
        """Remove entries last used before `limit` and leftovers of killed builds; return the removed entries.

        The caller ensures that no build is running.
        """
        removed = [entry for entry in self.entries() if entry.used <= limit]
        for entry in removed:
            _remove(self._folder / entry.name)
        for path in list(self._folder.glob(".*")):
            _remove(path)
        if not any(self._folder.iterdir()):
            self._folder.rmdir()
        return removed

    @contextmanager
    def _claim(self, name: str) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / f".{_checked(name)}.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(tr("{name!r} is not a name for a cache or an entry of one", name=name))
    return name


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(entry.stat().st_size for entry in path.rglob("*") if entry.is_file())
    return path.stat().st_size


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Sync a file or folder, so that its final name implies complete content even after a power failure."""
    for found in [path, *path.rglob("*")]:
        descriptor = os.open(found, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
