"""The root folder: it and the folders above it must not belong to others; links are never written through."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.support.installer import call, shells
from tests.support.programs import need_root, run

shell = pytest.mark.parametrize("shell", shells())
NOBODY = 65534
CHECK = "NAME=shop ROOT=$ROOT{below}; check_root; echo fine"


PLANTED = {
    "the root is another's": ("chown 65534 .", "belongs to user 65534"),
    "a folder above is another's": ("chown 65534 ..", "belongs to user 65534"),
    "a folder above is everybody's": ("chmod 777 ..", "is writable by other users"),
    "a folder above is a group's": ("chgrp 12345 .. && chmod 770 ..", "is writable by other users"),
    "the root is everybody's": ("chmod 1777 .", "is writable by other users"),
    "the root is a link": ('mv "$PWD" ../there && ln -s there "$PWD"', "is a link to there"),
    "the root is a file": ('rmdir "$PWD" && : >"$PWD"', "is not a folder"),
    "secrets": ("ln -s /elsewhere secrets.env", "secrets.env is a link to /elsewhere"),
    "answers": ("ln -s /elsewhere site.env", "site.env is a link"),
    "a draft of secrets": ("ln -s /elsewhere secrets.env.new", "secrets.env.new is a link"),
    "control": ("ln -s /elsewhere shopctl", "shopctl is a link"),
    "state": ("ln -s / state", "state is a link"),
    "a note": ("mkdir state && ln -s /elsewhere state/change", "state/change is a link"),
    "the log": ("mkdir log && ln -s /elsewhere log/20260101T000000Z-install.log", "is a link"),
    "releases": ("ln -s / releases", "releases is a link"),
    "a release": ("mkdir releases && ln -s / releases/1-abc", "releases/1-abc is a link"),
    "half a release": ("mkdir releases && ln -s / releases/.part", "releases/.part is a link"),
    "image files": ("mkdir blobs && ln -s / blobs/sha256", "blobs/sha256 is a link"),
    "a planted key": (
        "mkdir state && : >state/trusted.pub && chown 65534 state/trusted.pub",
        "state/trusted.pub belongs to user 65534",
    ),
    "state is another's": ("mkdir state && chown 65534 state", "state belongs to user 65534"),
    "a secret that all may change": (
        ": >secrets.env && chmod 666 secrets.env",
        "is writable by other users",
    ),
    "current elsewhere": ("ln -s / current", "does not point to a release"),
    "current outside": ("ln -s releases/../../x current", "does not point to a release"),
    "current a folder": ("mkdir current", "does not point to a release"),
    "data on the disk of another": (
        "mkdir -p ../disk/data && chown 65534 ../disk && ln -s ../disk/data data",
        "disk belongs to user 65534",
    ),
    "a link to data by another": (
        "mkdir ../disk && ln -s ../disk data && chown -h 65534 data",
        "data belongs to user 65534",
    ),
    "backups with another": (
        "mkdir ../disk && chown 65534 ../disk && ln -s ../disk backups",
        "disk belongs to user 65534",
    ),
    "data that lead nowhere": ("ln -s /nowhere data", "data is a link to /nowhere"),
}
FINE = {
    "empty": ":",
    "not there yet": 'rmdir "$PWD"',
    "below everybody's sticky folder": "chmod 1777 ..",
    "a group of nobody else": "chmod 775 .",
    "current": "ln -s releases/1-abc current",
    "the lock": "mkdir state && ln -s '1 2 3' state/lock && ln -s '1 2 3' state/lock.123",
    "data elsewhere": "mkdir -p ../disk/data && ln -s ../disk/data data",
    "data of a container's user": "mkdir data && chown 65534 data && chmod 777 data",
    "links in data": "mkdir -p data/db && ln -s / data/db/x",
    "links in configuration": "mkdir -p releases/1-abc/config && ln -s y releases/1-abc/config/x",
    "backups elsewhere": "mkdir ../disk && ln -s ../disk backups",
    "a backup that is being unpacked": "mkdir -p state/unpacked.1/x && chown 65534 state/unpacked.1/x",
    "the operator's own link": "ln -s / notes",
}


def check(shell: str, folder: Path, planted: str) -> tuple[int, str, str]:
    """Check a root two folders below the `root` that `call` creates."""
    need_root()
    root = folder / "root/above [x]/应用 root"
    root.mkdir(parents=True)
    run("sh", "-ec", planted, cwd=root)
    done = call(shell, CHECK.format(below="'/above [x]/应用 root'"), folder)
    return done.returncode, done.stdout, done.stderr


@shell
@pytest.mark.parametrize("planted", PLANTED)
def test_an_unsafe_root_is_refused(planted: str, shell: str, tmp_path: Path) -> None:
    commands, said = PLANTED[planted]
    code, out, errors = check(shell, tmp_path, commands)
    assert (code, out) == (1, ""), errors
    assert said in errors


@shell
@pytest.mark.parametrize("usual", FINE)
def test_a_safe_root_is_accepted(usual: str, shell: str, tmp_path: Path) -> None:
    code, out, errors = check(shell, tmp_path, FINE[usual])
    assert (code, out) == (0, "fine\n"), errors


FIND = """
find() {
    if [ "$(wc -l <"$SCRATCH/calls")" -ge FAILING ]; then command find "$@"; return; fi
    echo call >>"$SCRATCH/calls"
    echo vanished >&2
    return 1
}
sleep() { echo "$1" >>"$SCRATCH/waits"; }
: >"$SCRATCH/calls"
mkdir -p "$ROOT/state"
check_root
wc -l <"$SCRATCH/waits" | tr -d ' '
"""
"""`find` meets files that a process of a killed run removes meanwhile (seen in tests/e2e/test_chaos.py)."""


@shell
def test_files_that_vanish_during_the_check_do_not_end_the_run(shell: str, tmp_path: Path) -> None:
    result = call(shell, FIND.replace("FAILING", "3"), tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "3\n", "")


@shell
def test_a_root_that_stays_unreadable_is_refused(shell: str, tmp_path: Path) -> None:
    result = call(shell, FIND.replace("FAILING", "1000"), tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert "vanished" in result.stderr
    assert "cannot be read" in result.stderr


@shell
def test_a_link_above_the_root_that_others_can_change_is_refused(shell: str, tmp_path: Path) -> None:
    need_root()
    (tmp_path / "root/there/app").mkdir(parents=True)
    way = tmp_path / "root/way"
    way.symlink_to("there")
    assert call(shell, CHECK.format(below="/way/app"), tmp_path).stdout == "fine\n"
    os.chown(way, NOBODY, NOBODY, follow_symlinks=False)
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
    victim = tmp_path / "victim"
    victim.write_text("as it was\n")
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
    (tmp_path / "root/data").mkdir(parents=True)
    (tmp_path / "root/data/tls").symlink_to(tmp_path / "folder")
    done = call(shell, PUT, tmp_path)
    assert done.returncode == 1
    assert "its path contains a link" in done.stderr
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
    (tmp_path / "root/data/db").symlink_to(tmp_path / "folder")
    done = call(shell, "make_data; echo done", tmp_path)
    assert done.returncode == 1
    assert list((tmp_path / "folder").iterdir()) == []
