"""Reads name and architecture of a distribution's package from its header."""

from __future__ import annotations

import io
import lzma
import struct
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from bundler.errors import BundleError
from bundler.language import tr

LIMIT = 64 << 20
"""Maximum size of a header, in bytes."""
_DEB = {"armhf": "arm", "armel": "arm", "i386": "386", "ppc64el": "ppc64le"}
"""Debian's names of architectures that differ from the OCI's."""
_RPM = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7hl": "arm",
    "i686": "386",
    "i386": "386",
    "loongarch64": "loong64",
}
"""RPM's names of architectures that differ from the OCI's."""
_ANY = ("all", "noarch")
_AR_MAGIC, _AR_ENTRY = b"!<arch>\n", 60
_RPM_LEAD, _RPM_LEAD_MAGIC, _RPM_HEADER_MAGIC = 96, b"\xed\xab\xee\xdb", b"\x8e\xad\xe8\x01"
_RPM_NAME, _RPM_ARCH, _RPM_STRING = 1000, 1022, 6


@dataclass(frozen=True)
class Package:
    """Name and architecture of a package.

    Attributes:
        name: name in the package manager.
        architecture: the OCI's name of the architecture; None if the package is for all architectures.
    """

    name: str
    architecture: str | None


def read_package(path: Path, kind: Literal["deb", "rpm"]) -> Package:
    """Read the header of a `deb` or `rpm` file.

    Raises:
        BundleError: it is not a package of this kind.
    """
    try:
        with path.open("rb") as file:
            name, architecture = _read_deb(file) if kind == "deb" else _read_rpm(file)
    except (ValueError, KeyError, EOFError, OSError, struct.error, tarfile.TarError) as error:
        raise _broken(path, kind, str(error)) from error
    except (lzma.LZMAError, zlib.error) as error:
        raise _broken(path, kind, str(error)) from error
    if architecture in _ANY:
        return Package(name, None)
    return Package(name, (_DEB if kind == "deb" else _RPM).get(architecture, architecture))


def _broken(path: Path, kind: str, what: str) -> BundleError:
    return BundleError(
        tr("{path_name}: is not a {kind} package: {what}", path_name=path.name, kind=kind, what=what),
        hint=tr("check the file at that path or URL"),
    )


def _read_deb(file: BinaryIO) -> tuple[str, str]:
    """Return name and architecture.

    See deb(5): an ar archive whose second member is a tar with the file `control`.
    """
    for name, size in _ar_members(file):
        if name.startswith("control.tar"):
            packed = file.read(min(size, LIMIT))
            with tarfile.open(fileobj=io.BytesIO(_unpack(name, packed))) as archive:
                entry = next(member for member in archive if member.name in {"control", "./control"})
                content = archive.extractfile(entry)
                if content is None:
                    raise ValueError(tr("its control file is a folder"))
                lines = content.read(LIMIT).decode("utf-8").splitlines()
            fields = dict(line.split(": ", 1) for line in lines if ": " in line and not line[0].isspace())
            return fields["Package"], fields["Architecture"]
        file.seek(size + size % 2, io.SEEK_CUR)
    raise ValueError(tr("it has no control.tar"))


def _ar_members(file: BinaryIO) -> Iterator[tuple[str, int]]:
    """Yield name and size of each member, with the file positioned at its content."""
    if file.read(len(_AR_MAGIC)) != _AR_MAGIC:
        raise ValueError(tr("it has the wrong file header"))
    while len(head := file.read(_AR_ENTRY)) == _AR_ENTRY:
        yield head[:16].decode("ascii").rstrip(" /"), int(head[48:58])


def _unpack(name: str, packed: bytes) -> bytes:
    match name.rpartition(".")[2]:
        case "tar":
            return packed
        case "gz":
            return zlib.decompressobj(31).decompress(packed, LIMIT)
        case "xz":
            return lzma.LZMADecompressor().decompress(packed, LIMIT)
        case "zst":
            import zstandard  # noqa: PLC0415 only for such packages

            return zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    raise ValueError(tr("{name} uses an unknown compression", name=name))


def _read_rpm(file: BinaryIO) -> tuple[str, str]:
    """Return name and architecture.

    See the RPM V4 package format: a lead, a signature header padded to 8 bytes, then the header.
    """
    if file.read(_RPM_LEAD)[:4] != _RPM_LEAD_MAGIC:
        raise ValueError(tr("it has the wrong file header"))
    _, signatures = _rpm_header(file)
    file.seek(-signatures % 8, io.SEEK_CUR)
    strings, _ = _rpm_header(file)
    return strings[_RPM_NAME], strings[_RPM_ARCH]


def _rpm_header(file: BinaryIO) -> tuple[dict[int, str], int]:
    """Read a header, and return its strings by tag and the size of its data in bytes."""
    magic, _, entries, size = struct.unpack(">4s4sII", file.read(16))
    if magic != _RPM_HEADER_MAGIC or entries * 16 + size > LIMIT:
        raise ValueError(tr("its header is damaged"))
    index, data = file.read(entries * 16), file.read(size)
    strings = {}
    for tag, kind, offset, _ in struct.iter_unpack(">IIII", index):
        if kind == _RPM_STRING:
            strings[tag] = data[offset : data.index(b"\0", offset)].decode("utf-8")
    return strings, size
