"""Layers with databases of packages: damaged ones become gaps, and what is listed can be written."""

from __future__ import annotations

import gzip
import io
import sqlite3
import tarfile
import tempfile
import zipfile
from contextlib import closing
from functools import cache
from pathlib import Path

from bundler.bundle.cyclonedx import _package as in_cyclonedx
from bundler.bundle.spdx import _package as in_spdx
from bundler.layer.unpacking import HashedTar
from bundler.software.layer import LayerSoftware
from bundler.software.scan import scan
from bundler.software.view import overlay
from tests.fuzz.mutations import Random, damage
from tests.support.go_programs import MODULES, new_program, old_program

BERKELEY = Path(__file__).parents[2] / "support/packages/Packages.berkeley.gz"
TOKENS = (
    *(
        b"\n",
        b"\n\n",
        b": ",
        b"\0",
        b"\xff",
        b" and ",
        b" or ",
        b"(",
        b")",
        b"GPL-2+",
        b"\t",
        b"go1",
        b"=>\t",
    ),
    *(
        b"PK\x05\x06",
        b"PK\x01\x02",
        b"\x7fELF",
        b"RpmP",
        b"Slot",
        b"BlbS",
        b"{",
        b"[",
        b"\xff\xff\xff\xff",
        b"A" * 5000,
    ),
)


@cache
def _headers() -> bytes:
    return gzip.decompress(BERKELEY.read_bytes())


@cache
def _sqlite() -> bytes:
    with tempfile.NamedTemporaryFile() as file:
        with closing(sqlite3.connect(file.name)) as database:
            database.execute("PRAGMA page_size = 512")
            database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)")
            database.execute("INSERT INTO Packages (blob) VALUES (?)", (_headers()[4000:9000],))
            database.commit()
        return Path(file.name).read_bytes()


@cache
def _jar() -> bytes:
    content = b""
    for name in ("lib-1.jar", "app.jar"):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("META-INF/MANIFEST.MF", b"Implementation-Version: 1\n Bundle-License: MIT\n")
            archive.writestr("META-INF/maven/g/a/pom.properties", b"groupId=g\nartifactId=a\nversion=1\n")
            archive.writestr(
                "META-INF/maven/g/a/pom.xml", b"<licenses><license><name>MIT</name></license></licenses>"
            )
            archive.writestr(f"lib/{name}", content)
        content = out.getvalue()
    return content


@cache
def _files() -> dict[str, bytes]:
    return {
        "etc/os-release": b"ID=debian\nVERSION_ID=12\n",
        "var/lib/dpkg/status": b"Package: a\nStatus: install ok installed\nVersion: 1\nSource: b (2)\n\n" * 3,
        "usr/share/doc/a/copyright": b"Format: https://x\n\nFiles: *\nLicense: GPL-2+ or X, and Expat\n",
        "lib/apk/db/installed": b"P:a\nV:1\nL:MIT\n\n" * 3,
        "var/lib/rpm/Packages": _headers(),
        "var/lib/rpm/rpmdb.sqlite": _sqlite(),
        "var/lib/rpm/Packages.db": b"RpmP".ljust(4096, b"\1") + b"BlbS" * 100,
        "opt/a-1.dist-info/METADATA": b"Name: a\nVersion: 1\nClassifier: License :: OSI Approved :: X\n",
        "opt/node_modules/a/package.json": b'{"name": "@a/b", "version": "1", "author": {"name": "x"}}',
        "opt/new": new_program(MODULES),
        "opt/old": old_program(MODULES).ljust(70_000, b"\0"),
        "opt/app.jar": _jar(),
    }


def make(random: Random) -> bytes:
    """Damage some of the files, then sometimes the tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, content in random.sample(sorted(_files().items()), 4):
            data = damage(random, content, TOKENS) if random.randrange(4) else content
            info = tarfile.TarInfo(path)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return damage(random, out.getvalue(), TOKENS) if random.randrange(4) == 0 else out.getvalue()


def check(data: bytes, folder: Path) -> bool:
    """Read the layer, keep what was found, and write it as both formats do."""
    found = scan(HashedTar(iter([data])), folder)
    assert LayerSoftware.from_bytes(found.to_bytes()) == found
    image = overlay([found, found])
    for package in image.packages:
        in_spdx("SPDXRef-x", package)
        in_cyclonedx("x", package)
    "\n".join(image.gaps).encode()
    return not image.gaps
