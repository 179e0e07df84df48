"""What an application makes and keeps between builds, by name: files and folders.

<root>/caches/<cache>/<entry>          a whole file or folder, named by what it was made of
<root>/caches/<cache>/.<entry>.part    one that is being made
<root>/caches/<cache>/.<entry>.lock    held by the build that makes it
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

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class CacheEntry:
    """An entry: name, bytes, and when it was last used (seconds since 1970)."""

    name: str
    size: int
    used: float


class Cache:
    """Entries by name. Safe to use from threads and from several processes at once.

    Attributes:
        name: of the cache.
    """

    def __init__(self, caches: Path, name: str, in_use: Callable[[], AbstractContextManager[None]]) -> None:
        """Nothing is made yet.

        Args:
            caches: folder of all caches.
            name: of this one.
            in_use: keeps pruning away.

        Raises:
            ValueError: the name is not one.
        """
        self.name = _checked(name)
        self._folder = caches / name
        self._in_use = in_use

    def find(self, name: str) -> Path | None:
        """The entry, which counts as used now; None if there is none."""
        path = self._folder / _checked(name)
        try:
            os.utime(path)
        except FileNotFoundError:
            return None
        return path

    def keep(self, name: str, make: Callable[[Path], object]) -> Path:
        """The entry, made if there is none: by one build, for which others wait.

        Args:
            name: of the entry.
            make: writes a file or folder at the path that it is given.
        """
        with self._in_use(), self._claim(name):
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
        """All whole entries."""
        if self._folder.is_dir():
            for path in sorted(self._folder.iterdir()):
                if not path.name.startswith("."):
                    yield CacheEntry(path.name, _size(path), path.stat().st_mtime)

    def prune(self, limit: float) -> list[CacheEntry]:
        """Remove entries last used before `limit`, and what killed builds left; returns the entries.

        The caller has made sure that no build is running.
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
        raise ValueError(f"{name!r} is not a name for a cache or an entry of one")
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
    """Wait until the disk has a file or folder: its name says that it is whole, after a power cut too."""
    for found in [path, *path.rglob("*")]:
        descriptor = os.open(found, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
