"""Writes the deterministic tar of archive.py, and hashes it on the way."""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from bundler.archive import Archive, Member, padded
from bundler.crew import CONNECTIONS, Crew
from bundler.errors import BundleError
from bundler.incoming import Incoming, Placing
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
    file: BinaryIO, archive: Archive, advance: Callable[[str, int], None], expected: str | None = None
) -> str:
    """Write the archive and return the SHA-256 (hex) of the whole of it.

    Args:
        file: empty, open for reading and writing.
        archive: what to write.
        advance: told of the bytes that are in their place, by what they belong to; from any thread.
        expected: SHA-256 (hex) of the whole, as an earlier run found it: where it comes out again,
            every member is right, and none is hashed besides.

    Raises:
        BundleError: a member changed on disk since it was hashed, or the disk is full.
        FetchError: a layer that was still to be fetched cannot be had or is wrong.
    """
    with contextlib.suppress(OSError):  # not every file system can; writing then finds out
        os.posix_fallocate(file.fileno(), 0, archive.size)
    digest = _write(file, archive, advance, check=expected is None)
    if expected in {None, digest}:
        return digest
    file.seek(0)  # once more, to find out which member is damaged
    return _write(file, archive, lambda _, __: None, check=True)


def _write(file: BinaryIO, archive: Archive, advance: Callable[[str, int], None], *, check: bool) -> str:
    with Crew(CONNECTIONS, "place") as crew:
        placing = Placing(file.fileno(), crew, advance)
        at = 0
        for member in archive.members:
            at += len(archive.header(member))
            if isinstance(member.source, Incoming):
                placing.begin(member.source, at)
            at += padded(member.size)
        writer = _Writer(file, placing, lambda size: advance(f"{archive.top}.tar", size), check=check)
        try:
            for member in archive.members:
                writer.put(archive.header(member))
                writer.add(member)
            writer.put(bytes(archive.size - writer.at))
            file.truncate(writer.at)
        finally:
            digest = writer.finish()
        crew.wait()
    writer.compare()
    return digest


class _Writer:
    """Writes on the caller's thread; hashes on two more: what this run did not hash yet, and the whole.

    Attributes:
        at: offset of the next byte.
    """

    def __init__(
        self, file: BinaryIO, placing: Placing, advance: Callable[[int], None], *, check: bool
    ) -> None:
        self.at = 0
        self._check = check
        self._file = file
        self._placing = placing
        self._advance = advance
        self._own, self._whole = Hasher(), Hasher()
        self._unchecked: list[Member] = []
        self._found: list[str] = []

    def put(self, chunk: bytes) -> None:
        """Write the next bytes."""
        self._file.write(chunk)
        self._whole.update(chunk)
        self.at += len(chunk)

    def add(self, member: Member) -> None:
        """Write a member's bytes, and what fills its last block."""
        end = self.at + member.size
        if isinstance(member.source, Incoming):
            for chunk in self._placing.chunks(member.source, self.at):
                self._whole.update(chunk)
            self._file.seek(end)
            self.at = end
        else:
            self._copy(member, _chunks(member.source))
        if self.at != end:
            raise _changed(member)
        self.put(bytes(padded(member.size) - member.size))

    def _copy(self, member: Member, chunks: Iterator[bytes]) -> None:
        check = self._check and not member.checked
        for chunk in chunks:
            self.put(chunk)
            if check:
                self._own.update(chunk)
            self._advance(len(chunk))
        if check:
            self._unchecked.append(member)
            self._own.cut()

    def finish(self) -> str:
        """End the threads; the SHA-256 (hex) of all that was written."""
        self._whole.cut()
        self._found = self._own.finish()
        return self._whole.finish()[0]

    def compare(self) -> None:
        """Compare the members that were hashed here with what was signed of them."""
        for member, digest in zip(self._unchecked, self._found, strict=True):
            if digest != member.sha256:
                raise _changed(member)


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
