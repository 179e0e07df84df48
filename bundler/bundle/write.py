"""Writes the deterministic tar of tar.py and hashes it at the same time."""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO

from bundler.bundle.incoming import Placing
from bundler.bundle.tar import Archive, Member, padded
from bundler.errors import BundleError
from bundler.io.files import read_at, write_at
from bundler.io.workers import CONNECTIONS, CORES, Crew
from bundler.language import tr


class Hasher:
    """Hashes in a separate thread while the caller writes (hashlib releases the GIL)."""

    def __init__(self) -> None:
        self._digests: list[str] = []
        self._chunks: queue.Queue[bytes | None] = queue.Queue(8)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def update(self, chunk: bytes) -> None:
        """Queue `chunk` for hashing. Blocks while eight chunks are queued, so that memory stays small."""
        if chunk:
            self._chunks.put(chunk)

    def cut(self) -> None:
        """End the current digest and begin a new one."""
        self._chunks.put(b"")

    def finish(self) -> list[str]:
        """Wait for all chunks and return the hex digests, one per cut."""
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


def write_archive(file: BinaryIO, archive: Archive, advance: Callable[[str, int], None]) -> str:
    """Write the archive and return its SHA-256 (hex).

    Args:
        file: empty, open for reading and writing.
        archive: what to write.
        advance: called with a label and a number of bytes as bytes are written; from any thread.

    Raises:
        BundleError: a member changed on disk after it was hashed, or the disk is full.
        FetchError: a layer that was still to be fetched is unavailable or invalid.
    """
    _allocate(file, archive)
    with Crew(CONNECTIONS, "place") as crew:
        placing = Placing(file.fileno(), crew, advance)
        for member, at in archive.places():
            if incoming := member.content.incoming:
                placing.begin(incoming, at)
        writer = _Writer(file, placing, lambda size: advance(f"{archive.top}.tar", size))
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


def write_known_archive(file: BinaryIO, archive: Archive, advance: Callable[[str, int], None]) -> None:
    """Write an archive whose digest is already known, with members written in parallel on all cores.

    Hashing the whole archive is sequential and limited to one core. If every member matches its own digest,
    the
    archive matches the known digest too.

    Args:
        file: empty, open for reading and writing.
        archive: what to write; it contains no layer that is still to be fetched.
        advance: called with a label and a number of bytes as bytes are written; from any thread.

    Raises:
        BundleError: a member changed on disk after it was hashed, or the disk is full.
    """
    _allocate(file, archive)

    def place(member: Member, at: int) -> Iterator[bytes]:
        for chunk in member.content.chunks():
            write_at(file.fileno(), at, chunk)
            at += len(chunk)
            yield chunk

    for at, blocks in archive.frame():
        write_at(file.fileno(), at, blocks)
    _hash_members(archive, place, advance)


def is_archive(file: BinaryIO, archive: Archive, advance: Callable[[str, int], None]) -> bool:
    """Whether the file is what `write_archive` would write; reads every byte, on all cores."""
    if os.fstat(file.fileno()).st_size != archive.size:
        return False
    if any(os.pread(file.fileno(), len(blocks), at) != blocks for at, blocks in archive.frame()):
        return False
    try:
        _hash_members(archive, lambda member, at: read_at(file.fileno(), at, member.size), advance)
    except BundleError:
        return False
    return True


def _hash_members(
    archive: Archive,
    chunks: Callable[[Member, int], Iterator[bytes]],
    advance: Callable[[str, int], None],
) -> None:
    """Hash what `chunks` returns for each member and its offset, and compare the digests."""
    with Crew(CORES, "pack") as crew:

        def check(member: Member, at: int) -> None:
            digest, size = hashlib.sha256(), 0
            for chunk in chunks(member, at):
                crew.check()
                digest.update(chunk)
                size += len(chunk)
                advance(f"{archive.top}.tar", len(chunk))
            if (size, digest.hexdigest()) != (member.size, member.sha256):
                raise _changed(member)

        for member, at in sorted(archive.places(), key=lambda place: -place[0].size):  # the largest first
            crew.submit(partial(check, member, at))
        crew.wait()


def _allocate(file: BinaryIO, archive: Archive) -> None:
    with contextlib.suppress(OSError):  # not every file system supports it; writing then reports a full disk
        os.posix_fallocate(file.fileno(), 0, archive.size)


class _Writer:
    """Writes in the caller's thread; hashes in two others: members not hashed yet, and the whole archive.

    Attributes:
        at: offset of the next byte.
    """

    def __init__(self, file: BinaryIO, placing: Placing, advance: Callable[[int], None]) -> None:
        self.at = 0
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
        """Write a member's bytes and its padding."""
        end = self.at + member.size
        if incoming := member.content.incoming:
            for chunk in self._placing.chunks(incoming, self.at):
                self._whole.update(chunk)
            self._file.seek(end)
            self.at = end
        else:
            self._copy(member)
        if self.at != end:
            raise _changed(member)
        self.put(bytes(padded(member.size) - member.size))

    def _copy(self, member: Member) -> None:
        for chunk in member.content.chunks():
            self.put(chunk)
            if not member.checked:
                self._own.update(chunk)
            self._advance(len(chunk))
        if not member.checked:
            self._unchecked.append(member)
            self._own.cut()

    def finish(self) -> str:
        """Stop the threads and return the SHA-256 (hex) of everything written."""
        self._whole.cut()
        self._found = self._own.finish()
        return self._whole.finish()[0]

    def compare(self) -> None:
        """Compare the members that were hashed here with the signed digests."""
        for member, digest in zip(self._unchecked, self._found, strict=True):
            if digest != member.sha256:
                raise _changed(member)


def _changed(member: Member) -> BundleError:
    return BundleError(
        tr(
            "{member_path}: the file was changed or is damaged ({file})",
            member_path=member.path,
            file=member.content.file or tr("made by this program"),
        ),
        hint=tr("run `bundle cache --check`, then build again"),
    )
