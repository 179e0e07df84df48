"""Unpack layers of every compression as a stream in bounded memory; what engines refuse is refused."""

from __future__ import annotations

import gzip
import io
import itertools
import random
import struct
import subprocess
import sys
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from bundler.errors import FetchError
from bundler.image.digest import digest_of
from bundler.layer import unpacking
from bundler.layer.unpacking import (
    HashedTar,
    Inspection,
    UnpackError,
    check_diff_id,
    read_diff_id,
    unpack,
    unpack_stream,
)

NOISE = random.Random(5).randbytes(3_000_000)  # noqa: S311 the same each time
GZIP = gzip.compress(NOISE)
MIB = 1 << 20


def zstd(content: bytes, window: int) -> bytes:
    """Return a single frame that requires a window of 2^window bytes."""
    parameters = zstandard.ZstdCompressionParameters.from_level(
        1, window_log=window, write_content_size=False
    )
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return packer.compress(content) + packer.flush()


def hand_made_zstd(window: int, blocks: int) -> bytes:
    """Return a frame of `blocks` blocks, each of which is 128 KiB of one byte (RFC 8878, 3.1.1.2.2)."""
    head = b"\x28\xb5\x2f\xfd\x00" + bytes([(window - 10) << 3])
    body = [
        struct.pack("<I", (131072 << 3) | (1 << 1) | (n == blocks - 1))[:3] + b"\0" for n in range(blocks)
    ]
    return head + b"".join(body)


