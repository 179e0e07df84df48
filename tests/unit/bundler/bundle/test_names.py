"""Paths that a site could misread are refused when a bundle is built and when it is read."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.build.render import check_members
from bundler.bundle.checksums import format_sums, parse_sums
from bundler.bundle.content import InMemory
from bundler.bundle.names import PathError, PathSet, check_path
from bundler.bundle.tar import Archive, ArchiveReader, Member
from bundler.bundle.write import write_archive
from bundler.errors import BundleError, VerificationError

TOP = "app-1-demo-linux-amd64"
UNUSABLE = {
    "newline": "config/a\ninstall",
    "carriage return": "config/a\r",
    "tab": "config/a\tb",
    "nul": "config/a\0b",
    "escape": "config/\x1b[2J",
    "delete": "config/a\x7f",
    "C1 control": "config/a\x9b31m",
    "next line": "config/a\x85b",
    "line separator": "config/a\u2028b",
    "backslash": "config/a\\nb",
    "leading dash": "config/-rf",
    "leading dash of a folder": "-x/a",
    "decomposed": "config/e\u0301",
    "accent without a composed form": "config/x\u0302",
    "voicing mark": "config/\u304d\u309a",
    "Korean letter": "config/\u1101",
    "Kelvin sign": "config/\u212a",
    "right-to-left override": "config/\u202egnp.sh",
    "isolate": "config/\u2066a\u2069",
    "left-to-right mark": "config/a\u200e",
    "Arabic letter mark": "config/a\u061c",
    "zero width space": "config/a\u200bb",
    "byte order mark": "config/\ufeffa",
    "parent": "config/../install",
    "absolute": "/etc/passwd",
    "empty part": "config//a",
    "dot": "config/./a",
    "long name": "config/" + "a" * 256,
    "long name of few characters": "config/" + "\u6587" * 86,
    "long path": "config/" + "a/" * 500 + "a",
}
COLLISIONS = {
    "case": ("config/A", "config/a"),
    "case of a folder": ("config/A/x", "config/a/y"),
    "case beyond ASCII": ("config/\u00c4", "config/\u00e4"),
    "sharp s": ("config/stra\u00dfe", "config/STRASSE"),
    "Greek sigma": ("config/\u03c3", "config/\u03c2"),
    "file and folder": ("config/a", "config/a/b"),
    "folder and file": ("config/a/b", "config/a"),
    "file and folder of another case": ("config/a", "config/A/b"),
    "head": ("install", "Install"),
    "twice": ("config/a", "config/a"),
}
SURROGATE = "config/\udcff"

unusable = pytest.mark.parametrize("path", UNUSABLE.values(), ids=UNUSABLE)
collisions = pytest.mark.parametrize("paths", COLLISIONS.values(), ids=COLLISIONS)


def pack(folder: Path, *paths: str) -> bytes:
    """Write an archive as a builder without this check would."""
    with (folder / "a.tar").open("w+b") as file:
        write_archive(file, Archive(TOP, [Member.of(path, b"x") for path in paths], 1), lambda _, __: None)
    return (folder / "a.tar").read_bytes()


def read(raw: bytes) -> list[str]:
    return [entry.path for entry, _ in ArchiveReader(io.BytesIO(raw))]


@unusable
def test_an_unusable_path_is_refused_on_both_sides(path: str, tmp_path: Path) -> None:
    with pytest.raises(BundleError) as caught:
        check_members([Member.of(path, b"x")])
    assert caught.value.hint
    assert caught.value.message.isprintable()
    with pytest.raises(VerificationError) as refused:
        parse_sums(format_sums([Member.of(path, b"x")]))
    assert refused.value.message.isprintable()
    with pytest.raises(VerificationError) as refused:
        read(pack(tmp_path, path))
    assert refused.value.message.isprintable()


@collisions
def test_colliding_paths_are_refused_on_both_sides(paths: tuple[str, str], tmp_path: Path) -> None:
    members = [Member.of(path, b"x") for path in paths]
    with pytest.raises(BundleError):
        check_members(members)
    with pytest.raises(VerificationError):
        parse_sums(format_sums(members))
    with pytest.raises(VerificationError):
        read(pack(tmp_path, *paths))


def test_the_builder_names_the_file_of_the_project(tmp_path: Path) -> None:
    source = tmp_path / "conf" / "-rf"
    source.parent.mkdir()
    source.touch()
    with pytest.raises(BundleError, match=f"{source}: .*starts with a dash"):
        check_members([Member.of("config/conf/-rf", source)])


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not valid UTF-8"):
        check_members([Member(SURROGATE, 1, "0" * 64, InMemory(b"x"))])
    with pytest.raises(VerificationError):
        parse_sums(b"0" * 64 + b"  config/\xff\n")
    raw = bytearray(pack(tmp_path, "config/x"))
    raw[raw.index(b"config/x") + 7] = 0xFF
    raw[148:156] = b"        "
    raw[148:156] = b"%06o\0 " % sum(raw[:512])
    with pytest.raises(VerificationError):
        read(bytes(raw))


def test_ordinary_paths_are_accepted(tmp_path: Path) -> None:
    paths = [
        "install",
        "bundle.json",
        "config/a b.conf",
        "config/\u00e9t\u00e9/\u914d\u7f6e.yaml",
        "files/x-1_2.deb",
    ]
    check_members([Member.of(path, b"x") for path in paths])
    assert read(pack(tmp_path, *paths)) == paths
    assert set(parse_sums(format_sums([Member.of(path, b"x") for path in paths]))) == set(paths)


@given(st.text(min_size=1, max_size=40))
def test_an_accepted_path_is_one_line_and_one_name(path: str) -> None:
    try:
        check_path(path)
    except PathError:
        return
    assert not {unicodedata.category(character) for character in path} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert len(path.splitlines()) == 1
    assert unicodedata.normalize("NFC", path) == path
    assert not Path(path).is_absolute()
    assert ".." not in Path(path).parts
    assert not [part for part in path.split("/") if part.startswith("-")]


@given(st.lists(st.text("aAbB/\u00e9\u00c9\u00df\u017f", min_size=1, max_size=6), max_size=6))
def test_accepted_paths_stay_distinct_when_case_is_folded(paths: list[str]) -> None:
    found = PathSet()
    kept = []
    for path in paths:
        try:
            found.add(path)
        except PathError:
            continue
        kept.append(path)
    folded = [unicodedata.normalize("NFC", path.casefold()) for path in kept]
    assert len(set(folded)) == len(kept)
    files = set(folded)
    for path in folded:
        parts = path.split("/")
        assert not files & {"/".join(parts[:end]) for end in range(1, len(parts))}
