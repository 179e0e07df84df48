"""The deterministic tar: its layout, and a strict reader. write.py writes it.

Every header is a function of path, mode, size and the archive's single time stamp, so a reader detects a
modified header by generating it again.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from bundler.bundle.content import Content, content_of
from bundler.bundle.names import LONGEST_PATH, PathError, PathSet, show_path
from bundler.errors import VerificationError
from bundler.io.streams import CHUNK, Readable
from bundler.language import tr, tr_later

BLOCK = 512
RECORD = 20 * BLOCK
MODES = 0o755
"""Bits that a file's mode may have: no set-user-ID, and not writable except by the owner."""


@dataclass(frozen=True)
class Member:
    """A file of a bundle.

    Attributes:
        path: relative to the bundle's top folder, with `/`.
        size: bytes.
        sha256: hex digits.
        content: source of the bytes.
        mode: permissions at the site.
        checked: whether this run has hashed the bytes; others are hashed while they are packed, and so are
            layers that are still to be fetched.
    """

    path: str
    size: int
    sha256: str
    content: Content
    mode: int = 0o644
    checked: bool = False

    @classmethod
    def of(cls, path: str, given: bytes | Path, mode: int = 0o644) -> Member:
        """Create a member from bytes or a file, and hash it."""
        content = content_of(given)
        digest, size = hashlib.sha256(), 0
        for chunk in content.chunks():
            digest.update(chunk)
            size += len(chunk)
        return cls(path, size, digest.hexdigest(), content, mode, checked=content.file is None)

    def read(self) -> bytes:
        """Return the bytes of a small member.

        Raises:
            TypeError: the member is a layer that is still to be fetched.
        """
        return b"".join(self.content.chunks())


@dataclass(frozen=True)
class Entry:
    """A member found in an archive, with the offset of its first byte in the file."""

    path: str
    mode: int
    size: int
    offset: int


def make_header(path: str, mode: int, size: int, mtime: int) -> bytes:
    """Return the header blocks of a member, in GNU format, which allows any length of name and size."""
    info = tarfile.TarInfo(path)
    info.mode, info.size, info.mtime = mode, size, mtime
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")


header = lru_cache(maxsize=8192)(make_header)
"""Cached for writing: offsets, size and key are computed from the headers before they are written."""


