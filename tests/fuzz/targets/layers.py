"""Layers from registries: gzip, zstd and tar streams, measured for a compact bundle."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from functools import cache
from pathlib import Path

import zstandard

from bundler.layer.sketch import measure
from tests.fuzz.mutations import Random, damage, damage_header


@cache
def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, size, kind in (
            ("etc", 0, b"5"),
            ("etc/a", 5000, b"0"),
            ("l" * 120, 9000, b"0"),
            ("link", 0, b"2"),
        ):
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = size, kind, "etc/a" if kind == b"2" else ""
            info.pax_headers = {"SCHILY.xattr.user.a": "b"} if kind == b"0" else {}
            tar.addfile(info, io.BytesIO(bytes(size)))
    return out.getvalue()


def _large(size: int, rest: bytes) -> bytes:
    """Return a compressed layer that begins with a pax header of `size` zero bytes."""
    info = tarfile.TarInfo("././@PaxHeader")
    info.type, info.size = b"x", size
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    parts = (info.tobuf(tarfile.USTAR_FORMAT), *(bytes(1 << 20) for _ in range(size >> 20)), rest)
    return b"".join(map(packer.compress, parts)) + packer.flush()


def make(random: Random) -> bytes:
    """Damage headers and then compress, or compress and then damage. Some layers unpack to 200 MiB."""
    raw = bytearray(_tar())
    for _ in range(random.choice((0, 1, 1, 2))):
        at = random.randrange(0, len(raw) - 512, 512)
        raw[at : at + 512] = damage_header(random, bytes(raw[at : at + 512]))
    if random.randrange(50) == 0:
        return _large(random.choice((1 << 20, 200 << 20)), bytes(raw))
    packed = bytes(raw)
    match random.randrange(4):
        case 0 | 1:
            packed = gzip.compress(packed, 1, mtime=0)
        case 2:
            packed = zstandard.ZstdCompressor(level=1).compress(packed)
    return (
        packed
        if random.randrange(2)
        else damage(random, packed, (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\0" * 512))
    )


def check(data: bytes, folder: Path) -> bool:
    """Measure the layer with its own digest and with a wrong one."""
    path = folder / "layer"
    path.write_bytes(data)
    measure(path, "sha256:" + hashlib.sha256(data).hexdigest(), "web:1")
    return True
