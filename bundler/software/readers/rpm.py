"""rpm's database in its three forms: SQLite, ndb (`Packages.db`) and Berkeley DB (`Packages`).

Each holds the headers of packages: https://rpm.org/docs/4.18.x/manual/format_header.html
"""

from __future__ import annotations

import re
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final
from urllib.parse import quote

from bundler.software.package import Package, UnreadableError
from bundler.software.readers.berkeley import hash_values
from bundler.software.readers.content import Content

NAME, VERSION, RELEASE, EPOCH, VENDOR, LICENSE, ARCH, SOURCE = 1000, 1001, 1002, 1003, 1011, 1014, 1022, 1044
"""Tags: rpmtag.h."""
_TEXTS: Final = {6, 9}
"""Types of tags: STRING, I18NSTRING."""
_INT32: Final = 4
MOST_TAGS: Final = 100_000
"""Largest number of tags of a header, and its largest size: header.c, `hdrchkTags`, `hdrchkData`."""
LARGEST: Final = 256 << 20
STEPS: Final = 20_000
"""Thousands of operations of SQLite for one database; a thousand packages take fewer than twenty."""
_PLAIN: Final = re.compile(r"CREATE (TABLE|INDEX|UNIQUE INDEX) ")
"""How the statements begin that make what rpm has in a database; views can compute without end."""
_KEYS: Final = "gpg-pubkey"
"""Name of the entries that hold keys: no software."""
_PAGE: Final = 4096
_SLOT: Final = b"Slot"
_BLOB: Final = b"BlbS"
_NDB: Final = b"RpmP"


def read_sqlite(path: str, content: Content, scratch: Path) -> Iterator[Package]:
    """Yield the packages of `rpmdb.sqlite`.

    Raises:
        UnreadableError: it is not a database with the table of packages, or a header is damaged.
    """
    if not content:
        return
    with NamedTemporaryFile(dir=scratch) as file:
        file.write(content)
        file.flush()
        yield from _packages(path, _sqlite_headers(Path(file.name), len(content)))


def _sqlite_headers(file: Path, size: int) -> Iterator[bytes]:
    """Yield what is in the column `blob`, with all that is evaluated being what is stored."""
    left = [STEPS]

    def count() -> int:
        left[0] -= 1
        return left[0] < 0

    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro&immutable=1", uri=True)) as database:
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, min(size, LARGEST))
            database.set_progress_handler(count, 1000)
            database.execute("PRAGMA trusted_schema = OFF")
            database.execute("PRAGMA cell_size_check = ON")
            _check_schema(database)
            rest = size
            for (blob,) in database.execute("SELECT blob FROM Packages NOT INDEXED"):
                if not isinstance(blob, bytes):
                    raise UnreadableError("an entry is not a header")
                rest -= len(blob)  # damaged pages can hold one entry many times
                if rest < 0:
                    raise UnreadableError("its headers are longer than the file")
                yield blob
    except (sqlite3.Error, UnicodeDecodeError, OverflowError, MemoryError) as error:
        raise UnreadableError("it is not a database that SQLite reads") from error


def _check_schema(database: sqlite3.Connection) -> None:
    """Refuse a database in which reading an entry evaluates an expression: one can run for hours."""
    for (statement,) in database.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL"):
        if not isinstance(statement, str) or not _PLAIN.match(statement):
            raise UnreadableError("it has more than tables and indexes, which rpm does not write")
    columns = database.execute("PRAGMA table_xinfo(Packages)").fetchall()
    if not columns:
        raise UnreadableError("it has no table of packages")
    if any(column[6] for column in columns):  # hidden
        raise UnreadableError("its table of packages has generated columns, which rpm does not write")


def read_log(_path: str, content: Content, _scratch: Path) -> Iterator[Package]:
    """Return no packages: a write-ahead log without content is no loss.

    Raises:
        UnreadableError: it has changes that are not in the database yet.
    """
    if content:
        raise UnreadableError("it has changes that are not in the database yet")
    return iter(())


