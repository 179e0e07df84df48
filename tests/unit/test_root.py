"""The root folder: nobody else may own it or a folder above it, and nothing is written through links."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.installer import call, shells
from tests.support.programs import need_root

shell = pytest.mark.parametrize("shell", shells())
NOBODY = 65534
CHECK = "NAME=shop ROOT=$ROOT{below}; check_root; echo fine"


def chown(path: Path) -> None:
    os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def link(path: Path, target: str | Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def write(path: Path, text: str = "text\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def private_group(path: Path) -> None:
    """As where each user has a group of their own."""
    os.chown(path, 0, 0)
    path.chmod(0o775)


PLANTED: dict[str, tuple[Callable[[Path], object], str]] = {
    "the root is another's": (chown, "belongs to user 65534"),
    "a folder above is another's": (lambda root: chown(root.parent), "belongs to user 65534"),
    "a folder above is everybody's": (lambda root: root.parent.chmod(0o777), "can be changed by other users"),
    "a folder above is a group's": (
        lambda root: (os.chown(root.parent, 0, 12345), root.parent.chmod(0o770)),
        "can be changed by other users",
    ),
    "the root is everybody's": (lambda root: root.chmod(0o1777), "can be changed by other users"),
    "the root is a link": (
        lambda root: (root.rename(root.parent / "there"), link(root, "there")),
        "is a link to there",
    ),
    "the root is a file": (lambda root: (root.rmdir(), write(root)), "is not a folder"),
    "secrets": (lambda root: link(root / "secrets.env", "/tmp/x"), "secrets.env is a link to /tmp/x"),
    "answers": (lambda root: link(root / "site.env", "/tmp/x"), "site.env is a link"),
    "a draft of secrets": (lambda root: link(root / "secrets.env.new", "/tmp/x"), "is a link"),
    "control": (lambda root: link(root / "shopctl", "/tmp/x"), "is a link"),
    "state": (lambda root: link(root / "state", "/tmp"), "state is a link"),
    "a note": (lambda root: link(root / "state/change", "/tmp/x"), "state/change is a link"),
    "the log": (lambda root: link(root / "log/20260101T000000Z-install.log", "/tmp/x"), "is a link"),
    "releases": (lambda root: link(root / "releases", "/tmp"), "releases is a link"),
    "a release": (lambda root: link(root / "releases/1-abc", "/tmp"), "releases/1-abc is a link"),
    "half a release": (lambda root: link(root / "releases/.part", "/tmp"), ".part is a link"),
    "image files": (lambda root: link(root / "blobs/sha256", "/tmp"), "blobs/sha256 is a link"),
    "a planted key": (
        lambda root: chown(write(root / "state/trusted.pub")),
        "trusted.pub belongs to user 65534",
    ),
    "state is another's": (lambda root: ((root / "state").mkdir(), chown(root / "state")), "belongs to user"),
    "a secret everybody may change": (
        lambda root: write(root / "secrets.env").chmod(0o666),
        "secrets.env can be changed by other users",
    ),
    "current elsewhere": (lambda root: link(root / "current", "/tmp"), "does not name a release"),
    "current outside": (lambda root: link(root / "current", "releases/../../x"), "does not name a release"),
    "current a folder": (lambda root: (root / "current").mkdir(), "does not name a release"),
    "data on the disk of another": (
        lambda root: (link(root / "data", write(root.parent / "disk/data/x").parent), chown(root.parent / "disk")),
        "belongs to user 65534",
    ),
    "a link to data by another": (
        lambda root: (link(root / "data", "/tmp"), chown(root / "data")),
        "data belongs to user 65534",
    ),
    "backups with another": (
        lambda root: (link(root / "backups", root.parent / "disk"), (root.parent / "disk").mkdir(), chown(root.parent / "disk")),
        "belongs to user 65534",
    ),
    "data that lead nowhere": (lambda root: link(root / "data", "/nowhere"), "data is a link"),
}  # fmt: skip
FINE: dict[str, Callable[[Path], object]] = {
    "empty": lambda root: None,
    "not there yet": lambda root: root.rmdir(),
    "below everybody's sticky folder": lambda root: root.parent.chmod(0o1777),
    "a group of nobody else": private_group,
    "current": lambda root: link(root / "current", "releases/1-abc"),
    "the lock": lambda root: link(root / "state/lock", "1 2 3"),
    "a lock that is dropped": lambda root: link(root / "state/lock.123", "1 2 3"),
    "data elsewhere": lambda root: link(root / "data", write(root.parent / "disk/data/x").parent),
    "data of a container's user": lambda root: ((root / "data").mkdir(), chown(root / "data")),
    "links in data": lambda root: link(root / "data/db/x", "/tmp"),
    "links in configuration": lambda root: link(root / "releases/1-abc/config/x", "y"),
    "backups elsewhere": lambda root: (link(root / "backups", root.parent / "disk"), (root.parent / "disk").mkdir()),
    "a backup that is being unpacked": lambda root: chown(write(root / "state/unpacked.1/volumes/x")),
    "the operator's own link": lambda root: link(root / "notes", "/tmp/notes"),
}  # fmt: skip


def check(shell: str, folder: Path, plant: Callable[[Path], object]) -> tuple[int, str, str]:
    """`call` makes folders below `root`; what is checked lies two folders further down."""
    need_root()
    root = folder / "root/above [x]/应用 root"
    root.mkdir(parents=True)
    plant(root)
    done = call(shell, CHECK.format(below="'/above [x]/应用 root'"), folder)
    return done.returncode, done.stdout, done.stderr


@shell
@pytest.mark.parametrize("planted", PLANTED)
def test_it_is_refused(planted: str, shell: str, tmp_path: Path) -> None:
    plant, said = PLANTED[planted]
    code, out, errors = check(shell, tmp_path, plant)
    assert (code, out) == (1, ""), errors
    assert said in errors


@shell
@pytest.mark.parametrize("usual", FINE)
def test_it_is_taken(usual: str, shell: str, tmp_path: Path) -> None:
    code, out, errors = check(shell, tmp_path, FINE[usual])
    assert (code, out) == (0, "fine\n"), errors


@shell
def test_a_link_above_that_another_can_turn(shell: str, tmp_path: Path) -> None:
    need_root()
    (tmp_path / "root/there/app").mkdir(parents=True)
    way = tmp_path / "root/way"
    way.symlink_to("there")
    assert call(shell, CHECK.format(below="/way/app"), tmp_path).stdout == "fine\n"
    chown(way)
    refused = call(shell, CHECK.format(below="/way/app"), tmp_path)
    assert refused.returncode == 1
    assert "way belongs to user 65534" in refused.stderr


@shell
def test_a_root_made_by_another_after_it_was_checked(shell: str, tmp_path: Path) -> None:
    need_root()
    script = f"""