def padded(size: int) -> int:
    """Round `size` up to whole blocks."""
    return -(-size // BLOCK) * BLOCK


@dataclass(frozen=True)
class Archive:
    """An archive to be written: everything that determines its bytes.

    Attributes:
        top: name of the top folder.
        members: members in order.
        mtime: time stamp of all members, seconds since 1970.
    """

    top: str
    members: Sequence[Member]
    mtime: int

    def header(self, member: Member) -> bytes:
        """Return the header blocks of one of the members."""
        return header(f"{self.top}/{member.path}", member.mode, member.size, self.mtime)

    @cached_property
    def size(self) -> int:
        """Return the archive's size in bytes, before it is written."""
        size = sum(len(self.header(member)) + padded(member.size) for member in self.members)
        return -(-(size + 2 * BLOCK) // RECORD) * RECORD

    def places(self) -> Iterator[tuple[Member, int]]:
        """Return each member with the offset of its first byte."""
        at = 0
        for member in self.members:
            at += len(self.header(member))
            yield member, at
            at += padded(member.size)

    def frame(self) -> Iterator[tuple[int, bytes]]:
        """Return everything around the members, by offset: headers, padding and the end of the archive."""
        end = 0
        for member, at in self.places():
            header = self.header(member)
            yield end, bytes(at - len(header) - end) + header
            end = at + member.size
        yield end, bytes(self.size - end)

    @property
    def key(self) -> str:
        """Return the SHA-256 (hex) of the headers and digests: archives with the same key are identical."""
        digest = hashlib.sha256()
        for member in self.members:
            digest.update(self.header(member) + bytes.fromhex(member.sha256))
        return digest.hexdigest()


WHICH = tr_later("use the .tar file written by `bundle build`")
COPY = tr_later("copy the file again and compare it with its .sha256")
LONGEST_NAME_BLOCK = 255 + 1 + LONGEST_PATH + 1
"""Largest block of a long name in bytes: top folder, `/`, path and a zero byte."""
LARGEST = 1 << 62
"""Largest member, in bytes, if the archive's size is unknown; no file system stores more."""


class ArchiveReader:
    """Reads a bundle's archive from beginning to end, strictly.

    Anything that `write_archive` would not write is refused: links, folders, owners, unusual modes, bytes in
    the padding or after the end, duplicate names, names that leave the top folder or that a site could
    misread,
    sizes that exceed the archive. Only the paths are held in memory.
    """

    def __init__(
        self, stream: Readable, skip: Callable[[int], object] | None = None, size: int | None = None
    ) -> None:
        """Start at the archive's first byte.

        Args:
            stream: the archive.
            skip: skips that many bytes of the stream; without it, they are read.
            size: bytes of the whole archive, if known.
        """
        self._stream = stream
        self._skip = skip
        self._size = size
        self._at = 0
        self._left = 0
        self.top: str | None = None
        self.mtime: int | None = None
        self._paths = PathSet()

    def __iter__(self) -> Iterator[tuple[Entry, Iterator[bytes]]]:
        """Yield each member with its bytes; bytes that the caller does not read are skipped."""
        while (entry := self._next()) is not None:
            self._left = entry.size
            yield entry, self._body()
            self._pass_over()
            self._expect_zero(padded(entry.size) - entry.size, entry.path)
        self._end()

    def _read(self, size: int) -> bytes:
        parts = []
        while size:
            part = self._stream.read(min(size, CHUNK))
            if not part:
                raise self._not_a_tar() if self.mtime is None else self._ends_early(self._at)
            parts.append(part)
            size -= len(part)
            self._at += len(part)
        return b"".join(parts)

    def _next(self) -> Entry | None:
        blocks = self._read(BLOCK)
        if blocks == bytes(BLOCK):
            return None
        at = self._at
        try:
            info = tarfile.TarInfo.frombuf(blocks, "utf-8", "surrogateescape")
            name = info.name
            if info.type == tarfile.GNUTYPE_LONGNAME:
                if not 0 < info.size <= LONGEST_NAME_BLOCK:
                    raise VerificationError(
                        tr("a name of {size} bytes in the archive, at byte {at}", size=info.size, at=at)
                    )
                long_name = self._read(padded(info.size))
                name = long_name[: info.size - 1].decode()
                last = self._read(BLOCK)
                blocks += long_name + last
                info = tarfile.TarInfo.frombuf(last, "utf-8", "surrogateescape")  # the name is truncated
            mtime = int(info.mtime) if self.mtime is None else self.mtime
            as_written = make_header(name, info.mode, info.size, mtime)
        except (
            tarfile.HeaderError,
            ValueError,
            OverflowError,
        ) as error:  # a number is out of range
            if self.mtime is None:
                raise self._not_a_tar() from error
            raise VerificationError(tr("damaged tar header at byte {at}", at=at)) from error
        negative = info.size < 0 or mtime < 0
        if info.type != tarfile.REGTYPE or info.mode & ~MODES or as_written != blocks or negative:
            raise VerificationError(
                tr("{name}: the tar header does not have this format's canonical form", name=show_path(name))
            )
        self.mtime = mtime
        path = self._inside(name)
        if self._size is not None and padded(info.size) > self._size - self._at:
            raise self._ends_early(self._size)
        if info.size > LARGEST:
            raise VerificationError(tr("{path}: a size of {size} bytes", path=path, size=info.size))
        return Entry(path, info.mode, info.size, self._at)

    def _inside(self, name: str) -> str:
        top, slash, path = name.partition("/")
        self.top = self.top or top
        if not slash or not top or top != self.top:
            raise VerificationError(tr("{name}: a path outside the bundle's folder", name=show_path(name)))
        try:
            self._paths.add(path)
        except PathError as error:
            raise VerificationError(f"{show_path(path)}: {error}", hint=tr(WHICH)) from error
        return path

    def _body(self) -> Iterator[bytes]:
        while self._left:
            chunk = self._read(min(self._left, CHUNK))
            self._left -= len(chunk)
            yield chunk

    def _pass_over(self) -> None:
        if self._skip is None:
            for _ in self._body():
                pass
        else:
            self._skip(self._left)
            self._at += self._left

    def _expect_zero(self, size: int, where: str) -> None:
        if self._read(size) != bytes(size):
            raise VerificationError(tr("{where}: data in the padding", where=where))

    def _end(self) -> None:
        if self._read(BLOCK) != bytes(BLOCK):
            raise VerificationError(tr("the end-of-archive marker is damaged"))
        self._expect_zero(-self._at % RECORD, tr("end of the archive"))
        if self._stream.read(1):
            raise VerificationError(tr("there is data after the end of the archive"))

    @staticmethod
    def _not_a_tar() -> VerificationError:
        return VerificationError(tr("not a bundle: not a tar archive"), hint=tr(WHICH))

    @staticmethod
    def _ends_early(size: int) -> VerificationError:
        return VerificationError(tr("the archive ends early, after {size} bytes", size=size), hint=tr(COPY))
