"""Reads untrusted tars as a stream: POSIX ustar and pax, and GNU's long names, with bounded memory.

Python's own `tarfile` reads a pax header of a gigabyte into memory, seeks backwards on negative sizes, and
recurses for each header before a member. This module accepts headers of a few validated numbers and treats
everything else as an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from bundler.io.streams import CHUNK, Readable
from bundler.language import tr

BLOCK: Final = 512
MAX_PAX: Final = 1 << 20
"""Largest pax header in bytes. Extended attributes make it long; Linux allows 64 KiB of them per file."""
MAX_NAME: Final = 1 << 16
"""Longest GNU long name in bytes. The limit of Linux is 4096."""
LARGEST: Final = 1 << 62
"""Larger than any member."""
_ZERO: Final = bytes(BLOCK)
_OCTAL: Final = re.compile(rb"[ \0]*([0-7]*)[ \0]*")
_RECORD: Final = re.compile(rb"([0-9]{1,9}) ")


class TarError(ValueError):
    """The bytes are not a tar that this module reads; the message can follow a colon."""


@dataclass(frozen=True)
class Entry:
    """A member of a tar.

    Attributes:
        name: full path.
        field: name in the header itself, possibly truncated.
        size: bytes of the content.
        kind: the header's `typeflag`.
        link: target of a link.
        offset: offset of the content in the tar.
    """

    name: str
    field: bytes
    size: int
    kind: bytes
    link: str
    offset: int

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return self.kind in {b"0", b"\0", b"7"}

    @property
    def is_link(self) -> bool:
        """Whether it is a hard or symbolic link."""
        return self.kind in {b"1", b"2"}


class TarStream:
    """Iterates over a tar's members; `read` returns the content of the current one."""

    def __init__(self, source: Readable, skip: Callable[[int], object] | None = None) -> None:
        """Prepare without reading anything.

        Args:
            source: the uncompressed tar.
            skip: skips that many bytes of `source`, if this is cheaper than reading them.
        """
        self._source = source
        self._skip = skip
        self._offset = 0
        self._left = 0
        self._padding = 0

    def __iter__(self) -> Iterator[Entry]:
        """Yield the members.

        Raises:
            TarError: the bytes are not a tar, or are truncated.
        """
        more: dict[str, bytes] = {}
        while (block := self._next_header()) is not None:
            kind, size = block[156:157], _number(block[124:136])
            if kind == b"x":
                more |= _parse_pax(self._take(size, MAX_PAX))
            elif kind in {b"L", b"K"}:
                more["path" if kind == b"L" else "linkpath"] = self._take(size, MAX_NAME).rstrip(b"\0")
            elif kind == b"g":
                self._begin(size)
            else:
                yield self._entry(block, kind, size, more)
                more = {}

    def read(self, size: int = CHUNK, /) -> bytes:
        """Return up to `size` bytes of the current member; empty at its end.

        Raises:
            TarError: the tar is truncated.
        """
        want = min(size, self._left)
        if not want:
            return b""
        data = self._source.read(want)
        if not data:
            raise TarError(tr("it is truncated"))
        self._left -= len(data)
        self._offset += len(data)
        return data

    # ------------------------------------------------------------ inside

    def _entry(self, block: bytes, kind: bytes, size: int, more: dict[str, bytes]) -> Entry:
        if kind == b"S" or "sparse" in more:
            raise TarError(tr("it contains a sparse file"))
        field = block[:100].partition(b"\0")[0]
        prefix = block[345:500].partition(b"\0")[0] if block[257:263] == b"ustar\0" else b""
        if "size" in more:
            size = _decimal(more["size"])
        if kind in {b"1", b"2", b"3", b"4", b"5", b"6"}:  # no content, regardless of the size field
            size = 0
        self._begin(size)
        name = more.get("path") or (prefix + b"/" + field if prefix else field)
        link = more.get("linkpath") or block[157:257].partition(b"\0")[0]
        return Entry(_text(name), field, size, kind, _text(link), self._offset)

    def _begin(self, size: int) -> None:
        self._left = size
        self._padding = -size % BLOCK

    def _next_header(self) -> bytes | None:
        self._pass(self._left + self._padding)
        self._left = self._padding = 0
        block = self._block()
        if not block or block == _ZERO:
            return None
        if len(block) < BLOCK:
            raise TarError(tr("it is truncated"))
        told = _number(block[148:156])
        fields = block[:148] + b" " * 8 + block[156:]
        total = sum(fields)
        if told != total and told != total - 256 * sum(byte > 127 for byte in fields):  # noqa: PLR2004
            raise TarError(tr("a header has a wrong checksum"))
        return block

    def _block(self) -> bytes:
        data = b""
        while len(data) < BLOCK and (more := self._source.read(BLOCK - len(data))):
            data += more
        self._offset += len(data)
        return data

    def _take(self, size: int, limit: int) -> bytes:
        if size > limit:
            raise TarError(tr("a header of {size} bytes", size=size))
        self._begin(size)
        return b"".join(iter(lambda: self.read(size), b""))

    def _pass(self, size: int) -> None:
        if self._skip is not None:
            self._skip(size)
            self._offset += size
            return
        while size:
            data = self._source.read(min(size, CHUNK))
            if not data:
                raise TarError(tr("it is truncated"))
            size -= len(data)
            self._offset += len(data)


def _number(field: bytes) -> int:
    """Parse a number in a header: octal, or GNU's binary form for large numbers."""
    if field[:1] == b"\x80":
        number = int.from_bytes(field[1:], "big")
    else:
        found = _OCTAL.fullmatch(field)
        if found is None:
            raise TarError(tr("a header has an invalid number"))
        number = int(found[1] or b"0", 8)
    if number > LARGEST:
        raise TarError(tr("a header contains a number that is too large"))
    return number


def _decimal(value: bytes) -> int:
    if not re.fullmatch(rb"[0-9]{1,19}", value) or int(value) > LARGEST:
        raise TarError(tr("a pax header has an invalid size"))
    return int(value)


def _parse_pax(data: bytes) -> dict[str, bytes]:
    """Return the relevant records of a pax header: POSIX.1-2017, pax, "pax Extended Header"."""
    found: dict[str, bytes] = {}
    at = 0
    while at < len(data) and data[at]:
        head = _RECORD.match(data, at)
        end = at + int(head[1]) if head else 0
        if head is None or not head.end() < end <= len(data) or data[end - 1] != ord("\n"):
            raise TarError(tr("a pax header has an invalid record"))
        key, equals, value = data[head.end() : end - 1].partition(b"=")
        if not equals:
            raise TarError(tr("a pax header has an invalid record"))
        if key in {b"path", b"linkpath", b"size"}:
            found[key.decode()] = value
        elif key.startswith(b"GNU.sparse"):
            found["sparse"] = b""
        at = end
    return found


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
