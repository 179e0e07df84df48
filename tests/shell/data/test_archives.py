"""Backups as one tar file: only a backup's own files are extracted, and only into its folder."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.support.backups import NAMED, make_backup, seal
from tests.support.installer import call, shells
from tests.support.programs import need_program, run

shell = pytest.mark.parametrize("shell", shells())


def pack(backup: Path, archive: Path, *options: str, program: tuple[str, ...] = ("tar",)) -> Path:
    run(*program, *options, "-cf", archive, "-C", backup.parent, backup.name)
    return archive


def restore(shell: str, folder: Path, archive: Path) -> subprocess.CompletedProcess[str]:
    """Find the backup in the archive and verify it."""
    script = (
        NAMED + f'find_backup {archive}; verify_backup "$SOURCE" && (cd $SOURCE && find . -type f | sort)'
    )
    return call(shell, script, folder)


GOOD = ["./SHA256SUMS", "./SHA256SUMS.hmac", "./backup.env", "./data.tar", "./dumps/shop"]


@shell
@pytest.mark.parametrize(
    ("program", "options"),
    [
        (("tar",), ()), (("tar",), ("--format=posix",)), (("tar",), ("--format=ustar",)),
        (("tar",), ("--format=v7",)),        (("tar",), ("-b", "1")), (("busybox", "tar"), ()),
    ],
)  # fmt: skip
def test_what_tar_programs_make_is_read(
    shell: str, tmp_path: Path, program: tuple[str, ...], options: tuple[str, ...]
) -> None:
    need_program(program[0], "busybox-static")
    backup = make_backup(tmp_path)
    (backup / "data.tar").write_bytes(bytes(range(256)) * 8192 + b"1234567")  # over two pieces of 1 MiB
    (backup / "dumps/block").write_bytes(b"x" * 512)
    (backup / "dumps/empty").write_bytes(b"")
    seal(backup)
    done = restore(shell, tmp_path, pack(backup, tmp_path / "b.tar", *options, program=program))
    assert done.stdout.split() == sorted([*GOOD, "./dumps/block", "./dumps/empty"]), done.stderr


@shell
def test_a_long_name_of_its_folder_and_one_in_chinese_are_read(shell: str, tmp_path: Path) -> None:
    backup = make_backup(tmp_path)
    for name in ("a" * 90, "备份 一"):
        backup = backup.rename(backup.with_name(name))
        for options in ((), ("--format=posix",), ("--format=ustar",)):
            done = restore(shell, tmp_path, pack(backup, tmp_path / "b.tar", *options))
            assert done.stdout.split() == GOOD, (name[:5], options, done.stderr)
    subprocess.run(["tar", "-cf", tmp_path / "b.tar", "-C", backup, "."], check=True)
    done = restore(shell, tmp_path, tmp_path / "b.tar")
    assert done.stdout.split() == GOOD, done.stderr


Member = tuple[str, bytes, str, bytes]
"""Name, type, link target, content."""
FILE, HARD, LINK, DEVICE, PIPE, SPARSE = b"0", b"1", b"2", b"3", b"6", b"S"
HOSTILE: dict[str, list[Member]] = {
    "a path that leads outside": [("../../../../../../..{victim}/new", FILE, "", b"x")],
    "a path that leads outside within": [("b/../../new", FILE, "", b"x")],
    "an absolute path": [("{victim}/new", FILE, "", b"x")],
    "a link to a folder and a file in it": [("b", LINK, "{victim}", b""), ("b/new", FILE, "", b"x")],
    "links over links": [
        ("x", LINK, "/", b""), ("y", LINK, "x/../{victim}", b""), ("y/new", FILE, "", b"x"),
    ],
    "a hard link that is written to": [
        ("b/data.tar", HARD, "{victim}/kept", b""), ("b/data.tar", FILE, "", b"x"),
    ],
    "a link": [("b/data.tar", LINK, "{victim}/kept", b"")],
    "a line break in a name": [("b\nc/data.tar", FILE, "", b"x")],
    "a leading dash": [("-rf/data.tar", FILE, "", b"x")],
    "a leading dash within": [("b/-rf", FILE, "", b"x")],
    "a device": [("b/data.tar", DEVICE, "", b"")],
    "a pipe": [("b/data.tar", PIPE, "", b"")],
    "the same name twice": [("b/data.tar", FILE, "", b"x"), ("b/data.tar", FILE, "", b"y")],
    "two backups": [("b/data.tar", FILE, "", b"x"), ("c/secrets.env", FILE, "", b"y")],
    "a folder of another name": [("b/more/data.tar", FILE, "", b"x"), ("b/site.env", FILE, "", b"y")],
    "a hidden file": [("b/.profile", FILE, "", b"x")],
    "a name with an escape sequence": [("b/\x1b[2J", FILE, "", b"x")],
    "no backup": [("b/data.tar", FILE, "", b"x")],
    "a sparse file": [("b/data.tar", SPARSE, "", b"x")],
}  # fmt: skip


def write_tar(path: Path, members: list[Member], victim: Path, tar_format: int) -> None:
    with tarfile.open(path, "w", format=tar_format) as tar:
        for name, kind, target, content in members:
            entry = tarfile.TarInfo(name.format(victim=victim))
            entry.type, entry.linkname, entry.size = kind, target.format(victim=victim), len(content)
            entry.mode = 0o4755
            tar.addfile(entry, io.BytesIO(content))


@shell
@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_members_are_refused_and_nothing_is_written_outside(
    shell: str, tmp_path: Path, case: str
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "kept").write_text("kept")
    members = HOSTILE[case]
    if case != "no backup":
        folder = members[-1][0].partition("/")[0]
        members = [*members, (f"{folder}/backup.env", FILE, "", b"format=1\n")]
    for tar_format in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        write_tar(tmp_path / "b.tar", members, victim, tar_format)
        done = restore(shell, tmp_path, tmp_path / "b.tar")
        assert (done.returncode, done.stdout) == (4, ""), done.stderr
        assert "not an archive" in done.stderr
        assert "\x1b" not in done.stderr
        assert [path.name for path in victim.iterdir()] == ["kept"]
        assert (victim / "kept").read_text() == "kept"
        assert {path.name for path in tmp_path.iterdir()} <= {"victim", "b.tar", "root", "program"}
        assert not list((tmp_path / "root").rglob("unpacked*"))


@shell
@pytest.mark.parametrize(
    "keywords",
    [
        {"GNU.sparse.major": "1", "GNU.sparse.realsize": "99999999999"}, {"linkpath": "/etc/passwd"},
        {"size": "99999999999"}, {"path": "../../evil"}, {"path": "/etc/evil"}, {"comment": "x"},
    ],
    ids=str,
)  # fmt: skip
def test_extended_headers_say_nothing_else(shell: str, tmp_path: Path, keywords: dict[str, str]) -> None:
    with tarfile.open(tmp_path / "b.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        entry = tarfile.TarInfo("b/backup.env")
        entry.size, entry.pax_headers = 3, keywords
        tar.addfile(entry, io.BytesIO(b"abc"))
    done = restore(shell, tmp_path, tmp_path / "b.tar")
    assert (done.returncode, done.stdout) == (4, ""), done.stderr


@shell
def test_a_huge_size_is_refused_without_writing_it(shell: str, tmp_path: Path) -> None:
    head = tarfile.TarInfo("b/backup.env")
    for size in (1 << 40, 1 << 62, 8**11 - 1):
        head.size = size
        (tmp_path / "b.tar").write_bytes(head.tobuf(tarfile.GNU_FORMAT) + b"x" * 512 + bytes(1024))
        done = restore(shell, tmp_path, tmp_path / "b.tar")
        assert (done.returncode, done.stdout) == (4, ""), done.stderr


@shell
def test_an_archive_that_is_cut_off_or_changed_is_refused(shell: str, tmp_path: Path) -> None:
    whole = pack(make_backup(tmp_path), tmp_path / "whole.tar", "-b", "1").read_bytes()
    copy = tmp_path / "b.tar"
    for length in (0, 1, 511, 512, 1000, 1536, len(whole) - 1500, len(whole) - 1024):
        copy.write_bytes(whole[:length])
        done = restore(shell, tmp_path, copy)
        assert (done.returncode, done.stdout) == (4, ""), (length, done.stderr)
    for place in (0, 100, 124, 148, 156, 257):
        copy.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        done = restore(shell, tmp_path, copy)
        assert (done.returncode, done.stdout) == (4, ""), (place, done.stderr)
    copy.write_bytes(whole)
    assert restore(shell, tmp_path, copy).returncode == 0


@shell
def test_a_full_disk_is_reported_as_such(shell: str, tmp_path: Path) -> None:
    backup = make_backup(tmp_path)
    (backup / "data.tar").write_bytes(b"x" * 100000)
    seal(backup)
    archive = pack(backup, tmp_path / "b.tar")
    script = NAMED + f"trap '' 25; ulimit -f 64; find_backup {archive}; echo found"
    done = call(shell, script, tmp_path)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "damaged" not in done.stderr


OUTSIDE = [case for case in HOSTILE if "link" in case or "path" in case]


@shell
@pytest.mark.parametrize("case", OUTSIDE)
def test_data_with_links_are_unpacked_below_their_folder_only(shell: str, tmp_path: Path, case: str) -> None:
    """Uses GNU tar and, in the busybox shell, busybox tar."""
    victim, data = tmp_path / "victim", tmp_path / "root/data"
    victim.mkdir()
    (victim / "kept").write_text("kept")
    write_tar(tmp_path / "data.tar", HOSTILE[case], victim, tarfile.GNU_FORMAT)
    call(shell, f"choose_tar; unpack_folder {data} <{tmp_path}/data.tar; :", tmp_path)
    assert [path.name for path in victim.iterdir()] == ["kept"]
    assert (victim / "kept").read_text() == "kept"
    assert {path.name for path in tmp_path.iterdir()} == {"victim", "data.tar", "root", "program"}
    assert {path.name for path in data.parent.iterdir()} == {"data", "state", "log"}
