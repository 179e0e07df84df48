"""What Go writes into its programs: the modules that they are built from (Go's debug/buildinfo)."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bundler.software.package import Package, UnreadableError
from bundler.software.readers.content import Content

ELF: Final = b"\x7fELF"
_MAGIC: Final = b"\xff Go buildinf:"
_ALIGN: Final = 16
_INLINE: Final = 2
_BIG: Final = 1
_LOAD, _INTERPRETER = 1, 3
_EXECUTABLE, _SHARED = 2, 3
_WRITABLE: Final = 2
_NOTE: Final = b"\x04\0\0\0"
_WIDE: Final = 2
"""ELFCLASS64."""
_LONGEST: Final = 8 << 20
"""Longest list of modules in bytes."""
_MOST: Final = 64
"""Most segments of a program that are looked at; a Go program has about ten."""
_FRAME: Final = 16
"""Bytes around the list of modules by which Go recognises it in memory."""


@dataclass(frozen=True)
class _Segment:
    kind: int
    flags: int
    offset: int
    address: int
    size: int


class _TruncatedError(UnreadableError):
    """The content ends before the list of segments does."""


@dataclass(frozen=True)
class _Program:
    """An ELF file.

    Attributes:
        content: the file, or its first bytes.
        order: of bytes, as `struct` writes it.
        wide: whether it has 64 bits.
        kind: program, library, object.
        segments: those that are looked at.
        more: whether it has further ones.
    """

    content: Content
    order: str
    wide: bool
    kind: int
    segments: tuple[_Segment, ...]
    more: bool

    def at(self, address: int, size: int) -> bytes:
        """Return the bytes that the program has at an address."""
        for each in self.segments:
            if each.kind == _LOAD and each.address <= address and address + size <= each.address + each.size:
                place = each.offset + address - each.address
                if place + size > len(self.content):
                    break
                return bytes(self.content[place : place + size])
        raise UnreadableError("what Go says about its modules is damaged")


def may_be_go(head: bytes) -> bool:
    """Whether the first bytes of a file are those of an ELF program rather than of a library or an object.

    Where the list of segments comes later in the file, they do not tell, and it may be.
    """
    try:
        program = _parse(head)
    except _TruncatedError:
        return True
    except UnreadableError:
        return False
    return (
        program.kind == _EXECUTABLE
        or (program.kind == _SHARED and program.more)
        or any(each.kind == _INTERPRETER for each in program.segments)
        or _NOTE + b"Go\0\0" in head
    )


def read_program(path: str, content: Content, _scratch: Path) -> Iterator[Package]:
    """Yield the modules that a program is built from, with Go's own library; none if Go did not make it.

    Raises:
        UnreadableError: what Go says about the modules is damaged, or may be where it is not looked for.
    """
    try:
        program = _parse(content)
    except UnreadableError:
        return  # not a program that the kernel runs
    place = _find(program)
    if place is None:
        if program.more and program.kind in {_EXECUTABLE, _SHARED}:
            raise UnreadableError(f"it is a program with more than {_MOST} segments")
        return
    version, modules = _strings(program, place)
    yield from _modules(path, version, modules)


def _parse(content: Content) -> _Program:
    """Read the head of an ELF file, which `content` has at least: System V ABI, chapter 4."""
    if content[:4] != ELF or len(content) < 64 or not {content[4], content[5]} <= {1, 2}:  # noqa: PLR2004 a head
        raise UnreadableError("it is not an ELF file")
    order, wide = "<" if content[5] == 1 else ">", content[4] == _WIDE
    (kind,) = struct.unpack_from(f"{order}H", content, 16)
    if wide:
        (table,) = struct.unpack_from(f"{order}Q", content, 32)
        size, count = struct.unpack_from(f"{order}HH", content, 54)
        form = f"{order}IIQQQQ"
    else:
        (table,) = struct.unpack_from(f"{order}I", content, 28)
        size, count = struct.unpack_from(f"{order}HH", content, 42)
        form = f"{order}IIIIIII"
    segments = []
    for number in range(min(count, _MOST)):
        at = table + number * size
        if size < struct.calcsize(form):
            raise UnreadableError("its head is damaged")
        if at + size > len(content):
            raise _TruncatedError
        if wide:
            what, flags, offset, address, _, length = struct.unpack_from(form, content, at)
        else:
            what, offset, address, _, length, _, flags = struct.unpack_from(form, content, at)
        segments.append(_Segment(what, flags, offset, address, length))
    return _Program(content, order, wide, kind, tuple(segments), count > _MOST)


def _find(program: _Program) -> int | None:
    """Return the place of the magic number, which is aligned by its address, in a segment with data."""
    content = program.content
    left = 2 * len(content)
    for each in program.segments:
        if each.kind != _LOAD or not each.flags & _WRITABLE:
            continue
        at, end = each.offset, min(each.offset + each.size, len(content))
        left -= max(0, end - at)
        if left < 0:
            raise UnreadableError("its segments overlap")
        while (at := content.find(_MAGIC, at, end)) >= 0:
            if (each.address + at - each.offset) % _ALIGN == 0 and at + 32 <= len(content):
                return at
            at += 1
    return None


def _strings(program: _Program, place: int) -> tuple[str, str]:
    """Return Go's version and the text about the modules."""
    content = program.content
    width, flags = content[place + 14], content[place + 15]
    if flags & _INLINE:
        version, after = _inline(content, place + 32)
        modules, _ = _inline(content, after)
    else:
        if width not in {4, 8}:
            raise UnreadableError("what Go says about its modules is damaged")
        form = ("<>"[flags & _BIG]) + ("Q" if width == 8 else "I")  # noqa: PLR2004 bytes of a pointer
        version, modules = (_pointed(program, place + 16 + number * width, form) for number in (0, 1))
    framed = len(modules) > 2 * _FRAME and modules[-_FRAME - 1 : -_FRAME] == b"\n"
    text = modules[_FRAME:-_FRAME] if framed else b""
    return version.decode("utf-8", "replace"), text.decode("utf-8", "replace")


