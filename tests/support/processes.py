"""The files that processes of this machine have open."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path


def open_files() -> Iterator[tuple[int, int, Path]]:
    """Yield process, descriptor and path of every open file; those that close meanwhile are omitted."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                for each in list((process / "fd").iterdir()):
                    with contextlib.suppress(OSError):
                        yield int(process.name), int(each.name), each.readlink()


def at_work(folder: Path) -> set[int]:
    """Return the processes that have a file below the folder open."""
    return {process for process, _, path in open_files() if path.is_relative_to(folder)}
