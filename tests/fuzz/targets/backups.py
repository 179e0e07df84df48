"""Damaged backups as tar files: none is accepted unless it holds exactly what was backed up."""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
from functools import cache
from pathlib import Path

from tests.fuzz.mutations import NAMES, Random, damage, damage_header, damage_lines, is_plain
from tests.support.backups import NAMED, make_backup, seal
from tests.support.installer import call

SHELL = "dash" if shutil.which("dash") else "bash"
SCRIPT = (
    NAMED
    + """
find_backup "$ROOT/../b.tar"
verify_backup "$SOURCE" || leave 4
cd "$SOURCE" && tar -cf "$ROOT/../believed.tar" .
"""
)
REFUSED = {1, 2, 4}
OTHER_KEY = "f" * 64


@cache
def _base() -> dict[str, bytes]:
    """Return the files of a backup."""
    with tempfile.TemporaryDirectory() as folder:
        backup = make_backup(Path(folder), root="/opt/shop")
        return {
            path.relative_to(backup).as_posix(): path.read_bytes()
            for path in sorted(backup.rglob("*"))
            if path.is_file()
        }


def make(random: Random) -> bytes:
    """Return a tar of the backup with one to four of its files, members, headers or blocks damaged."""
    files = dict(_base())
    for _ in range(random.choice((0, 1, 1, 2))):
        files = _damage_files(random, files)
    raw = _pack(random, files)
    for _ in range(random.choice((0, 1, 1, 2))):
        raw = _damage_blocks(random, bytearray(raw))
    return raw


def _damage_files(random: Random, files: dict[str, bytes]) -> dict[str, bytes]:
    name = random.choice(sorted(files))
    match random.randrange(5):
        case 0:
            return files | {name: damage(random, files[name])}
        case 1:
            return files | {name: damage_lines(random, files[name])}
        case 2:
            return files | {random.choice((*NAMES, "dumps/../x", "site.env")): files[name]}
        case 3:
            return {other: files[other] for other in files if other != name or len(files) == 1}
        case _:
            return _sealed(files, random.choice((OTHER_KEY, "")))


def _damage_blocks(random: Random, raw: bytearray) -> bytes:
    block, other = (random.randrange(0, len(raw), 512) for _ in range(2))
    count = 512 * random.choice((1, 2, 6))
    match random.randrange(3):
        case 0:
            headers = [at for at in range(0, len(raw), 512) if raw[at + 257 : at + 262] == b"ustar"]
            at = random.choice(headers or [0])
            raw[at : at + 512] = damage_header(random, bytes(raw[at : at + 512]))
        case 1:
            raw[block:block] = raw[other : other + count]
        case _:
            del raw[block : block + count]
    return bytes(raw or bytes(1024))


def _sealed(files: dict[str, bytes], key: str) -> dict[str, bytes]:
    """Return the files with a new list, authenticated by a key that is not the site's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, content in files.items():
            if "/" not in path or path.startswith("dumps/"):
                try:
                    (folder / path).parent.mkdir(exist_ok=True)
                    (folder / path).write_bytes(content)
                except (OSError, ValueError):  # the file system refuses the name
                    continue
        seal(folder, key)
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }


def _pack(random: Random, files: dict[str, bytes]) -> bytes:
    raw = io.BytesIO()
    tar_format = random.choice((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))
    with tarfile.open(fileobj=raw, mode="w", format=tar_format, errors="surrogateescape") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo("b/" + name.encode("utf-8", "replace").decode())
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return raw.getvalue()


def check(data: bytes, folder: Path) -> bool:
    """Return whether the site accepts it; raise AssertionError if its content is not what was backed up."""
    shutil.rmtree(folder / "root", ignore_errors=True)
    make_backup(folder)  # creates the site's key and its own backup
    (folder / "believed.tar").unlink(missing_ok=True)
    (folder / "b.tar").write_bytes(data)
    before = {path for path in folder.rglob("*") if "root/state" not in str(path)}
    result = call(SHELL, SCRIPT, folder)
    if result.returncode not in {0, *REFUSED} or not is_plain(result.stdout + result.stderr):
        raise AssertionError(f"exit code {result.returncode}: {result.stderr[:200]!r}")
    made = {path for path in folder.rglob("*") if "root/state" not in str(path)} - before
    if made - {folder / "believed.tar"} - {folder / "program", folder / "root/log", folder / "root/data"}:
        raise AssertionError(f"left behind: {sorted(map(str, made))[:3]}")
    if result.returncode:
        return False
    with tarfile.open(folder / "believed.tar") as tar:
        believed = {
            member.name.removeprefix("./"): (tar.extractfile(member) or io.BytesIO()).read()
            for member in tar
            if member.isreg()
        }
    if believed != _base():
        raise AssertionError("a backup is believed that nobody made")
    return True