def _inline(content: Content, at: int) -> tuple[bytes, int]:
    """Return a text with its length before it, as Go's varint, and the place after it."""
    size = 0
    for number in range(5):
        if at >= len(content):
            break
        byte = content[at]
        at += 1
        size |= (byte & 0x7F) << 7 * number
        if not byte & 0x80:
            if size > _LONGEST or at + size > len(content):
                break
            return bytes(content[at : at + size]), at + size
    raise UnreadableError("what Go says about its modules is damaged")


def _pointed(program: _Program, place: int, form: str) -> bytes:
    """Return the text that a pointer to a Go string leads to."""
    width = struct.calcsize(form)
    (header,) = struct.unpack_from(form, program.content, place)
    if not header:
        return b""
    (data,) = struct.unpack(form, program.at(header, width))
    (size,) = struct.unpack(form, program.at(header + width, width))
    if size > _LONGEST:
        raise UnreadableError("what Go says about its modules is damaged")
    return program.at(data, size) if size else b""


def _modules(path: str, version: str, text: str) -> Iterator[Package]:
    """Yield the modules of a text of lines `mod`, `dep` and `=>` (a replacement of the line before)."""
    found = re.search(r"go(\d+(?:\.\d+)+(?:(?:rc|beta)\d+)?)", version)
    if found is None and not version.startswith("devel"):
        raise UnreadableError("what Go says about its version is damaged")
    lines: list[tuple[str, str]] = []
    for line in io.StringIO(text):
        what, *fields = line.rstrip("\n").split("\t")
        if what in {"mod", "dep"} and fields:
            lines.append((fields[0], fields[1] if len(fields) > 1 else ""))
        elif what == "=>" and fields and lines:
            lines[-1] = (fields[0], fields[1] if len(fields) > 1 else "")
    yield _package(path, "stdlib", found[1] if found else "")
    for name, release in lines:
        if name:
            yield _package(path, name, "" if release == "(devel)" else release)


def _package(path: str, name: str, version: str) -> Package:
    namespace, _, last = name.rpartition("/")
    return Package.of("golang", last, version, path, namespace=namespace)
