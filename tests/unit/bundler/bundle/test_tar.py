from __future__ import annotations

import contextlib
import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.bundle.names import PathError, PathSet
from bundler.bundle.tar import Archive, ArchiveReader, Member, header
from bundler.bundle.write import write_archive, write_known_archive
from bundler.errors import BundleError, VerificationError

TOP = "app-1-demo-linux-amd64"
MTIME = 1_700_000_000


def pack(path: Path, members: list[Member]) -> str:
    with path.open("w+b") as file:
        return write_archive(file, Archive(TOP, members, MTIME), lambda _, __: None)


def pack_known(path: Path, members: list[Member]) -> int:
    """Write an archive whose digest is known; return the number of member bytes reported as progress."""
    told: list[int] = []
    with path.open("w+b") as file:
        write_known_archive(file, Archive(TOP, members, MTIME), lambda _, size: told.append(size))
    return sum(told)


def contents(raw: bytes) -> dict[str, bytes]:
    return {entry.path: b"".join(body) for entry, body in ArchiveReader(io.BytesIO(raw))}


def usable(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files with valid paths; tests/unit/bundler/bundle/test_names.py covers the others."""
    paths = PathSet()
    kept = {}
    for path, content in files.items():
        with contextlib.suppress(PathError):
            paths.add(path)
            kept[path] = content
    return kept


names = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp")), min_size=1, max_size=120)


@given(st.dictionaries(names, st.binary(max_size=2000), max_size=6).map(usable))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    path = tmp_path_factory.mktemp("pack") / "a.tar"
    members = [Member.of(name, content) for name, content in files.items()]
    digest = pack(path, members)
    raw = path.read_bytes()
    assert hashlib.sha256(raw).hexdigest() == digest
    assert len(raw) == Archive(TOP, members, MTIME).size
    assert contents(raw) == files
    assert pack_known(path, members) == sum(map(len, files.values()))
    assert path.read_bytes() == raw, "the members side by side"


def test_any_tar_program_reads_a_bundle(tmp_path: Path) -> None:
    long = "config/" + "d" * 90 + "/" + "文" * 60
    members = [Member.of("install", b"#!/bin/sh\n", 0o755), Member.of(long, b"x" * 1025)]
    pack(tmp_path / "a.tar", members)
    with tarfile.open(tmp_path / "a.tar") as tar:
        assert [(m.name, m.mode, m.uid, m.mtime) for m in tar] == [
            (f"{TOP}/install", 0o755, 0, MTIME),
            (f"{TOP}/{long}", 0o644, 0, MTIME),
        ]


def test_a_size_over_eight_gigabytes_fits_the_header() -> None:
    info = tarfile.TarInfo.frombuf(header("a", 0o644, 9 << 30, MTIME), "utf-8", "strict")
    assert info.size == 9 << 30


@pytest.mark.parametrize("write", [pack, pack_known])
@pytest.mark.parametrize("found", [b"evil", b"goo", b"good and more", b""])
def test_a_source_that_changed_is_refused(
    tmp_path: Path, write: Callable[[Path, list[Member]], object], found: bytes
) -> None:
    source = tmp_path / "blob"
    source.write_bytes(b"good")
    member = Member.of("blob", source)
    source.write_bytes(found)
    with pytest.raises(BundleError, match="blob: the file was changed or is damaged"):
        write(tmp_path / "a.tar", [Member.of("install", b"#!/bin/sh\n"), member])


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("small") / "a.tar"
    pack(path, [Member.of("install", b"echo\n", 0o755), Member.of("config/a", b"b" * 700)])
    return path.read_bytes()


@given(data=st.data())
def test_every_changed_byte_is_noticed(small: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(small) - 1))
    change = data.draw(st.integers(1, 255))
    raw = bytearray(small)
    raw[at] ^= change
    try:
        found = contents(bytes(raw))
    except VerificationError:
        return
    assert found != contents(small)  # a change in a file's content is left to the checksums


@pytest.mark.parametrize("cut", [1, 511, 512, 1024, 3000, 5000])
def test_a_truncated_archive_is_noticed(small: bytes, cut: int) -> None:
    with pytest.raises(VerificationError):
        contents(small[:cut])


def test_bytes_after_the_end_are_noticed(small: bytes) -> None:
    with pytest.raises(VerificationError, match="after the end of the archive"):
        contents(small + b"\0")


def hostile(*infos: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for info in infos:
            tar.addfile(info, io.BytesIO(bytes(info.size)))
    return out.getvalue()


def info(name: str, **fields: object) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.mtime = MTIME
    for key, value in fields.items():
        setattr(found, key, value)
    return found


@pytest.mark.parametrize(
    "infos",
    [
        [info(f"{TOP}/../evil")],
        [info("/etc/passwd")],
        [info(f"{TOP}//x")],
        [info("alone")],
        [info(f"{TOP}/a"), info("other/a")],
        [info(f"{TOP}/a"), info(f"{TOP}/a")],
        [info(f"{TOP}/a", type=tarfile.SYMTYPE, linkname="/etc/passwd")],
        [info(f"{TOP}/a", type=tarfile.LNKTYPE, linkname="x")],
        [info(f"{TOP}/a", type=tarfile.DIRTYPE)],
        [info(f"{TOP}/a", type=tarfile.FIFOTYPE)],
        [info(f"{TOP}/a", mode=0o4755)],
        [info(f"{TOP}/a", uid=1)],
        [info(f"{TOP}/a", uname="root")],
        [info(f"{TOP}/a"), info(f"{TOP}/b", mtime=MTIME + 1)],
    ],
)
def test_headers_that_this_program_would_not_write_are_refused(infos: list[tarfile.TarInfo]) -> None:
    with pytest.raises(VerificationError):
        contents(hostile(*infos))