@pytest.fixture(params=["isal", "zlib"])
def gunzip(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Unpack with the fast library, and with zlib as on processors that the library does not support."""
    if request.param == "isal":
        pytest.importorskip("isal")
    else:
        monkeypatch.setattr(unpacking, "_new_gunzip", zlib.decompressobj)
        monkeypatch.setattr(unpacking, "_gunzip_errors", (zlib.error, EOFError))
    return str(request.param)


def unpacked(packed: bytes) -> bytes:
    return b"".join(unpack_stream(io.BytesIO(packed)))


FORMS = {
    "gzip": GZIP,
    "gzip of members": gzip.compress(NOISE[:100]) + gzip.compress(b"") + gzip.compress(NOISE[100:]),
    "zstd": zstandard.compress(NOISE),
    "zstd of frames": zstandard.compress(NOISE[:100]) + zstandard.compress(NOISE[100:]),
    "zstd with a window of 8 MiB": zstd(NOISE, 23),
    "zstd with a window of 128 MiB": zstd(NOISE, 27),
    "plain": NOISE,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_unpacked(tmp_path: Path, gunzip: str, form: str) -> None:
    path = tmp_path / "layer"
    path.write_bytes(FORMS[form])
    assert b"".join(unpack(path)) == NOISE


@given(
    content=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=4), size=st.integers(1, 50)
)
@settings(max_examples=200)
def test_members_and_reads_of_any_size(content: bytes, cuts: list[int], size: int) -> None:
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    packed = b"".join(gzip.compress(content[a:b]) for a, b in itertools.pairwise(edges))
    source = io.BytesIO(packed)

    class Small:
        def read(self, _size: int, /) -> bytes:
            return source.read(size)

    assert b"".join(unpack_stream(Small())) == content


@pytest.mark.parametrize("size", [MIB - 1, MIB, MIB + 1, 2 * MIB, 5 * MIB])
def test_a_stream_that_ends_on_a_chunk_boundary_is_complete(gunzip: str, size: int) -> None:
    pieces = list(unpack_stream(io.BytesIO(gzip.compress(bytes(size)))))
    assert sum(map(len, pieces)) == size
    assert max(map(len, pieces)) <= MIB


DAMAGED: dict[str, bytes] = {
    "cut in the trailer": GZIP[:-6],
    "cut in the middle": GZIP[: len(GZIP) // 2],
    "cut in the head": GZIP[:8],
    "garbage behind it": GZIP + b"garbage",
    "zeros behind it": GZIP + bytes(5000),
    "another head behind it": GZIP + b"\x1f\x8b",
    "another checksum": GZIP[:-8] + bytes(4) + GZIP[-4:],
    "another size": GZIP[:-4] + bytes(4),
    "a changed byte": GZIP[: len(GZIP) // 2] + bytes([GZIP[len(GZIP) // 2] ^ 1]) + GZIP[len(GZIP) // 2 + 1 :],
    "zstd and garbage": zstandard.compress(NOISE) + b"garbage",
    "a zstd window of 2 GiB": hand_made_zstd(31, 10),
    "a zstd window of 256 MiB": zstd(NOISE, 28),
    "a wide zstd frame behind another": zstandard.compress(NOISE) + hand_made_zstd(25, 10),
    "a reserved zstd block": b"\x28\xb5\x2f\xfd\x00\x58\x07\x00\x00" + bytes(20),
}


@pytest.mark.parametrize("form", DAMAGED)
def test_damage_is_an_error(tmp_path: Path, gunzip: str, form: str) -> None:
    path = tmp_path / "layer"
    path.write_bytes(DAMAGED[form])
    with pytest.raises(FetchError, match="layer layer: cannot be unpacked: "):
        b"".join(unpack(path))
    with (
        pytest.raises(FetchError, match="app:1: layer cannot be unpacked: ") as caught,
        path.open("rb") as file,
    ):
        read_diff_id(file, "app:1: layer")
    assert caught.value.hint


@pytest.mark.parametrize("behind", [b"g", b"garbage", bytes(600), b"\x1f\x8c"])
def test_trailing_data_is_reported_as_such(gunzip: str, behind: bytes) -> None:
    with pytest.raises(UnpackError, match=r"^it has data after its end$"):
        unpacked(GZIP + behind)


@given(st.binary(), st.sampled_from([b"", b"\x1f\x8b", b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd", GZIP[:40]]))
def test_any_input_unpacks_or_fails_cleanly(raw: bytes, head: bytes) -> None:
    try:
        unpacked(head + raw)
    except UnpackError as error:
        assert str(error)  # noqa: PT017 either is right


def peak_of(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    block = bytes(MIB)
    return b"".join(packer.compress(block) for _ in range(size // MIB)) + packer.flush()


@pytest.mark.parametrize(
    ("packed", "size"),
    [(bomb(256 * MIB), 256 * MIB), (hand_made_zstd(23, 2000), 2000 * 131072)],
    ids=["gzip", "zstd"],
)
def test_a_bomb_is_streamed(gunzip: str, packed: bytes, size: int) -> None:
    def work() -> None:
        assert sum(map(len, unpack_stream(io.BytesIO(packed)))) == size

    assert peak_of(work) < 20 * MIB


def test_wide_windows_wait_for_one_another() -> None:
    wide = zstd(NOISE, 27)
    first = unpack_stream(io.BytesIO(wide))
    next(first)
    done = threading.Event()

    def second() -> None:
        unpacked(wide)
        done.set()

    thread = threading.Thread(target=second)
    thread.start()
    assert not done.wait(0.3)
    b"".join(first)
    assert done.wait(30)
    thread.join()


@pytest.mark.parametrize("content", [NOISE[:10], NOISE], ids=["short", "long"])
@pytest.mark.parametrize("step", [1000, 100_000, 10_000_000])
def test_an_inspection_computes_the_diff_id_while_streaming(content: bytes, step: int) -> None:
    packed = gzip.compress(content)
    with Inspection() as inspection:
        for at in range(0, len(packed), step):
            inspection.feed(packed[at : at + step])
        assert inspection.end() == digest_of(content)


@pytest.mark.parametrize("form", ["cut in the middle", "garbage behind it", "a zstd window of 2 GiB"])
def test_an_inspection_never_blocks_its_writer(form: str) -> None:
    with Inspection() as inspection:
        for _ in range(50):
            inspection.feed(DAMAGED[form])
        assert inspection.end() is None
    with Inspection() as inspection:
        assert inspection.end() is None


def test_an_inspection_leaves_wide_windows_to_the_file() -> None:
    with Inspection() as inspection:
        inspection.feed(zstd(NOISE, 27))
        assert inspection.end() is None


def test_an_inspection_that_breaks_does_not_block(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Iterator[bytes]:
        raise MemoryError

    monkeypatch.setattr(unpacking, "unpack_stream", broken)
    with Inspection() as inspection:
        for _ in range(50):
            inspection.feed(GZIP)
        with pytest.raises(MemoryError):
            inspection.end()


def test_what_looks_at_a_layer_sees_its_tar_and_its_errors_are_raised_at_the_end() -> None:
    seen: list[bytes] = []
    with Inspection(lambda tar: seen.append(tar.read(10))) as inspection:
        inspection.feed(gzip.compress(NOISE))
        assert inspection.end() == digest_of(NOISE)
    assert b"".join(seen) == NOISE[: len(seen[0])]

    def fail(_: HashedTar) -> None:
        raise KeyError("bug")

    with Inspection(fail) as inspection:
        inspection.feed(gzip.compress(NOISE))
        with pytest.raises(KeyError):
            inspection.end()


def test_diff_ids_are_compared() -> None:
    check_diff_id(digest_of(b"a"), digest_of(b"a"), "app:1: layer x")
    with pytest.raises(FetchError, match=r"x unpacks to sha256:\w+, but the image's config says sha256:"):
        check_diff_id(digest_of(b"a"), digest_of(b"b"), "app:1: layer x")
    with pytest.raises(FetchError, match="app:1: layer x is empty"):
        check_diff_id(digest_of(b""), digest_of(b""), "app:1: layer x")


def test_everything_works_without_isal() -> None:
    program = """
import sys
sys.modules["isal"] = None
import gzip, io
from bundler.layer.unpacking import unpack_stream
assert b"".join(unpack_stream(io.BytesIO(gzip.compress(b"tar")))) == b"tar"
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[4])
