"""Java archives: what Maven and the maker of a jar write into it, also of jars inside of jars."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final

from bundler.software.package import LONGEST, Package, UnreadableError
from bundler.software.readers.content import Content, held

SUFFIXES: Final = (".jar", ".war", ".ear", ".jpi", ".hpi")
MANIFEST: Final = "META-INF/MANIFEST.MF"
_MAVEN: Final = "META-INF/maven/"
_COORDINATES: Final = ("groupid", "artifactid", "version")
_METHODS: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""How members of jars are compressed; others could ask for gigabytes of memory."""
_DEPTH: Final = 4
"""How deep jars inside of jars are read."""
_SMALL: Final = 1 << 20
"""Largest text in a jar that is read."""
_DIRECTORY: Final = 16 << 20
"""Largest directory of a jar in bytes, because it is held in memory."""
BUDGET: Final = 4 << 30
"""Most bytes that are unpacked from all jars of a layer and those inside them."""
_NAME: Final = re.compile(r"(.+?)-(\d[A-Za-z0-9.+_-]*)")
_DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    RuntimeError,
    ValueError,
    OSError,
)
"""What zipfile raises for archives that it does not read."""


class _Directory(io.RawIOBase):
    """A file from which no large piece is read at once, as zipfile does with a directory."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._at = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        start = (0, self._at, len(self._content))[whence]
        if start + offset < 0:
            raise OSError("before the start of the archive")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        size = len(self._content) if size is None or size < 0 else size
        data = bytes(self._content[self._at : self._at + min(size, _DIRECTORY)])
        self._at += len(data)
        return data


class Archives:
    """Reads the jars of a layer.

    Attributes:
        left: bytes that may still be unpacked.
    """

    def __init__(self) -> None:
        """Prepare for a layer."""
        self.left = BUDGET

    def read(self, path: str, content: Content, scratch: Path) -> Iterator[Package]:
        """Yield the packages of a jar, and of the jars inside it.

        Raises:
            UnreadableError: it is not an archive that can be read, or the jars of the layer are too large.
        """
        return _Reader(self, scratch).read(path, content, 1)

    def spend(self, member: zipfile.ZipInfo) -> int:
        """Return the size of a member that may be unpacked."""
        if member.compress_type not in _METHODS:
            raise UnreadableError("it is compressed in a way that jars are not")
        cost = max(member.file_size, member.compress_size)
        if cost > self.left:
            raise UnreadableError(
                f"the archives of its layer have more than {BUDGET >> 20} MiB when they are unpacked"
            )
        self.left -= cost
        return member.file_size


class _Reader:
    def __init__(self, archives: Archives, scratch: Path) -> None:
        self._archives = archives
        self._scratch = scratch

    def read(self, path: str, content: Content, depth: int) -> Iterator[Package]:
        """Yield the packages of an archive, and of those inside it."""
        try:
            with zipfile.ZipFile(_Directory(content)) as archive:
                yield from self._archive(path, archive, depth)
        except UnreadableError:
            raise
        except _DAMAGED as error:
            raise UnreadableError("it is not an archive that can be read") from error

    def _archive(self, path: str, archive: zipfile.ZipFile, depth: int) -> Iterator[Package]:
        poms: list[dict[str, str]] = []
        names = {each.filename: each for each in archive.infolist()}
        manifest = self._manifest(archive, names[MANIFEST]) if MANIFEST in names else {}
        for name, member in names.items():
            if name.startswith(_MAVEN) and name.endswith("/pom.properties"):
                found = dict.fromkeys(_COORDINATES, "") | dict(_properties(self._text(archive, member)))
                pom = names.get(f"{posixpath.dirname(name)}/pom.xml")
                found["license"] = _licenses(self._text(archive, pom)) if pom else ""
                poms.append(found)
            elif name.lower().endswith(SUFFIXES) and not member.is_dir():
                if depth == _DEPTH:
                    raise UnreadableError("it has archives inside of archives, too deep to be read")
                size = self._archives.spend(member)
                with archive.open(member) as stream, held(_Stream(stream), size, self._scratch) as nested:
                    if len(nested) != size:
                        raise UnreadableError("an archive inside of it is truncated")
                    yield from self.read(f"{path}!/{name}", nested, depth + 1)
        yield from _own(path, manifest, poms)

    def _text(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str:
        if member.file_size > _SMALL:
            raise UnreadableError("a description in it is too large")
        self._archives.spend(member)
        with archive.open(member) as stream:
            return stream.read(_SMALL).decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")

    def _manifest(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> dict[str, str]:
        """Return the attributes of the first section, in which a space begins the continuation of a line."""
        section = self._text(archive, member).replace("\n ", "").partition("\n\n")[0]
        pairs = (line.partition(":") for line in section.split("\n"))
        return {key.strip().lower(): value.strip() for key, colon, value in pairs if colon}


class _Stream:
    """A member of an archive, read with sizes that are always given."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        return self._stream.read(size)


def _own(path: str, manifest: dict[str, str], poms: list[dict[str, str]]) -> Iterable[Package]:
    """Return what the archive itself is, and what was merged into it."""
    supplier = manifest.get("implementation-vendor") or manifest.get("bundle-vendor", "")
    stated = manifest.get("bundle-license", "").partition(";")[0]
    named = [each for each in poms if all(each[key] for key in _COORDINATES)]
    if named:
        only = stated if len(named) == 1 else ""
        return [
            _package(
                path,
                each["groupid"],
                each["artifactid"],
                each["version"],
                license=each["license"] or only,
                supplier=supplier,
            )
            for each in named
        ]
    stem = posixpath.basename(path).rpartition(".")[0][:LONGEST]
    split = _NAME.fullmatch(stem)
    name = split[1] if split else stem
    version = split[2] if split else ""
    for key in ("implementation-version", "bundle-version", "specification-version"):
        version = version or manifest.get(key, "")
    group = manifest.get("implementation-vendor-id", "")
    return [_package(path, group, name, version, license=stated, supplier=supplier)] if name else []


def _package(path: str, group: str, name: str, version: str, **more: str) -> Package:
    return Package.of("maven" if group else "generic", name, version, path, namespace=group, **more)


def _properties(text: str) -> Iterable[tuple[str, str]]:
    for line in text.split("\n"):
        key, equals, value = line.partition("=")
        if equals and key.strip().lower() in _COORDINATES:
            yield key.strip().lower(), value.strip()


def _licenses(pom: str) -> str:
    """Return the names of the licences in a pom.xml, of its first element `licenses`."""
    block = pom.partition("<licenses>")[2].partition("</licenses>")[0]
    names = []
    for each in block.split("<license>")[1:]:
        name = each.partition("</license>")[0].partition("<name>")[2].partition("</name>")[0]
        names.append(" ".join(name.split()))
    return " or ".join(dict.fromkeys(filter(None, names)))
