"""Read untrusted tars: what Python's reader accepts is read the same way, anything else is an error."""

from __future__ import annotations

import io
import random
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundler.layer.tar import Entry, TarError, TarStream

Members = list[tuple[str, bytes]]
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=80)
PATHS = st.lists(NAMES.filter(lambda name: name not in {".", ".."}), min_size=1, max_size=6).map("/".join)


def make_tar(members: Members, form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def read_tar(raw: bytes, *, seek: bool = False) -> list[tuple[Entry, bytes]]:
    source = io.BytesIO(raw)
    tar = TarStream(source, (lambda size: source.seek(size, io.SEEK_CUR)) if seek else None)
    return [(entry, b"".join(iter(lambda: tar.read(7000), b""))) for entry in tar]


@given(
    st.lists(st.tuples(PATHS, st.binary(max_size=2000)), max_size=6),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
)
@settings(max_examples=200)
def test_tars_written_by_python_are_read(members: Members, form: int) -> None:
    raw = make_tar(members, form)
    expected = [(name.rstrip("/"), content) for name, content in members]
    assert [(entry.name, content) for entry, content in read_tar(raw)] == expected
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        offsets = [member.offset_data for member in tar]
    assert [entry.offset for entry, _ in read_tar(raw, seek=True)] == offsets


def test_content_may_be_left_unread() -> None:
    raw = make_tar([("a", b"1" * 5000), ("b", b"2" * 700), ("c", b"")])
    assert [entry.name for entry in TarStream(io.BytesIO(raw))] == ["a", "b", "c"]
    source = io.BytesIO(raw)
    seeking = TarStream(source, lambda size: source.seek(size, io.SEEK_CUR))
    assert [(entry.name, seeking.read(2)) for entry in seeking] == [("a", b"11"), ("b", b"22"), ("c", b"")]


def test_links_and_devices_have_no_content() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for kind, link in ((b"1", "target"), (b"2", "../to"), (b"3", ""), (b"5", ""), (b"6", "")):
            member = tarfile.TarInfo(f"name{kind.decode()}")
            member.type, member.linkname = kind, link
            tar.addfile(member)
    found = [entry for entry, _ in read_tar(out.getvalue())]
    assert [(entry.kind, entry.link) for entry in found][:2] == [(b"1", "target"), (b"2", "../to")]
    assert [entry.is_link for entry in found] == [True, True, False, False, False]
    assert not any(entry.is_file or entry.size for entry in found)


def header(name: str = "f", *, kind: bytes = b"0", size: bytes | int = 0) -> bytes:
    """Return a header with a valid checksum; `size` given as bytes is written unchanged."""
    member = tarfile.TarInfo(name)
    member.type = kind
    raw = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    raw[124:136] = size if isinstance(size, bytes) else b"%011o\0" % size
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


def pax(records: bytes) -> bytes:
    return header("pax", kind=b"x", size=len(records)) + records + bytes(-len(records) % 512)


def record(key: str, value: str) -> bytes:
    rest = f" {key}={value}\n".encode()
    size = len(rest) + 1
    while len(str(size)) + len(rest) != size:
        size = len(str(size)) + len(rest)
    return str(size).encode() + rest


END = bytes(1024)
ODD: dict[str, tuple[bytes, str]] = {
    "a pax header of 1 GiB": (header(kind=b"x", size=1 << 30), "a header of 1073741824 bytes"),
    "a long name of 1 GiB": (header(kind=b"L", size=1 << 30), "a header of 1073741824 bytes"),
    "a record whose length has 4000 digits": (pax(b"9" * 4000 + b" a=b\n"), "an invalid record"),
    "a record whose length lies": (pax(b"99999999 path=x\n"), "an invalid record"),
    "a record of no length": (pax(b"0 path=x\n"), "an invalid record"),
    "a record without a value": (pax(b"8 path\n\n"), "an invalid record"),
    "a record without an end": (pax(b"9 path=xyz"), "an invalid record"),
    "a negative size in pax": (pax(record("size", "-1")) + header(), "an invalid size"),
    "a size that is nan": (pax(record("size", "nan")) + header(), "an invalid size"),
    "a size of 30 digits": (pax(record("size", "9" * 30)) + header(), "an invalid size"),
    "a size of 2^63": (pax(record("size", str(1 << 63))) + header(), "an invalid size"),
    "sparse by pax": (pax(record("GNU.sparse.major", "1")) + header(), "sparse"),
    "a sparse map": (pax(record("GNU.sparse.map", ",".join(["1"] * 20_000))) + header(), "sparse"),
    "an old sparse file": (header(kind=b"S"), "sparse"),
    "a negative size": (header(size=b"\xff" * 12), "an invalid number"),
    "a size of 2^80": (header(size=b"\x80" + b"\xff" * 11), "too large"),
    "a size of letters": (header(size=b"hello world\0"), "an invalid number"),
    "a wrong checksum": (header()[:100] + b"1" + header()[101:], "wrong checksum"),
    "half a header": (header()[:300], "truncated"),
    "half a file": (header(size=5000) + bytes(100), "truncated"),
    "no tar": (b"this is no tar at all, but long enough to be one" * 100, "an invalid number"),
}


@pytest.mark.parametrize(("raw", "says"), ODD.values(), ids=ODD.keys())
def test_malformed_headers_are_errors(raw: bytes, says: str) -> None:
    def work() -> None:
        with pytest.raises(TarError, match=says):
            read_tar(raw + (END if says != "truncated" else b""))

    tracemalloc.start()
    try:
        work()
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


HARMLESS: dict[str, bytes] = {
    "nothing": b"",
    "an end": END,
    "5000 long names of no length": header(kind=b"L") * 5000 + header() + END,
    "5000 pax headers": pax(record("path", "f")) * 5000 + header() + END,
    "a pax header of zeros": header(kind=b"x", size=4096) + bytes(4096) + header() + END,
    "a global header": header(kind=b"g", size=10) + bytes(512) + header() + END,
    "attributes": pax(record("SCHILY.xattr.user.a", "x" * 60_000)) + header() + END,
    "no end": header(),
    "something behind the end": header() + END + b"garbage" * 1000,
}


@pytest.mark.parametrize("raw", HARMLESS.values(), ids=HARMLESS.keys())
def test_unusual_headers_that_engines_accept(raw: bytes) -> None:
    assert {entry.name for entry, _ in read_tar(raw)} <= {"f"}


def test_pax_overrides_what_the_header_says() -> None:
    records = record("path", "a/long/näme") + record("size", "3") + record("linkpath", "there")
    raw = pax(records) + header(size=9) + b"abc" + bytes(509) + header("g")
    ((entry, content), (after, _)) = read_tar(raw)
    assert (entry.name, entry.field, entry.size, entry.link) == ("a/long/näme", b"f", 3, "there")
    assert content == b"abc"
    assert after.name == "g", "one header is for one member"


def test_names_that_are_not_utf_8_are_kept() -> None:
    ((entry, _),) = read_tar(header("x").replace(b"x", b"\xff", 1)[:148] + header("\udcff")[148:] + END)
    assert entry.name == "\udcff"


@pytest.mark.parametrize("seed", range(50))
def test_mutated_tars_yield_members_or_an_error(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 the same each time
    raw = bytearray(make_tar([("a/b", b"x" * 5000), ("c" * 150, b"y" * 900)], tarfile.GNU_FORMAT))
    for _ in range(chance.randrange(1, 30)):
        raw[chance.randrange(1024)] = chance.randrange(256)
    try:
        found = read_tar(bytes(raw))
    except TarError:
        return
    assert sum(len(content) for _, content in found) <= len(raw)


def test_a_reader_that_returns_short_reads() -> None:
    def trickle(source: io.BytesIO) -> Callable[[int], bytes]:
        return lambda size: source.read(min(size, 3))

    raw = make_tar([("a", b"1" * 5000), ("b" * 200, b"2" * 700)])

    class Small:
        read = staticmethod(trickle(io.BytesIO(raw)))

    def contents() -> Iterator[tuple[str, bytes]]:
        tar = TarStream(Small())
        for entry in tar:
            yield entry.name, b"".join(iter(lambda: tar.read(512), b""))

    assert list(contents()) == [("a", b"1" * 5000), ("b" * 200, b"2" * 700)]
