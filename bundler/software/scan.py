"""Reads a layer's tar once, as a stream, and finds what it says about software."""

from __future__ import annotations

import posixpath
import re
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Final

from bundler.io.streams import Rewound
from bundler.layer.tar import Entry, TarError, TarStream
from bundler.layer.unpacking import HashedTar
from bundler.software.layer import Found, LayerSoftware, mark
from bundler.software.package import Package, UnreadableError
from bundler.software.readers import alpine, debian, go, java, node, python, release, rpm
from bundler.software.readers.content import Content, held

MOST_FILES: Final = 2_000_000
"""Files of a layer from which it is not read further; the largest images have some hundred thousand."""
MOST_KEPT: Final = 32 << 20
"""Bytes of what is kept of a layer, likewise; a package takes about 500."""
OVERHEAD: Final = 200
"""Bytes that a package or a file takes besides its texts."""
LONGEST_PATH: Final = 4096
"""Linux has no longer paths, so an engine makes no file of a member with one."""
HEAD: Final = 4096
"""Bytes of a program that decide whether Go may have made it."""
_SMALLEST: Final = 1 << 16
"""Bytes of the smallest program that is looked at; Go's own library alone is larger."""
_OPAQUE: Final = ".wh..wh..opq"
_WHITEOUT: Final = ".wh."
"""image-spec, layer.md, "Whiteouts"."""
_FACTS: Final = frozenset({"copyright", "release"})
_DAMAGED: Final = (
    ArithmeticError,
    EOFError,
    LookupError,
    RecursionError,
    ValueError,
    sqlite3.Error,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What damaged files can raise where a reader checks too little: no image may end a build."""
Read = Callable[[str, Content, Path], Iterator[Package]]


@dataclass(frozen=True)
class Reader:
    """How files of one kind are read.

    Attributes:
        name: for the index of a layer.
        read: from path, content and a folder for scratch files to packages.
        largest: bytes of the largest file that is read.
        fact: instead of `read`, for files that say something about packages of others.
    """

    name: str
    read: Read | None
    largest: int
    fact: Callable[[Content], str] | None = None


_COPYRIGHT: Final = Reader("copyright", None, 2 << 20, debian.read_copyright)
_RELEASE: Final = Reader("release", None, 1 << 16, release.read_release)
_PYTHON: Final = Reader("python", python.read_metadata, 8 << 20)
_NODE: Final = Reader("node", node.read_package, 2 << 20)
_JAVA: Final = Reader("java", None, 1 << 30)  # each layer has one `Archives`
_GO: Final = Reader("go", go.read_program, 2 << 30)
_STATUS: Final = Reader("dpkg", debian.read_status, 16 << 20)
_EXACT: Final = {
    "var/lib/dpkg/status": _STATUS,
    "etc/os-release": _RELEASE,
    "usr/lib/os-release": _RELEASE,
    **dict.fromkeys(
        ("lib/apk/db/installed", "usr/lib/apk/db/installed"), Reader("apk", alpine.read_installed, 16 << 20)
    ),
    **{
        f"{folder}/{name}": Reader("rpm", read, 1 << 30)
        for folder in ("var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm")
        for name, read in (
            ("rpmdb.sqlite", rpm.read_sqlite),
            ("rpmdb.sqlite-wal", rpm.read_log),
            ("Packages.db", rpm.read_ndb),
            ("Packages", rpm.read_berkeley),
        )
    },
}
_FOLDER: Final = "var/lib/dpkg/status.d/"
_DOCUMENTS: Final = re.compile(r"usr/share/doc/[^/]+(/copyright)?")
_PLACES: Final = frozenset(
    {path for path, reader in _EXACT.items() if reader.name not in _FACTS} | {_FOLDER.rstrip("/")}
)
"""Where package managers keep what they installed."""
_FOLDERS: Final = (
    frozenset(
        "/".join(parts[:count])
        for parts in (f"{each}/".split("/") for each in _PLACES)
        for count in range(1, len(parts))
    )
    - _EXACT.keys()
)
"""Folders that lead there: what is behind a link in their place has another path in the layer."""
_MODULE: Final = re.compile(r"(?:.*/)?node_modules/(?:@[^/]+/)?[^/@.][^/]*/package\.json", re.DOTALL)
_SUFFIXES: Final = (
    ((".dist-info/metadata", ".egg-info/pkg-info", ".egg-info"), _PYTHON),
    (java.SUFFIXES, _JAVA),
)
"""Ends of paths in lower case."""


def choose(path: str) -> Reader | None:
    """Return the reader for the file at a path; None if its name says nothing."""
    name = path.rpartition("/")[2]
    if path in _EXACT:
        return _EXACT[path]
    if name == "package.json":
        return _NODE if _MODULE.fullmatch(path) else None
    if name == "copyright":
        return _COPYRIGHT if _DOCUMENTS.fullmatch(path) else None
    for suffixes, reader in _SUFFIXES:
        if path.lower().endswith(suffixes):
            return reader
    return _STATUS if path.startswith(_FOLDER) and not path.endswith(".md5sums") else None


def _leads_elsewhere(path: str, link: str) -> bool:
    """Whether a link in the place of a folder leads to where no package manager keeps what it installed."""
    target = posixpath.normpath(posixpath.join("/", posixpath.dirname(path), link))
    behind = (each[len(path) :] for each in _PLACES if f"{each}/".startswith(f"{path}/"))
    return any(f"{target}{rest}".lstrip("/") not in _PLACES for rest in behind)


class _TooMuchError(Exception):
    """A layer says more than is kept."""


class _Scan:
    def __init__(self, tar: TarStream, scratch: Path) -> None:
        self._tar = tar
        self._scratch = scratch
        self.files: dict[str, Found] = {}
        self.marks = bytearray()
        self._kept = 0
        self._archives = java.Archives()

    def run(self) -> str | None:
        """Read all members; return why the rest was not read, or None."""
        for number, entry in enumerate(self._tar, 1):
            path = posixpath.normpath(f"/{entry.name}").lstrip("/")
            if len(path) > LONGEST_PATH:
                continue
            folder, _, name = path.rpartition("/")
            if name == _OPAQUE:
                self.marks += mark(b"o", folder)
            elif name.startswith(_WHITEOUT):
                self.marks += mark(b"n", posixpath.join(folder, name.removeprefix(_WHITEOUT)))
            elif entry.kind == b"5":
                self.marks += mark(b"d", path)
            else:
                self.marks += mark(b"n", path)
                self._look(path, entry)
            if number > MOST_FILES:
                return f"it has more than {MOST_FILES} files"
        return None

    def _look(self, path: str, entry: Entry) -> None:
        """Read one member that is not a folder; a later member with the same path takes its place."""
        self.files.pop(path, None)
        found = None
        reader = choose(path)
        if entry.kind == b"1":
            found = self._linked(path, entry, reader)
        elif entry.kind == b"2":
            if reader is not None or _DOCUMENTS.fullmatch(path):
                found = Found(reader.name if reader else "copyright", link=entry.link)
            elif path in _FOLDERS and _leads_elsewhere(path, entry.link):
                found = Found("folder", link=entry.link)
        elif not entry.is_file:
            if reader is not None and reader.name not in _FACTS:
                found = Found(reader.name, gap="it is not a regular file")
        elif reader is not None:
            found = self._read(path, entry, reader)
        elif entry.size >= _SMALLEST:
            found = self._program(path, entry)
        if found is not None:
            self.files[path] = found
            self._keep(len(path) + len(found.link or "") + len(found.fact) + OVERHEAD)

    def _linked(self, path: str, entry: Entry, reader: Reader | None) -> Found | None:
        """Return what a hard link says: the same as the file that it stands for."""
        other = self.files.get(posixpath.normpath(f"/{entry.link}").lstrip("/"))
        if other is not None and (reader is None) == (other.reader == _GO.name):
            self._keep(sum(map(_weight, other.packages)))
            return replace(other, packages=tuple(each.found_in(path) for each in other.packages))
        if path not in _FOLDERS and (reader is None or reader.name in _FACTS):
            return None
        return Found(reader.name if reader else "folder", gap="it is a hard link to a file that was not read")

    def _read(self, path: str, entry: Entry, reader: Reader) -> Found | None:
        if entry.size > reader.largest:
            return (
                None
                if reader.fact
                else Found(reader.name, gap=f"it is larger than {reader.largest >> 20} MiB")
            )
        with held(self._tar, entry.size, self._scratch) as content:
            return self._try(path, content, reader)

    def _program(self, path: str, entry: Entry) -> Found | None:
        head = b""
        while len(head) < HEAD and (more := self._tar.read(HEAD - len(head))):
            head += more
        if not head.startswith(go.ELF) or not go.may_be_go(head):
            return None
        if entry.size > _GO.largest:
            return Found(_GO.name, gap=f"it is larger than {_GO.largest >> 20} MiB")
        with held(Rewound(head, self._tar), entry.size, self._scratch) as content:
            found = self._try(path, content, _GO)
        return found if found.packages or found.gap else None

    def _try(self, path: str, content: Content, reader: Reader) -> Found:
        fact = ""
        packages = []
        read = self._archives.read if reader is _JAVA else reader.read
        try:
            fact = reader.fact(content) if reader.fact else ""
            for package in read(path, content, self._scratch) if read else ():
                packages.append(package)
                self._keep(_weight(package))
        except UnreadableError as error:
            return Found(reader.name, tuple(packages), str(error))
        except _DAMAGED:
            return Found(reader.name, tuple(packages), "it is damaged")
        return Found(reader.name, tuple(packages), fact=fact)

    def _keep(self, size: int) -> None:
        self._kept += size
        if self._kept > MOST_KEPT:
            raise _TooMuchError


def _weight(package: Package) -> int:
    return sum(map(len, astuple(package))) + OVERHEAD


def scan(tar: HashedTar, scratch: Path) -> LayerSoftware:
    """Return what a layer says; it is read to the end of its last member, or up to what cannot be read.

    Args:
        tar: the unpacked layer.
        scratch: folder for large files while they are read.

    Raises:
        UnpackError: the layer cannot be unpacked.
    """
    work = _Scan(TarStream(tar, tar.skip), scratch)
    try:
        gap = work.run()
    except TarError:
        gap = "it cannot be read to its end"
    except _TooMuchError:
        gap = "it lists more packages than an image has"
    return LayerSoftware(work.files, bytes(work.marks), gap)
