"""Writes the deterministic tar of archive.py, and hashes it on the way."""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from bundler.archive import BLOCK, RECORD, Member, archive_size, header, padded
from bundler.errors import BundleError
from bundler.receive import CHUNK


class Hasher:
    """Hashes on a thread of its own while the caller writes (hashlib releases the GIL)."""

    def __init__(self) -> None:
        self._digests: list[str] = []
        self._chunks: queue.Queue[bytes | None] = queue.Queue(8)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def update(self, chunk: bytes) -> None:
        """Hash `chunk`, soon. Waits when eight chunks are waiting already: memory stays small."""
        if chunk:
            self._chunks.put(chunk)

    def cut(self) -> None:
        """What has come since the last cut is one thing, with a digest of its own."""
        self._chunks.put(b"")

    def finish(self) -> list[str]:
        """Wait for all chunks; the hex digits of each thing."""
        self._chunks.put(None)
        self._thread.join()
        return self._digests

    def _run(self) -> None:
        digest = hashlib.sha256()
        while (chunk := self._chunks.get()) is not None:
            if chunk:
                digest.update(chunk)
            else:
                self._digests.append(digest.hexdigest())
                digest = hashlib.sha256()


def write_archive(
    file: BinaryIO,
    top: str,
    members: Sequence[Member],
    mtime: int,
    advance: Callable[[int], None],
) -> str:
    """Write the archive and return the SHA-256 (hex) of the whole of it.

    Raises:
        BundleError: a member changed on disk since it was hashed, or the disk is full.
    """
    with contextlib.suppress(OSError):  # not every file system can; writing then finds out
        os.posix_fallocate(file.fileno(), 0, archive_size(top, members, mtime))
    # two threads: members that this run did not hash before, and the whole
    own, whole = Hasher(), Hasher()
    unchecked = [member for member in members if not member.checked]
    written = 0

    def put(chunk: bytes) -> None:
        nonlocal written
        file.write(chunk)
        whole.update(chunk)
        written += len(chunk)

    try:
        for member in members:
            put(header(f"{top}/{member.path}", member.mode, member.size, mtime))
            size = 0
            for chunk in _chunks(member.source):
                put(chunk)
                if not member.checked:
                    own.update(chunk)
                size += len(chunk)
                advance(len(chunk))
            if size != member.size:
                raise _changed(member)
            if not member.checked:
                own.cut()
            put(bytes(padded(size) - size))
        end = -(-(written + 2 * BLOCK) // RECORD) * RECORD
        put(bytes(end - written))
        file.truncate(written)
        whole.cut()
    finally:
        found, digest = own.finish(), whole.finish()
    for member, hexdigest in zip(unchecked, found, strict=True):
        if hexdigest != member.sha256:
            raise _changed(member)
    return digest[0]


def _changed(member: Member) -> BundleError:
    return BundleError(
        f"{member.path}: the file changed or is damaged ({_origin(member)})",
        hint="run `bundle cache --check`, then build again",
    )


def _origin(member: Member) -> str:
    return str(member.source) if isinstance(member.source, Path) else "made by this program"


def _chunks(source: bytes | Path) -> Iterator[bytes]:
    if isinstance(source, bytes):
        if source:
            yield source
        return
    with source.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            yield chunk
