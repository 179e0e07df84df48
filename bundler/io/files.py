"""Atomic writes of whole files, and reads and writes at an offset."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from bundler.errors import BundleError
from bundler.io.streams import CHUNK
from bundler.language import tr, tr_later

_FULL = {errno.ENOSPC: tr_later("disk"), errno.EDQUOT: tr_later("disk quota")}
"""Error of a write -> what is full."""


@contextmanager
def explain_full_disk(what: str, folder: Path, hint: str) -> Iterator[None]:
    """Name the folder if its disk becomes full in the block: the errors of writes name no file.

    Args:
        what: what the folder is, for example `the cache`.
        folder: the only folder that the block writes to.
        hint: what to do about it.

    Raises:
        BundleError: its disk, or the user's quota there, is full.
    """
    try:
        yield
    except OSError as error:
        full = _FULL.get(error.errno or 0)
        if full is None:
            raise
        raise BundleError(
            tr("the {full} of {what} is full: {folder}", full=tr(full), what=what, folder=folder), hint=hint
        ) from error


@contextmanager
def scratch_file(folder: Path, prefix: str = "") -> Iterator[BinaryIO]:
    """Create a file in `folder`, open for reading and writing; it is removed if the block fails."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=prefix, delete=False) as file:
        try:
            yield cast("BinaryIO", file)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


@contextmanager
def whole_file(target: Path, mode: int = 0o644, *, lasting: bool = False) -> Iterator[BinaryIO]:
    """Write a file that replaces `target` when the block ends, and is removed if the block fails.

    Args:
        target: path in an existing folder.
        mode: permissions.
        lasting: sync to disk, so that after a power failure either the old or the new file exists.
    """
    with scratch_file(target.parent, f".{target.name}.") as file:
        yield file
        file.flush()
        if lasting:
            os.fsync(file.fileno())
        os.fchmod(file.fileno(), mode)
        Path(file.name).replace(target)


def write_whole(target: Path, content: bytes, mode: int = 0o644, *, lasting: bool = False) -> None:
    """Write `target` atomically; see `whole_file`."""
    with whole_file(target, mode, lasting=lasting) as file:
        file.write(content)


def write_at(file: int, place: int, chunk: bytes) -> None:
    """Write all of `chunk` at the offset `place` of the file with this descriptor."""
    view = memoryview(chunk)
    while view:
        written = os.pwrite(file, view, place)
        view, place = view[written:], place + written


def read_at(file: int, place: int, size: int) -> Iterator[bytes]:
    """Yield `size` bytes from the offset `place`, in chunks of `CHUNK`; fewer if the file ends earlier."""
    end = place + size
    while chunk := os.pread(file, min(CHUNK, end - place), place):
        place += len(chunk)
        yield chunk
