"""Files written whole or not at all, and read and written at an offset."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from bundler.io.streams import CHUNK


@contextmanager
def scratch_file(folder: Path, prefix: str = "") -> Iterator[BinaryIO]:
    """A new file in `folder`, open for reading and writing; it is removed if the block fails."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=prefix, delete=False) as file:
        try:
            yield cast("BinaryIO", file)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


@contextmanager
def whole_file(target: Path, mode: int = 0o644, *, lasting: bool = False) -> Iterator[BinaryIO]:
    """A file that takes the place of `target` when the block ends, and is removed if the block fails.

    Args:
        target: in a folder that is there.
        mode: its permissions.
        lasting: wait until the disk has it: after a power cut, it is the old file or the new one.
    """
    with scratch_file(target.parent, f".{target.name}.") as file:
        yield file
        file.flush()
        if lasting:
            os.fsync(file.fileno())
        os.fchmod(file.fileno(), mode)
        Path(file.name).replace(target)


def write_whole(target: Path, content: bytes, mode: int = 0o644, *, lasting: bool = False) -> None:
    """Write `target` whole or not at all: see `whole_file`."""
    with whole_file(target, mode, lasting=lasting) as file:
        file.write(content)


def write_at(file: int, place: int, chunk: bytes) -> None:
    """Write all of `chunk` to the offset `place` of the file with this descriptor."""
    view = memoryview(chunk)
    while view:
        written = os.pwrite(file, view, place)
        view, place = view[written:], place + written


def read_at(file: int, place: int, size: int) -> Iterator[bytes]:
    """The `size` bytes from the offset `place` on, `CHUNK` at a time; fewer where the file ends."""
    end = place + size
    while chunk := os.pread(file, min(CHUNK, end - place), place):
        place += len(chunk)
        yield chunk
