"""What one layer says about software, as it is kept between builds."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, field
from typing import Any, Final

from bundler.software.package import Package

VERSION: Final = 2
"""Changes with what readers find, so that layers are read again."""
WIDTH: Final = 12
"""Bytes of a mark."""


@dataclass(frozen=True)
class Found:
    """What one file says.

    Attributes:
        reader: name of the reader.
        packages: what is installed.
        gap: why it cannot be said; None if the file was read.
        fact: of a file that says something about packages of others: a licence, a distribution.
        link: target, if the file is a symbolic link.
    """

    reader: str
    packages: tuple[Package, ...] = ()
    gap: str | None = None
    fact: str = ""
    link: str | None = None


@dataclass(frozen=True)
class LayerSoftware:
    """What one layer says.

    Attributes:
        files: path -> what it says.
        marks: what of lower layers cannot be seen any more: digests of `WIDTH` bytes, as `mark` makes them.
        gap: why the layer was not read to its end; None if it was.
    """

    files: Mapping[str, Found] = field(default_factory=dict)
    marks: bytes = b""
    gap: str | None = None

    def to_bytes(self) -> bytes:
        """Return a form that can be kept."""
        files = {
            path: [
                found.reader,
                [astuple(each) for each in found.packages],
                found.gap,
                found.fact,
                found.link,
            ]
            for path, found in self.files.items()
        }
        document = {"files": files, "marks": base64.b64encode(self.marks).decode(), "gap": self.gap}
        return zlib.compress(json.dumps(document, separators=(",", ":")).encode(), 1)

    @classmethod
    def from_bytes(cls, raw: bytes) -> LayerSoftware | None:
        """Return what was kept; None if it is damaged."""
        try:
            document: dict[str, Any] = json.loads(zlib.decompress(raw))
            files = {
                path: Found(reader, tuple(Package(*each) for each in packages), gap, fact, link)
                for path, (reader, packages, gap, fact, link) in document["files"].items()
            }
            return cls(files, base64.b64decode(document["marks"]), document["gap"])
        except (zlib.error, ValueError, KeyError, TypeError, AttributeError, binascii.Error):
            return None


def mark(kind: bytes, path: str) -> bytes:
    """Return the digest that stands for a path and what happens to lower layers there.

    Args:
        kind: `n`: the path and all below it are hidden; `o`: all below it; `d`: a file at the path.
        path: relative to the image's root, in its shortest form.
    """
    return hashlib.blake2b(kind + path.encode("utf-8", "surrogateescape"), digest_size=WIDTH).digest()


def marks_above(folder: str) -> Iterator[bytes]:
    """Yield the marks each of which hides all that is in a folder, without a text for each folder above it.

    Args:
        folder: relative to the image's root, in its shortest form; empty for the root itself.
    """
    yield mark(b"o", "")
    path, opaque = (hashlib.blake2b(kind, digest_size=WIDTH) for kind in (b"n", b"o"))
    for number, part in enumerate(folder.split("/") if folder else ()):
        piece = ("/" if number else "").encode() + part.encode("utf-8", "surrogateescape")
        path.update(piece)
        opaque.update(piece)
        yield path.digest()
        yield opaque.digest()
