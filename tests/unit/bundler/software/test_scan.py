"""Layers are read once as a stream, and the uppermost one that has a file decides."""

from __future__ import annotations

import io
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bundler.layer.unpacking import HashedTar
from bundler.software import scan as scanning
from bundler.software.layer import Found, LayerSoftware, mark
from bundler.software.package import Package
from bundler.software.readers import java
from bundler.software.scan import Reader, scan
from bundler.software.view import SHOWN, overlay
from tests.support.go_programs import ELF

STATUS = "Package: {name}\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n\n"
COPYRIGHT = (
    "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: {}\n"
)
PYTHON = "Metadata-Version: 2.1\nName: a\nVersion: 1\n"
PLACE = "usr/lib/python3/dist-packages/a-1.dist-info"


def tar(*members: tuple[str, str | bytes | None] | tuple[str, str, bytes]) -> bytes:
    """Return a layer: path and content (None for a folder), or path, target and type of a link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content, *kind in members:
            info = tarfile.TarInfo(path)
            if kind:
                info.type, info.linkname = kind[0], str(content)
                archive.addfile(info)
            elif content is None:
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
            else:
                data = content.encode() if isinstance(content, str) else content
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def look(raw: bytes, folder: Path, *, step: int = 1 << 20) -> LayerSoftware:
    found = scan(HashedTar(raw[at : at + step] for at in range(0, len(raw), step)), folder)
    kept = LayerSoftware.from_bytes(found.to_bytes())
    assert kept == found
    return found


def purls(*layers: bytes, folder: Path) -> list[str]:
    return [each.purl for each in overlay([look(raw, folder) for raw in layers]).packages]


def gaps(*layers: bytes, folder: Path) -> tuple[str, ...]:
    return overlay([look(raw, folder) for raw in layers]).gaps


BASE = tar(
    ("./etc/os-release", "ID=debian\nVERSION_ID=12\n"),
    ("./var/lib/dpkg/status", STATUS.format(name="libc6")),
    (f"{PLACE}/METADATA", PYTHON),
)
LIBC, OWN = "pkg:deb/debian/libc6@1?arch=amd64&distro=debian-12", "pkg:pypi/a@1"


@pytest.mark.parametrize(
    ("upper", "left"),
    [
        (tar(), [LIBC, OWN]),
        (tar(("var/lib/dpkg/status", STATUS.format(name="bash"))), [LIBC.replace("libc6", "bash"), OWN]),
        (tar((f"{PLACE}/.wh.METADATA", "")), [LIBC]),
        (tar(("usr/lib/python3/.wh.dist-packages", "")), [LIBC]),
        (tar(("usr/lib/python3/.wh..wh..opq", "")), [LIBC]),
        (tar((".wh..wh..opq", "")), []),
        (tar(("usr/lib/python3", "x")), [LIBC]),
        (tar(("usr/lib/python3", "../x", tarfile.SYMTYPE)), [LIBC]),
        (tar((f"{PLACE}/METADATA", None)), [LIBC]),
        (tar(("usr/lib/python3", None), (f"{PLACE}/RECORD", "x")), [LIBC, OWN]),
        (tar(("./etc/.wh.os-release", "")), ["pkg:deb/libc6@1?arch=amd64", OWN]),
    ],
    ids=[
        *("nothing", "replaced", "whiteout", "whiteout-above", "opaque", "opaque-root", "file-above"),
        *("link-above", "folder-there", "folder-above", "release-gone"),
    ],
)  # fmt: skip
def test_upper_layers_decide(upper: bytes, left: list[str], tmp_path: Path) -> None:
    assert purls(BASE, upper, folder=tmp_path) == left


def test_long_paths_take_no_memory_when_layers_are_laid_over_each_other() -> None:
    names = [f"p{number}" for number in range(20)]
    deep = {f"{name}/{'a/' * 2000}x": Found("node", (Package.of("npm", name, "1", name),)) for name in names}
    layers = [LayerSoftware(deep), LayerSoftware(marks=mark(b"n", "p7/a/a") + mark(b"o", "p8/a"))]
    tracemalloc.start()
    found = overlay([*layers, LayerSoftware({}, mark(b"n", "x"))])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sorted(each.name for each in found.packages) == sorted(set(names) - {"p7", "p8"})
    assert peak < 1 << 20


def test_a_whiteout_hides_nothing_of_its_own_layer(tmp_path: Path) -> None:
    layer = tar((f"{PLACE}/METADATA", PYTHON), (f"{PLACE}/.wh.METADATA", ""), ("usr/.wh..wh..opq", ""))
    assert purls(layer, folder=tmp_path) == [OWN]


def test_copyright_files_may_be_in_another_layer_and_behind_links(tmp_path: Path) -> None:
    below = tar(
        ("usr/share/doc/gcc-12-base/copyright", COPYRIGHT.format("GPL-3+")),
        ("usr/share/doc/libgcc-s1", "gcc-12-base", tarfile.SYMTYPE),
        ("usr/share/doc/loop", "loop", tarfile.SYMTYPE),
    )
    above = tar(
        ("var/lib/dpkg/status", "".join(STATUS.format(name=name) for name in ("libgcc-s1", "loop", "x")))
    )
    found = overlay([look(below, tmp_path), look(above, tmp_path)])
    assert [(each.name, each.license) for each in found.packages] == [
        ("libgcc-s1", "GPL-3+"),
        ("loop", ""),
        ("x", ""),
    ]


def test_hard_links_say_the_same_and_links_to_unread_files_are_gaps(tmp_path: Path) -> None:
    layer = tar(
        (f"{PLACE}/METADATA", PYTHON),
        ("opt/b.dist-info/METADATA", f"./{PLACE}/METADATA", tarfile.LNKTYPE),
        ("opt/c.dist-info/METADATA", "elsewhere", tarfile.LNKTYPE),
        ("opt/d.dist-info/METADATA", "../../elsewhere", tarfile.SYMTYPE),
        ("opt/e.dist-info/METADATA", f"/{PLACE}/METADATA", tarfile.SYMTYPE),
        ("var/lib/dpkg/status", "x", tarfile.FIFOTYPE),
    )
    found = overlay([look(layer, tmp_path)])
    assert [each.path for each in found.packages] == ["opt/b.dist-info/METADATA", f"{PLACE}/METADATA"]
    assert found.gaps == (
        "opt/c.dist-info/METADATA: it is a hard link to a file that was not read",
        "opt/d.dist-info/METADATA: it is a link to ../../elsewhere, which was not read",
        "var/lib/dpkg/status: it is not a regular file",
    )


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("var/lib/dpkg", "../../opt/dpkg"),
        ("var/lib/dpkg/status.d", "/opt/status.d"),
        ("var/lib/dpkg", "/opt/a.egg-info"),
        ("var/lib/dpkg/status", f"/{PLACE}/METADATA"),
        ("var", "/data"),
        ("usr", "opt"),
        ("lib", "opt/lib"),
        ("lib/apk/db", "/opt/db"),
        ("usr/lib/sysimage/rpm", "../../../opt/rpm"),
        ("var/lib/rpm", "../../usr/lib/rpm"),
    ],
)
def test_links_that_lead_databases_elsewhere_are_gaps(path: str, target: str, tmp_path: Path) -> None:
    layer = tar(
        ("opt/dpkg/status", STATUS.format(name="a")),
        ("opt/a.egg-info/PKG-INFO", PYTHON),
        (f"{PLACE}/METADATA", PYTHON),
        (path, target, tarfile.SYMTYPE),
    )
    gap = f"{path}: it is a link to {target}, which was not read"
    assert gaps(layer, folder=tmp_path) == (gap,)
    assert gaps(layer, tar((path, None)), folder=tmp_path) == ()
    folder, _, name = path.rpartition("/")
    assert gaps(layer, tar((f"{folder}/.wh.{name}", "")), folder=tmp_path) == ()


def test_a_hard_link_in_the_place_of_a_folder_is_a_gap(tmp_path: Path) -> None:
    layer = tar(("opt/l", "dpkg", tarfile.SYMTYPE), ("var/lib/dpkg", "opt/l", tarfile.LNKTYPE))
    assert gaps(layer, folder=tmp_path) == ("var/lib/dpkg: it is a hard link to a file that was not read",)


def test_links_of_usual_images_are_no_gaps(tmp_path: Path) -> None:
    merged = [(name, f"usr/{name}") for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32")]
    links = [
        *merged,
        ("var/run", "/run"),
        ("var/lock", "/run/lock"),
        ("usr/sbin", "bin"),
        ("usr/lib64", "lib"),
        ("var/mail", "spool/mail"),
        ("var/lib/rpm", "../../usr/lib/sysimage/rpm"),
        ("usr/share/rpm", "../lib/sysimage/rpm"),
        ("etc/os-release", "../usr/lib/os-release"),
        ("etc/alternatives", "/opt/alternatives"),
    ]
    layer = tar(
        *((path, target, tarfile.SYMTYPE) for path, target in links),
        ("usr/lib/os-release", "ID=x\n"),
        ("usr/lib/apk/db/installed", "P:musl\nV:1\n\n"),
    )
    assert gaps(layer, folder=tmp_path) == ()
    assert purls(layer, folder=tmp_path) == ["pkg:apk/x/musl@1?distro=x"]
    absolute = tar(
        ("lib", "/usr/lib", tarfile.SYMTYPE), ("var/lib/rpm", "/usr/lib/sysimage/rpm", tarfile.SYMTYPE)
    )
    assert gaps(absolute, folder=tmp_path) == ()


def test_programs_whose_head_does_not_tell_are_read_as_a_whole(tmp_path: Path) -> None:
    far = bytearray(ELF) + ELF[64:120]
    far[32:40] = len(ELF).to_bytes(8, "little")
    lost = bytearray(ELF)
    lost[32:40] = (1 << 40).to_bytes(8, "little")
    layer = tar(("bin/a", bytes(far)), ("bin/lost", bytes(lost)))
    assert purls(layer, folder=tmp_path) == ["pkg:golang/stdlib@1.22.1", "pkg:golang/example.com/app"]
    assert gaps(layer, folder=tmp_path) == ()
    many = bytearray(ELF[:64] + bytes(56) * 64 + ELF[64:120]).ljust(1 << 16, b"\0")
    many[16:18], many[56:58] = b"\x03\0", b"\x41\0"
    assert gaps(tar(("bin/a", bytes(many))), folder=tmp_path) == (
        "bin/a: it is a program with more than 64 segments",
    )
    segment = struct.pack("<IIQQQQQQ", 1, 6, 0, 0, 0, 1 << 16, 1 << 16, 4096)
    same = bytearray(ELF[:64] + segment * 64).ljust(1 << 16, b"\0")
    same[56:58] = b"\x40\0"
    assert gaps(tar(("bin/a", bytes(same))), folder=tmp_path) == ("bin/a: its segments overlap",)


def test_node_packages_are_found_in_any_folder(tmp_path: Path) -> None:
    layer = tar(("opt/a\nb/node_modules/c/package.json", '{"name": "c", "version": "1"}'))
    assert purls(layer, folder=tmp_path) == ["pkg:npm/c@1"]


def test_programs_are_found_anywhere_and_replaced(tmp_path: Path) -> None:
    base = tar(("usr/local/bin/tool", ELF), ("usr/bin/alias", "usr/local/bin/tool", tarfile.LNKTYPE))
    found = overlay([look(base, tmp_path, step=1000)])
    assert {(each.purl, each.path) for each in found.packages} == {
        (purl, path)
        for purl in ("pkg:golang/example.com/app", "pkg:golang/stdlib@1.22.1")
        for path in ("usr/bin/alias", "usr/local/bin/tool")
    }
    upper = tar(("usr/local/bin/tool", b"#!/bin/sh\n" * 10_000), ("usr/bin/.wh.alias", ""))
    assert purls(base, upper, folder=tmp_path) == []


def test_what_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    broken = tar(("var/lib/dpkg/status", "nonsense\n"), (f"{PLACE}/METADATA", PYTHON))
    assert gaps(broken, folder=tmp_path) == ("var/lib/dpkg/status: a line is not a field",)
    assert purls(broken, folder=tmp_path) == [OWN]
    assert gaps(BASE, BASE[:2000], folder=tmp_path) == ("layer 2 of 2: it cannot be read to its end",)
    assert gaps(b"x" * 4096, folder=tmp_path) == ("layer 1 of 1: it cannot be read to its end",)
    many = tar(*((f"n/{number}/node_modules/a/package.json", "{") for number in range(30)))
    found = gaps(many, folder=tmp_path)
    assert len(found) == SHOWN + 1
    assert found[-1] == "and 10 more"


def test_the_whole_layer_is_hashed_whatever_was_read(tmp_path: Path) -> None:
    hashed = HashedTar(iter([BASE, b"x"]))
    scan(hashed, tmp_path)
    assert hashed.end() == HashedTar(iter([BASE + b"x"])).end()
    assert hashed.size == len(BASE) + 1


def test_nothing_of_a_file_that_is_too_large_is_read(tmp_path: Path) -> None:
    def layer() -> Iterator[bytes]:
        info = tarfile.TarInfo("var/lib/dpkg/status")
        info.size = 1 << 30
        yield info.tobuf(tarfile.PAX_FORMAT)
        for _ in range(1 << 10):
            yield bytes(1 << 20)
        yield bytes(1024)

    tracemalloc.start()
    found = overlay([scan(HashedTar(layer()), tmp_path)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.gaps == ("var/lib/dpkg/status: it is larger than 16 MiB",)
    assert peak < 8 << 20


def test_more_than_is_kept_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "MOST_KEPT", 1000)
    monkeypatch.setattr(scanning, "MOST_FILES", 5)
    many = "".join(STATUS.format(name=f"p{number}") for number in range(10))
    assert gaps(tar(("var/lib/dpkg/status", many)), folder=tmp_path) == (
        "layer 1 of 1: it lists more packages than an image has",
    )
    links = ((f"l{number}", "tool", tarfile.LNKTYPE) for number in range(9))
    assert gaps(tar(("tool", ELF), *links), folder=tmp_path) == (
        "layer 1 of 1: it lists more packages than an image has",
    )
    files = tar(*((f"f{number}", "") for number in range(9)))
    assert gaps(files, folder=tmp_path) == ("layer 1 of 1: it has more than 5 files",)


@pytest.mark.parametrize("error", [struct.error, IndexError, KeyError, OverflowError, RecursionError])
def test_what_a_reader_did_not_expect_is_a_gap(
    error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Iterator[Package]:
        raise error

    monkeypatch.setattr(
        "bundler.software.scan._EXACT", {"var/lib/dpkg/status": Reader("dpkg", fail, 1 << 20)}
    )
    assert gaps(BASE, folder=tmp_path) == ("var/lib/dpkg/status: it is damaged",)
    assert purls(BASE, folder=tmp_path) == [OWN]


def test_jars_of_a_layer_have_one_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "BUDGET", 1000)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "x" * 600)
    assert gaps(tar(("a-1.jar", out.getvalue()), ("b-1.jar", out.getvalue())), folder=tmp_path) == (
        "b-1.jar: the archives of its layer have more than 0 MiB when they are unpacked",
    )


def test_what_was_kept_and_damaged_is_not_believed(tmp_path: Path) -> None:
    raw = look(BASE, tmp_path).to_bytes()
    assert LayerSoftware.from_bytes(raw[:-9]) is None
    assert LayerSoftware.from_bytes(b"") is None
