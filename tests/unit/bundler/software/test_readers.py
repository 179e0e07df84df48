"""Readers of package databases and metadata: from bytes to packages, or a reason."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bundler.software.package import Package, UnreadableError
from bundler.software.readers import alpine, debian, go, java, node, python, release, rpm
from tests.support.go_programs import old_program
from tests.support.programs import need_program, run

STATUS = b"""Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc
Version: 2.36-9
Maintainer: GNU Libc Maintainers <x@example>
Description: several
 lines
 .
 of text

Package: gone
Status: deinstall ok config-files
Version: 1

Package: bash
Status: install ok half-configured
Architecture: amd64
Source: bash (5.2.15)
Version: 5.2.15-2+b7
"""
INSTALLED = b"""C:Q1q
P:musl
V:1.2.4-r2
A:x86_64
L:MIT
o:musl
m:Timo <x@example>
F:lib
R:ld-musl-x86_64.so.1

P:busybox-binsh
V:1.36.1-r5
A:x86_64
L:GPL-2.0-only
"""
ROOT = Path(__file__).parents[4]
BERKELEY = gzip.decompress((ROOT / "tests/support/packages/Packages.berkeley.gz").read_bytes())
SPEC = """
Name: tiny
Epoch: 2
Version: 1.0
Release: 3
Summary: t
License: GPLv2+ and BSD
Vendor: openEuler
BuildArch: noarch
%description
{long}
%package extra
Summary: e
License: MIT
%description extra
e
%files
%files extra
"""
TINY = [("tiny", "1.0-3", "noarch", "2", "GPLv2+ and BSD"), ("tiny-extra", "1.0-3", "noarch", "2", "MIT")]


def names(packages: Iterator[Package]) -> list[tuple[str, str]]:
    return [(each.full_name, each.version) for each in packages]


def test_dpkg_lists_what_has_files(tmp_path: Path) -> None:
    libc, bash = debian.read_status("status", STATUS, tmp_path)
    assert (libc.name, libc.version, libc.architecture) == ("libc6", "2.36-9", "amd64")
    assert (libc.source, bash.source) == ("glibc 2.36-9", "bash 5.2.15")
    assert names(debian.read_status("x", b"Package: tzdata\nVersion: 2024a\n", tmp_path)) == [
        ("tzdata", "2024a")
    ]
    assert names(debian.read_status("x", b"", tmp_path)) == []


def test_dpkg_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "status").write_bytes(STATUS)
    (tmp_path / "updates").mkdir()
    query = ("dpkg-query", "--admindir", tmp_path, "-W", "-f", r"${db:Status-Status} ${Package} ${Version}\n")
    said = [line.split() for line in run(*query).splitlines()]
    expected = [
        (name, version) for state, name, version in said if state not in {"config-files", "not-installed"}
    ]
    assert sorted(names(debian.read_status("status", STATUS, tmp_path))) == sorted(expected)


def test_copyright_files_state_licences() -> None:
    text = b"""Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: x

Files: *
Copyright: a
License: GPL-2+ or Artistic

