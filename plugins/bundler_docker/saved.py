"""Reads the tar that `docker save` writes, compressed or not, as a stream, and the small files in it."""

from __future__ import annotations

import bz2
import lzma
import posixpath
from collections.abc import Iterator
from typing import Any, Final

from bundler.io.streams import CHUNK, Readable, Rewound
from bundler.language import tr
from bundler.layer.tar import TarError, TarStream
from bundler.layer.unpacking import UnpackError, unpack_stream

SMALL: Final = 4 * 1024 * 1024
"""Maximum size of a JSON file to read, in bytes. Configs and manifests are smaller."""
ALL_SMALL: Final = 64 * 1024 * 1024
"""Maximum total size of all small files of an archive, in bytes. An image has some kB of them."""
MANY: Final = 100_000
"""Maximum number of members of one kind in an archive. An image has about a hundred."""
SYMLINK: Final = b"2"
JSON_BEGINS: Final = frozenset({b"{", b"["})
_BZIP2: Final = b"BZh"
_XZ: Final = b"\xfd7zXZ\x00"
_MEMORY: Final = 1 << 27
"""Maximum memory for unpacking xz, in bytes: more than its highest level requires."""


class SmallFiles(dict[str, bytes]):
    """Configs and manifests by name, limited in number and size to bound the memory that they use."""

    def __init__(self) -> None:
        super().__init__()
        self._bytes = 0

    def take(self, name: str, head: bytes, rest: Readable) -> None:
        """Keep a file that starts like JSON, if it is small.

        Raises:
            TarError: there are too many small files, or they are too large together.
        """
        content = head + read_all(rest, SMALL)
        self._bytes += len(content)
        if self._bytes > ALL_SMALL or len(self) > MANY:
            raise TarError(
                tr("its small files are larger than {all_small} MiB in total", all_small=ALL_SMALL >> 20)
            )
        self[name] = content


def open_archive(stream: Readable) -> TarStream:
    """Open the tar in `stream`, uncompressed or compressed with gzip, zstd, xz or bzip2."""
    return TarStream(_Joined(_unpack(stream)))


def read_head(content: Readable) -> bytes:
    """Return the first four bytes, or fewer if the content is shorter."""
    return read_all(content, 4)


def read_all(content: Readable, limit: int) -> bytes:
    """Read until the end, or until `limit` bytes."""
    data = b""
    while len(data) < limit and (more := content.read(limit - len(data))):
        data += more
    return data


def clean_name(path: object) -> str:
    """Return a member's name, normalised and without a leading slash."""
    return posixpath.normpath(str(path)).lstrip("/")


def _unpack(stream: Readable) -> Iterator[bytes]:
    head = read_all(stream, len(_XZ))
    source = Rewound(head, stream)
    if head.startswith(_BZIP2):
        return _unpack_by(bz2.BZ2Decompressor, source)
    if head.startswith(_XZ):
        return _unpack_by(lambda: lzma.LZMADecompressor(memlimit=_MEMORY), source)
    return unpack_stream(source)


def _unpack_by(make: Any, compressed: Readable) -> Iterator[bytes]:  # noqa: ANN401 bz2 and lzma share no type
    try:
        unpacker = make()
        while chunk := compressed.read(CHUNK):
            while True:
                if unpacker.eof:
                    unpacker = make()  # another stream follows, like a further member of gzip
                yield unpacker.decompress(chunk, CHUNK)
                chunk = unpacker.unused_data if unpacker.eof else b""
                if not chunk and (unpacker.eof or unpacker.needs_input):
                    break
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise UnpackError(str(error)) from error
    if not unpacker.eof:
        raise UnpackError(tr("it is truncated"))


class _Joined:
    """Reads pieces as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; empty at the end."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._left = memoryview(piece)
        part, self._left = self._left[:size], self._left[size:]
        return bytes(part)
