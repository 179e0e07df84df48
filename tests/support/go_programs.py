"""Programs that Go could have made, without their code."""

from __future__ import annotations

import struct

BASE = 0x400000
MODULES = b"path\tmain\nmod\texample.com/app\t(devel)\t\n"


def framed(modules: bytes) -> bytes:
    """Return the text about modules as Go recognises it in memory."""
    return b"\x30" * 16 + modules + b"\xf9" * 16


def program(data: bytes, *, wide: bool = True) -> bytes:
    """Return an ELF program with one segment of data, at the address BASE + 0x1000."""
    size, place, address = len(data), 0x1000, BASE + 0x1000
    if wide:
        head = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
        head += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
        head += struct.pack("<IIQQQQQQ", 1, 6, place, address, 0, size, size, 4096)
    else:
        head = b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
        head += struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, 0, 52, 0, 0, 52, 32, 1, 0, 0, 0)
        head += struct.pack("<IIIIIIII", 1, place, address, 0, size, size, 6, 4096)
    return head.ljust(place, b"\0") + data


def old_program(modules: bytes, *, wide: bool = True) -> bytes:
    """Return a program of Go 1.13 to 1.17, whose texts are behind pointers."""
    form = "<Q" if wide else "<I"
    width = struct.calcsize(form)
    data = bytearray((b"\xff Go buildinf:" + bytes([width, 0])).ljust(32, b"\0"))
    for number, text in enumerate((b"go1.17.3", framed(modules))):
        header = len(data)
        struct.pack_into(form, data, 16 + number * width, BASE + 0x1000 + header)
        data += struct.pack(form, BASE + 0x1000 + header + 2 * width) + struct.pack(form, len(text)) + text
        data += bytes(-len(data) % 16)
    return program(bytes(data), wide=wide)


def new_program(modules: bytes) -> bytes:
    """Return a program of Go 1.18 or newer, at least as large as one that is looked at."""
    text = framed(modules)
    data = (b"\xff Go buildinf:\x08\x02").ljust(32, b"\0") + b"\x08go1.22.1"
    data += bytes([len(text) & 0x7F | 0x80, len(text) >> 7]) + text
    return program(bytes(16) + data + bytes(1 << 16))


ELF = new_program(MODULES)