Files: debian/*
License: Expat
 text of it

License: GPL-2+
 On Debian systems ...
"""
    assert debian.read_copyright(text) == "(GPL-2+ or Artistic) and Expat"
    assert debian.read_copyright(b"This package is free.\nLicense: GPL\n") == ""
    assert debian.read_copyright(b"Format: x\n\nFiles: *\nLicense: a\x1b[2J\tb\xe2\x80\xae\n") == "a[2J b"
    long = b"".join(b"Files: %d\nLicense: %d%s\n\n" % (each, each, b"x" * 90) for each in range(200))
    assert debian.read_copyright(b"Format: x\n\n" + long) == ""


def test_apk(tmp_path: Path) -> None:
    musl, busybox = alpine.read_installed("installed", INSTALLED, tmp_path)
    assert (musl.name, musl.version, musl.architecture, musl.license, musl.source) == (
        "musl", "1.2.4-r2", "x86_64", "MIT", "musl 1.2.4-r2",
    )  # fmt: skip
    assert (busybox.name, busybox.license) == ("busybox-binsh", "GPL-2.0-only")


@pytest.fixture(scope="module")
def rpms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database of the real rpm with two packages."""
    top = tmp_path_factory.mktemp("rpm")
    (top / "tiny.spec").write_text(SPEC.format(long="word " * 3000))  # more than a page of any database
    run(need_program("rpmbuild", "rpm"), "-bb", "--quiet", "--define", f"_topdir {top}", top / "tiny.spec")
    database = ("rpm", "--root", top / "root", "--dbpath", "/db")
    run(*database, "--initdb")
    run(*database, "--nodeps", "--install", *sorted(top.rglob("*.rpm")))
    return top / "root/db"


def said_by_rpm(database: Path, *options: str) -> list[tuple[str, ...]]:
    form = r"%{NAME}\t%{VERSION}-%{RELEASE}\t%{ARCH}\t%{EPOCH}\t%{LICENSE}\n"
    done = subprocess.run(
        ["rpm", "--dbpath", database, *options, "-qa", "--qf", form],
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(tuple(line.split("\t")) for line in done.stdout.splitlines())


def read_by_us(packages: Iterator[Package]) -> list[tuple[str, ...]]:
    return sorted((each.name, each.version, each.architecture, each.epoch, each.license) for each in packages)


def test_rpm_says_the_same_of_its_database_in_sqlite(rpms: Path, tmp_path: Path) -> None:
    content = (rpms / "rpmdb.sqlite").read_bytes()
    assert read_by_us(rpm.read_sqlite("x", content, tmp_path)) == said_by_rpm(rpms) == TINY


def test_rpm_says_the_same_of_its_database_in_berkeley_db(tmp_path: Path) -> None:
    need_program("rpm")
    (tmp_path / "Packages").write_bytes(BERKELEY)
    said = said_by_rpm(tmp_path, "--define", "_db_backend bdb_ro")
    assert read_by_us(rpm.read_berkeley("x", BERKELEY, tmp_path)) == said == TINY


def headers(rpms: Path) -> list[bytes]:
    with closing(sqlite3.connect(rpms / "rpmdb.sqlite")) as database:
        return [blob for (blob,) in database.execute("SELECT blob FROM Packages")]


def ndb(blobs: list[bytes]) -> bytes:
    """Return a database as rpm's rpmpkg.c writes it: a page of slots, then headers in blocks of 16 bytes."""
    slots = struct.pack("<4sIIIIIII", b"RpmP", 0, 1, 1, len(blobs) + 1, 0, 0, 0)
    data = b""
    for number, blob in enumerate(blobs, 1):
        whole = struct.pack("<4sIII", b"BlbS", number, 1, len(blob)) + blob
        whole += bytes(-len(whole) % 16) + struct.pack("<III4s", 0, 0, len(blob), b"BlbE")
        slots += struct.pack("<4sIII", b"Slot", number, 256 + len(data) // 16, len(whole) // 16)
        data += whole
    while len(slots) < 4096:
        slots += struct.pack("<4sIII", b"Slot", 0, 0, 0)
    return slots + data


def test_ndb(rpms: Path, tmp_path: Path) -> None:
    content = ndb(headers(rpms))
    assert read_by_us(rpm.read_ndb("x", content, tmp_path)) == TINY
    with pytest.raises(UnreadableError, match="not where its slot says"):
        list(rpm.read_ndb("x", content[:-900], tmp_path))


def test_a_log_with_changes_is_a_gap(tmp_path: Path) -> None:
    assert list(rpm.read_log("x", b"", tmp_path)) == []
    with pytest.raises(UnreadableError, match="changes"):
        list(rpm.read_log("x", b"x", tmp_path))


def test_a_database_that_never_ends_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "db")) as database:
        database.execute(
            "CREATE VIEW Packages AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c)"
            " SELECT n AS hnum, x'00' AS blob FROM c"
        )
    with pytest.raises(UnreadableError, match="more than tables"):
        list(rpm.read_sqlite("x", (tmp_path / "db").read_bytes(), tmp_path))


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (
            (
                "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, n, blob GENERATED ALWAYS AS"
                " (CAST(instr(zeroblob(2 * n), CAST(zeroblob(n) || x'01' AS BLOB)) AS BLOB)))"
            ),
            "generated columns",
        ),
        ("CREATE VIRTUAL TABLE Packages USING fts5(hnum, blob)", "more than tables"),
        ("CREATE TABLE Packages (hnum, blob); CREATE VIEW x AS SELECT 1", "more than tables"),
        ("CREATE TABLE Other (hnum, blob)", "no table of packages"),
        ("CREATE TABLE Packages (hnum, blob); INSERT INTO Packages VALUES (1, 'x')", "not a header"),
    ],
    ids=["generated", "virtual", "view", "missing", "text"],
)
def test_a_database_that_computes_is_refused(statement: str, reason: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "db")) as database:
        database.executescript(statement)
        if reason == "generated columns":
            database.execute("INSERT INTO Packages (n) VALUES (60000)")  # the reader would take a second
            database.commit()
    with pytest.raises(UnreadableError, match=reason):
        list(rpm.read_sqlite("x", (tmp_path / "db").read_bytes(), tmp_path))


def header(size: int) -> bytes:
    """Return the header of a package with a text of some size."""
    texts = b"a\x001\x002\x00".ljust(size, b"x")
    tags = ((rpm.NAME, 0), (rpm.VERSION, 2), (rpm.RELEASE, 4))
    return struct.pack(">II", len(tags), size) + b"".join(
        struct.pack(">IIiI", tag, 6, at, 1) for tag, at in tags
    ) + texts  # fmt: skip


def test_headers_that_many_entries_share_are_not_read_for_ever(tmp_path: Path) -> None:
    content = ndb([header(2000)])
    shared = b"".join(
        content[at : at + 4] + struct.pack("<I", 1) + content[40:48] for at in range(32, 4096, 16)
    )
    assert names(rpm.read_ndb("x", content, tmp_path)) == [("a", "1-2")]
    with pytest.raises(UnreadableError, match="longer than the file"):
        list(rpm.read_ndb("x", content[:32] + shared + content[4096:], tmp_path))
    with closing(sqlite3.connect(tmp_path / "db")) as database:
        database.execute("PRAGMA page_size = 512")
        database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)")
        database.executemany("INSERT INTO Packages (blob) VALUES (?)", [(header(400),)] * 60)
        database.commit()
        (root,) = database.execute("SELECT rootpage FROM sqlite_schema").fetchone()
    raw = bytearray((tmp_path / "db").read_bytes())
    page = raw[(root - 1) * 512 : root * 512]
    assert page[0] == 5  # an inner page of a table
    cells = struct.unpack_from(f">{int.from_bytes(page[3:5])}H", page, 12)
    first = page[cells[0] : cells[0] + 4]
    assert len(names(rpm.read_sqlite("x", bytes(raw), tmp_path))) == 60
    leaf = bytearray(raw[(int.from_bytes(first) - 1) * 512 :][:512])
    # as many cells as a page can point to, all of them the same
    (cell,) = struct.unpack_from(">H", leaf, 8)
    count = (cell - 8) // 2
    leaf[3:5] = count.to_bytes(2)
    leaf[8 : 8 + 2 * count] = cell.to_bytes(2) * count
    at = (int.from_bytes(first) - 1) * 512
    raw[at : at + 512] = leaf
    for place in cells:
        raw[(root - 1) * 512 + place : (root - 1) * 512 + place + 4] = first
    with pytest.raises(UnreadableError, match="longer than the file"):
        list(rpm.read_sqlite("x", bytes(raw), tmp_path))


def test_an_empty_slot_at_the_end_of_a_database_is_refused(tmp_path: Path) -> None:
    content = ndb([header(20)])[:4096] + b"BlbS".ljust(16, b"\0")[:4]
    slot = struct.pack("<4sIII", b"Slot", 1, 256, 0)
    with pytest.raises(UnreadableError, match="not where its slot says"):
        list(rpm.read_ndb("x", content[:32] + slot + content[48:], tmp_path))


def test_pip_says_the_same_of_this_environment(tmp_path: Path) -> None:
    (place,) = {
        path.parent for path in map(Path, sys.path) if path.name == "site-packages" for path in [path / "x"]
    }
    said = json.loads(run(sys.executable, "-m", "pip", "list", "--path", place, "--format", "json"))
    found = [
        package
        for path in place.glob("*.dist-info/METADATA")
        for package in python.read_metadata(path.name, path.read_bytes(), tmp_path)
    ]
    assert sorted(names(iter(found))) == sorted((each["name"], each["version"]) for each in said)
    stated = {each.name: each.license for each in found}
    assert (stated["click"], stated["PyYAML"]) == ("BSD-3-Clause", "MIT")


def test_python_licences_come_from_names_and_not_from_texts(tmp_path: Path) -> None:
    head = b"Metadata-Version: 2.1\nName: a\nVersion: 1\n"
    text = b"License: Permission is hereby granted\n        to any person\n"
    classified = b"Classifier: License :: OSI Approved :: MIT License\nClassifier: License :: OSI Approved\n"
    (package,) = python.read_metadata("x", head + text + classified + b"\nLicense: body\n", tmp_path)
    assert package.license == "MIT License"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"name": "@types/node", "version": "1.0.0", "license": "MIT"}, ("@types/node", "1.0.0", "MIT")),
        (
            {"name": "a", "version": "1", "licenses": [{"type": "MIT"}, {"type": "ISC"}]},
            ("a", "1", "MIT or ISC"),
        ),
        ({"name": "a", "license": {"type": "BSD"}}, ("a", "", "BSD")),
    ],
)
def test_node(document: object, expected: tuple[str, ...], tmp_path: Path) -> None:
    (package,) = node.read_package("x", json.dumps(document).encode(), tmp_path)
    assert (package.full_name, package.version, package.license) == expected
    assert list(node.read_package("x", b'{"type": "module"}', tmp_path)) == []


def test_go_says_the_same_of_a_program(tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "rclone"
    said = run(program, "version", "--deps").splitlines()
    content = program.read_bytes()
    assert go.may_be_go(content[:4096])
    found = names(go.read_program("x", content, tmp_path))
    version = said[said.index("Go Version:") + 1].removeprefix("- go")
    first = said.index("Dependencies:") + 1
    dependencies = [line.removeprefix("- ").split()[:2] for line in said[first:] if line.startswith("- ")]
    assert found[0] == ("stdlib", version)
    assert found[1][0] == "github.com/rclone/rclone"
    assert sorted(found[2:]) == sorted((name, release) for name, release in dependencies)


@pytest.mark.parametrize("wide", [True, False])
def test_go_before_1_18(wide: bool, tmp_path: Path) -> None:
    modules = b"path\tmain\nmod\texample.com/app\t(devel)\t\ndep\tgolang.org/x/net\tv0.1.0\th1:x\n"
    modules += b"=>\texample.com/net\tv0.2.0\t\n"
    content = old_program(modules, wide=wide)
    assert go.may_be_go(content[:4096])
    assert names(go.read_program("x", content, tmp_path)) == [
        ("stdlib", "1.17.3"),
        ("example.com/app", ""),
        ("example.com/net", "v0.2.0"),
    ]
    with pytest.raises(UnreadableError, match="damaged"):
        list(go.read_program("x", content[:-40], tmp_path))


def test_other_programs_are_not_gos(tmp_path: Path) -> None:
    assert list(go.read_program("x", Path(sys.executable).resolve().read_bytes(), tmp_path)) == []
    assert not go.may_be_go(b"\x7fELF")
    assert not go.may_be_go(b"#!/bin/sh\n" * 10)


def jar(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


MAVEN = "META-INF/maven/com.google.guava/guava"
POM = {
    f"{MAVEN}/pom.properties": b"#c\nversion=31.1\ngroupId=com.google.guava\nartifactId=guava\n",
    f"{MAVEN}/pom.xml": b"<project><licenses><license><name>Apache License, Version 2.0</name></license>"
    b"</licenses><name>x</name></project>",
}
MANIFEST = (
    b"Manifest-Version: 1.0\r\nImplementation-Title: app\r\nImplementation-Version: 2.\r\n 5\r\n"
    b"\r\nName: x\r\nBundle-Version: 9\r\n"
)


def test_jars_inside_of_jars(tmp_path: Path) -> None:
    libraries = {"guava-31.1.jar": jar(POM), "b-1.jar": jar({})}
    inside = {f"BOOT-INF/lib/{name}": content for name, content in libraries.items()}
    content = jar({"META-INF/MANIFEST.MF": MANIFEST, **inside})
    found = list(java.Archives().read("opt/app.jar", content, tmp_path))
    assert sorted((each.purl, each.license, each.path) for each in found) == [
        ("pkg:generic/app@2.5", "", "opt/app.jar"),
        ("pkg:generic/b@1", "", "opt/app.jar!/BOOT-INF/lib/b-1.jar"),
        ("pkg:maven/com.google.guava/guava@31.1", "Apache License, Version 2.0",
         "opt/app.jar!/BOOT-INF/lib/guava-31.1.jar"),
    ]  # fmt: skip


def test_jars_too_deep_or_too_large_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = jar({})
    for _ in range(5):
        content = jar({"a.jar": content})
    with pytest.raises(UnreadableError, match="too deep"):
        list(java.Archives().read("x.jar", content, tmp_path))
    bomb = jar({"META-INF/MANIFEST.MF": bytes(5 << 20)})
    with pytest.raises(UnreadableError, match="too large"):
        list(java.Archives().read("x.jar", bomb, tmp_path))
    monkeypatch.setattr(java, "BUDGET", 1 << 20)
    archives, large = java.Archives(), jar({"a.jar": bytes(600_000) + jar({})})
    assert len(list(archives.read("x.jar", large, tmp_path))) == 2
    with pytest.raises(UnreadableError, match="the archives of its layer have more than 1 MiB"):
        list(archives.read("x.jar", large, tmp_path))
    assert names(archives.read("b-1.jar", jar({}), tmp_path)) == [("b", "1")]


def test_releases() -> None:
    assert release.read_release(b'NAME="Debian"\nID=debian\nVERSION_ID="12"\n') == "debian\t12"
    assert release.read_release(b'ID="openEuler"\r\nVERSION_ID="22.03"\r\n') == "openeuler\t22.03"
    assert release.read_release(b"NAME=x\n") == ""
    assert release.read_release(b"ID=" + b"x" * 9000) == ""


Read = Callable[[str, bytes, Path], Iterator[Package]]


@pytest.mark.parametrize(
    ("read", "content", "reason"),
    [
        (debian.read_status, b"\0\0", "not text"),
        (debian.read_status, b"Package: a\nStatus: install ok installed\n", "no version"),
        (debian.read_status, b"Version: 1\n", "no package name"),
        (debian.read_status, b"nonsense\n", "not a field"),
        (debian.read_status, b"Package: a\nStatus: install ok whatever\nVersion: 1\n", "no valid state"),
        (alpine.read_installed, b"P:a\n", "no name or no version"),
        (alpine.read_installed, b"nonsense\n", "not a field"),
        (python.read_metadata, b"Name: a\n", "no name or no version"),
        (node.read_package, b"{", "not JSON"),
        (node.read_package, b"[]", "not a JSON object"),
        (node.read_package, b'{"name": 7}', "not a text"),
        (rpm.read_sqlite, b"SQLite format 3\0" + bytes(400), "SQLite"),
        (rpm.read_sqlite, b"x" * 9000, "SQLite"),
        (rpm.read_ndb, b"RpmP" + bytes(5000), "head is damaged"),
        (rpm.read_ndb, b"x" * 5000, "not a database of rpm"),
        (rpm.read_berkeley, b"x" * 5000, "not a hash"),
        (rpm.read_berkeley, BERKELEY[:4096], "truncated"),
        (rpm.read_berkeley, BERKELEY[:12288] + bytes(len(BERKELEY) - 12288), "chain"),
        (java.Archives().read, b"PK\x05\x06", "not an archive"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(read: Read, content: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=reason):
        list(read("x", content, tmp_path))
