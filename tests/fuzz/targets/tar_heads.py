"""Bundles with damaged headers, members and blocks: none may verify, crash, or use much memory."""

from __future__ import annotations

import tarfile
import tempfile
from functools import cache
from pathlib import Path

from bundler.errors import BundleError
from bundler.trust.verify import inspect, verify
from tests.fuzz.mutations import Random, damage, damage_header
from tests.support.tiny import CREATED, FORMAT, SIGNER, TOP, TRUST, signed, tiny_members, write_bundle

LONG_NAMES = (
    "a" * 200,
    "../" * 60 + "etc",
    "\udcff" * 120,
    "a/" * 90 + "b",
    "\n" * 130,
    "config/" + "b" * 110,
)


@cache
def _base() -> tuple[bytes, tuple[tuple[int, int, int], ...]]:
    """Return a bundle and, per member, the offsets of its header, its content and the next header."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_bundle(Path(folder) / "a.tar", signed(tiny_members()))
        with tarfile.open(path) as tar:
            places = tuple((m.offset, m.offset_data, m.offset_data + -(-m.size // 512) * 512) for m in tar)
        return path.read_bytes(), places


def make(random: Random) -> bytes:
    """Damage the bundle in one to four ways."""
    base, places = _base()
    raw = bytearray(base)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        header, start, end = random.choice(places)
        block = random.randrange(0, max(len(raw), 512), 512)
        match random.randrange(9):
            case 0 | 1 | 2:
                raw[header : header + 512] = damage_header(
                    random, bytes(raw[header : header + 512]).ljust(512, b"\0")
                )
            case 3:
                raw[start:end] = damage(random, bytes(raw[start:end]))[: end - start].ljust(
                    end - start, b"\0"
                )
            case 4:
                other = random.randrange(0, max(len(raw), 512), 512)
                raw[block:block] = raw[other : other + 512 * random.choice((1, 2, 6))]
            case 5:
                del raw[block : block + 512 * random.choice((1, 2, 6))]
            case 6:
                raw[header:header] = raw[places[0][0] : places[0][2]]
            case 7:
                info = tarfile.TarInfo(f"{TOP}/{random.choice(LONG_NAMES)}")
                info.mode, info.mtime = 0o644, CREATED
                raw[header:header] = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
            case _:
                raw += random.choice((b"x", bytes(512), bytes(10240), base[:512], base))
    if random.randrange(2):  # pads to whole records, as in an archive
        raw += bytes(-len(raw) % 10240)
    return bytes(raw)


def check(data: bytes, folder: Path) -> bool:
    """Return whether a reader accepts it as a bundle; raise AssertionError if a forgery verifies."""
    path = folder / "fuzz.tar"
    path.write_bytes(data)
    taken = False
    for read in (
        lambda: inspect(path, FORMAT),
        lambda: verify(path, SIGNER, None, allow_unsigned=True, advance=lambda _: None, form=FORMAT),
    ):
        try:
            read()
            taken = True
        except BundleError:
            pass
    try:
        verify(path, SIGNER, TRUST, allow_unsigned=False, advance=lambda _: None, form=FORMAT)
    except BundleError:
        return taken
    if data != _base()[0]:
        raise AssertionError("a bundle that nobody signed verifies")
    return True