def read_ndb(path: str, content: Content, _scratch: Path) -> Iterator[Package]:
    """Yield the packages of `Packages.db`, rpm's own database: rpmpkg.c.

    Raises:
        UnreadableError: it is damaged.
    """
    yield from _packages(path, _ndb_headers(content) if content else iter(()))


def _ndb_headers(content: Content) -> Iterator[bytes]:
    if content[:4] != _NDB or len(content) < _PAGE:
        raise UnreadableError("it is not a database of rpm")
    version, _, pages = struct.unpack_from("<III", content, 4)
    if version != 0 or not 0 < pages <= len(content) // _PAGE:
        raise UnreadableError("its head is damaged")
    left = len(content)
    for at in range(32, pages * _PAGE, 16):  # the head takes the place of two slots
        magic, index, offset, count = content[at : at + 4], *struct.unpack_from("<III", content, at + 4)
        if magic != _SLOT:
            raise UnreadableError("a slot is damaged")
        if not index:
            continue
        start, end = offset * 16, (offset + count) * 16
        if not offset or not count or end > len(content) or content[start : start + 4] != _BLOB:
            raise UnreadableError("a header is not where its slot says")
        found, _, size = struct.unpack_from("<III", content, start + 4)
        if found != index or start + 16 + size > end:
            raise UnreadableError("a header is damaged")
        left -= size  # many slots can lead to one header
        if left < 0:
            raise UnreadableError("its headers are longer than the file")
        yield bytes(content[start + 16 : start + 16 + size])


def read_berkeley(path: str, content: Content, _scratch: Path) -> Iterator[Package]:
    """Yield the packages of `Packages`, a hash of Berkeley DB.

    Raises:
        UnreadableError: it is damaged.
    """
    pairs = hash_values(content) if content else iter(())
    # with the key 0, rpm keeps the highest number
    yield from _packages(path, (value for key, value in pairs if key != bytes(4)))


def _packages(path: str, headers: Iterator[bytes]) -> Iterator[Package]:
    return (package for header in headers if (package := read_header(path, header)) is not None)


def read_header(path: str, header: bytes) -> Package | None:
    """Return the package of a header without its magic number; None for an entry that holds a key.

    Raises:
        UnreadableError: it is damaged.
    """
    if len(header) < 8:  # noqa: PLR2004 two numbers
        raise UnreadableError("a header is too short")
    count, size = struct.unpack_from(">II", header)
    data = 8 + 16 * count
    if count > MOST_TAGS or size > LARGEST or data + size > len(header):
        raise UnreadableError("a header is truncated")
    found: dict[int, str] = {}
    for at in range(8, data, 16):
        tag, kind, offset, _ = struct.unpack_from(">IIiI", header, at)
        if tag not in {NAME, VERSION, RELEASE, EPOCH, VENDOR, LICENSE, ARCH, SOURCE} or tag in found:
            continue
        if kind in _TEXTS and 0 <= offset < size:
            end = header.find(b"\0", data + offset, data + size)
            if end < 0:
                raise UnreadableError("a header has a text without end")
            found[tag] = header[data + offset : end].decode("utf-8", "replace")
        elif kind == _INT32 and 0 <= offset <= size - 4:
            found[tag] = str(struct.unpack_from(">I", header, data + offset)[0])
        else:
            raise UnreadableError("a header is damaged")
    if not found.get(NAME) or not found.get(VERSION) or not found.get(RELEASE):
        raise UnreadableError("a header has no name, version or release")
    if found[NAME] == _KEYS:
        return None
    source = found.get(SOURCE, "").removesuffix(".rpm").removesuffix(".src").removesuffix(".nosrc")
    return Package.of(
        "rpm",
        found[NAME],
        f"{found[VERSION]}-{found[RELEASE]}",
        path,
        architecture=found.get(ARCH, ""),
        epoch=found.get(EPOCH, ""),
        license=found.get(LICENSE, ""),
        supplier=found.get(VENDOR, ""),
        source=source,
    )
