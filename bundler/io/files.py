"""Files read and written at an offset."""

from __future__ import annotations

import os
from collections.abc import Iterator

from bundler.io.streams import CHUNK


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