COMMAND=test NAME=shop VERSION=1 PROFILE=dev RELEASE=1 ROOT={tmp_path}/app
check_root
mkdir "$ROOT" && chown {NOBODY} "$ROOT"
take_lock
"""
    done = call(shell, script, tmp_path)
    assert done.returncode == 1
    assert "belongs to user 65534" in done.stderr
    assert not (tmp_path / "app/state/lock").is_symlink()


PUT = 'printf secret >"$SCRATCH/file"; put_private "$SCRATCH/file" "$ROOT/data/tls/site.key"; echo done'


@shell
def test_a_private_file_is_put_where_others_cannot_lead_it(shell: str, tmp_path: Path) -> None:
    tls = tmp_path / "root/data/tls"
    done = call(shell, PUT, tmp_path)
    assert done.stdout == "done\n", done.stderr
    assert (tls / "site.key").read_text() == "secret"
    assert stat.S_IMODE((tls / "site.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(tls.stat().st_mode) == 0o755
    assert [path.name for path in tls.iterdir()] == ["site.key"]
    victim = write(tmp_path / "victim", "as it was\n")
    (tmp_path / "folder").mkdir()
    for name, target in (("site.key.new", victim), ("site.key", victim), ("site.key", tmp_path / "folder")):
        (tls / name).unlink(missing_ok=True)
        (tls / name).symlink_to(target)
        assert call(shell, PUT, tmp_path).stdout == "done\n"
        assert not (tls / "site.key").is_symlink()
        assert (tls / "site.key").read_text() == "secret"
        assert victim.read_text() == "as it was\n"
        assert list((tmp_path / "folder").iterdir()) == []


@shell
def test_a_folder_of_data_that_is_a_link_takes_no_secret(shell: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    link(tmp_path / "root/data/tls", tmp_path / "folder")
    done = call(shell, PUT, tmp_path)
    assert done.returncode == 1
    assert "link in its path" in done.stderr
    assert list((tmp_path / "folder").iterdir()) == []


@shell
def test_folders_of_data_are_not_made_through_links(shell: str, tmp_path: Path) -> None:
    need_root()
    (tmp_path / "folder").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "here/data.tsv").write_text(f"#path\tmode\towner\tgroup\ndb/main\t750\t{NOBODY}\t-\n")
    made = call(shell, "make_data; echo done", tmp_path)
    assert made.stdout == "done\n", made.stderr
    main = tmp_path / "root/data/db/main"
    assert (main.stat().st_uid, stat.S_IMODE(main.stat().st_mode)) == (NOBODY, 0o750)
    assert (main.parent.stat().st_uid, stat.S_IMODE(main.parent.stat().st_mode)) == (0, 0o755)
    main.rmdir()
    main.parent.rmdir()
    link(tmp_path / "root/data/db", tmp_path / "folder")
    done = call(shell, "make_data; echo done", tmp_path)
    assert done.returncode == 1
    assert list((tmp_path / "folder").iterdir()) == []
