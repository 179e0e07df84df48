"""Stand-ins for Docker's static archive and the packages of a distribution."""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import shutil
import struct
import tarfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import zstandard

from bundler_installer.engine import MACHINES, NEEDED
from tests.support.programs import need_program, run


def program(architecture: str = "amd64", content: bytes = b"") -> bytes:
    """Return a file with the ELF header of a program for `architecture`; it cannot run."""
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 2, MACHINES[architecture]) + content


def static_archive(programs: Mapping[str, bytes]) -> bytes:
    """Return an archive like Docker's: one folder `docker`, with files owned by the builder's user."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        folder = tarfile.TarInfo("docker/")
        folder.type, folder.mode, folder.uid = tarfile.DIRTYPE, 0o755, 1000
        archive.addfile(folder)
        for name, content in programs.items():
            entry = tarfile.TarInfo(f"docker/{name}")
            entry.size, entry.mode, entry.uid, entry.gid = len(content), 0o755, 1000, 1000
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), 1, mtime=0)


def whole_archive(architecture: str = "amd64") -> bytes:
    """Return an archive with every required program."""
    return static_archive({name: program(architecture, name.encode()) for name in NEEDED})


def deb(name: str, architecture: str, kind: str = "gz") -> bytes:
    """Return a deb(5) package with only a control file, compressed as `gz`, `xz` or `zst`."""
    control = io.BytesIO()
    with tarfile.open(fileobj=control, mode="w") as archive:
        text = f"Package: {name}\nVersion: 1\nArchitecture: {architecture}\nDescription: a\n b: c\n".encode()
        entry = tarfile.TarInfo("./control")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    packers: dict[str, Callable[[bytes], bytes]] = {
        "gz": partial(gzip.compress, mtime=0),
        "xz": lzma.compress,
        "zst": zstandard.ZstdCompressor().compress,
    }
    packed = packers[kind](control.getvalue())
    members = (("debian-binary", b"2.0\n"), (f"control.tar.{kind}", packed), ("data.tar", b""))
    return b"!<arch>\n" + b"".join(
        f"{member:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
        + content
        + b"\n" * (len(content) % 2)
        for member, content in members
    )


def rpm(name: str, architecture: str) -> bytes:
    """Return an RPM package with only a name and an architecture."""
    signatures = _rpm_header({1000: "abc"})
    return (
        b"\xed\xab\xee\xdb"
        + bytes(92)
        + signatures
        + bytes(-len(signatures) % 8)
        + _rpm_header({1000: name, 1022: architecture})
    )


def _rpm_header(strings: Mapping[int, str]) -> bytes:
    index = data = b""
    for tag, text in strings.items():
        index += struct.pack(">IIII", tag, 6, len(data), 1)
        data += text.encode() + b"\0"
    return struct.pack(">4s4sII", b"\x8e\xad\xe8\x01", b"", len(strings), len(data)) + index + data


def put(path: Path, content: bytes) -> str:
    """Write a file and return its sha256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def real_package(kind: str, folder: Path, name: str, program: Path, depends: str = "") -> bytes:
    """Build a package with the distribution's own program; it installs `program` in /bin.

    Args:
        kind: `deb` or `rpm`.
        folder: to build in.
        name: of the package.
        program: installed under its own name.
        depends: the dependencies, in the format's syntax.
    """
    top = folder / f"{name}.{kind}.d"
    if kind == "deb":
        (top / "DEBIAN").mkdir(parents=True)
        (top / "bin").mkdir()
        shutil.copy(program, top / "bin")
        control = f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: {name}\n"
        control += f"Depends: {depends}\n" if depends else ""
        (top / "DEBIAN/control").write_text(control)
        built = folder / f"{name}.deb"
        run(need_program("dpkg-deb", "dpkg"), "--root-owner-group", "--build", top, built)
        return built.read_bytes()
    top.mkdir()
    spec = top / "package.spec"
    spec.write_text(
        f"Name: {name}\nVersion: 1\nRelease: 1\nSummary: {name}\nLicense: none\nBuildArch: noarch\n"
        f"AutoReqProv: no\n{f'Requires: {depends}' if depends else ''}\n%description\n{name}\n"
        f"%install\nmkdir -p %{{buildroot}}/bin\ncp {program} %{{buildroot}}/bin/\n"
        f"%files\n/bin/{program.name}\n"
    )
    run(need_program("rpmbuild", "rpm"), "-bb", "--quiet", "--define", f"_topdir {top}", spec)
    (built,) = top.rglob("*.rpm")
    return built.read_bytes()
