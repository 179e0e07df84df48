"""Only volumes of this project are emptied and filled, whichever volumes a backup names."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.backups import NAMED, make_backup, seal
from tests.support.installer import call, shells

shell = pytest.mark.parametrize("shell", shells())
ENGINE = """
list_volumes() { printf '%s\\n' shop_data shared; }
docker() {
    printf '%s\\n' "$*" >>"$ROOT/log/docker"
    case "$*" in
        'volume ls -q'*volume=data) echo shop_data ;;
        'volume ls -q'*) ;;
        'volume inspect other_app_db' | 'volume inspect shop_data' | 'volume inspect shop_taken') ;;
        'volume inspect'*) return 1 ;;
    esac
}
"""
"""Fake engine with two volumes of the project, one labelled and one shared, and volumes of other projects."""


def settle(
    shell: str, folder: Path, *rows: str, files: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Match the rows of a backup to volumes, and print the result."""
    backup = make_backup(folder)
    (backup / "volumes").mkdir()
    for number in range(1, (len(rows) if files is None else files) + 1):
        (backup / f"volumes/{number}.tar").write_bytes(b"tar")
    (backup / "volumes.tsv").write_text("#file\tname\tkey\n" + "".join(f"{row}\n" for row in rows))
    seal(backup)
    script = (
        NAMED
        + ENGINE
        + (
            f"SOURCE={backup}; verify_backup $SOURCE || exit\nsettle_volumes; cat $SCRATCH/settled-volumes\n"
            'while IFS="$TAB" read -r file name key; do make_volume "$name" "$key"; done '
            "<$SCRATCH/settled-volumes"
        )
    )
    return call(shell, script, folder)


@shell
def test_volumes_of_the_project_are_found_and_lost_ones_made(shell: str, tmp_path: Path) -> None:
    done = settle(
        shell, tmp_path,
        "volumes/1.tar\told-project_data\tdata", "volumes/2.tar\tshared\t-", "volumes/3.tar\tshop_gone\tgone",
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "volumes/1.tar\tshop_data\tdata", "volumes/2.tar\tshared\t-", "volumes/3.tar\tshop_gone\tgone",
    ], done.stderr  # fmt: skip
    created = [line for line in (tmp_path / "root/log/docker").read_text().splitlines() if "create" in line]
    labels = "--label com.docker.compose.project=shop --label com.docker.compose.volume="
    assert created[-1] == f"volume create {labels}gone shop_gone"


@shell
@pytest.mark.parametrize(
    "rows",
    [
        ["volumes/1.tar\tother_app_db\t-"], ["volumes/1.tar\tnew_volume\t-"],
        ["volumes/1.tar\tother_app_db\ttaken"],
        ["volumes/1.tar\tshop_data\t-", "volumes/2.tar\tx\tdata"],
    ],
    ids=["another application's", "one that is not there", "a name that is taken", "twice the same"],
)  # fmt: skip
def test_a_volume_of_others_is_refused(shell: str, tmp_path: Path, rows: list[str]) -> None:
    done = settle(shell, tmp_path, *rows)
    assert (done.returncode, done.stdout) == (4, ""), done.stderr
    calls = (tmp_path / "root/log/docker").read_text() if (tmp_path / "root/log/docker").exists() else ""
    assert "create" not in calls
    assert "rm" not in calls


@shell
@pytest.mark.parametrize(
    "row",
    [
        "volumes/1.tar\t/etc\t-", "volumes/1.tar\t-v\t-", "volumes/1.tar\ta:b\t-",
        "volumes/1.tar\tshared\t../x", "data.tar\tshared\t-",
        "volumes/2.tar\tshared\t-", "../data.tar\tshared\t-",
        "volumes/1.tar\tshared", "",
        "volumes/1.tar\tshared\t-\t-", "volumes/1.tar\tsha\x1b[2J\t-", "volumes/1.tar\t\t-",
    ],
    ids=repr,
)  # fmt: skip
def test_rows_of_another_form_are_refused(shell: str, tmp_path: Path, row: str) -> None:
    done = settle(shell, tmp_path, row, files=1)
    assert (done.returncode, done.stdout) == (4, ""), done.stderr
    assert not (tmp_path / "root/log/docker").exists()


@shell
@pytest.mark.parametrize(
    ("volume", "said"), [("other_app_db", "code 1\n"), ("shop_data", "emptied\ncode 0\n")]
)
def test_going_back_touches_no_other_volume(shell: str, tmp_path: Path, volume: str, said: str) -> None:
    commands = (
        "begin_restore /backup; : >$BEFORE/complete; compose() { :; }; choose_tar\n"
        "empty_volume() { echo emptied; }; unpack_volume() { cat >/dev/null; }\n"
        f"printf x >$BEFORE/volumes/{volume}.tar; QUIET=yes; undo_restore; echo code $?"
    )
    done = call(shell, NAMED + ENGINE + commands, tmp_path)
    assert done.stdout == said, done.stderr


@shell
def test_owners_are_numbers_when_the_engine_fills_a_volume(shell: str, tmp_path: Path) -> None:
    """`docker cp -a` looks the image's user up by name on the host, and gives every file to that user."""
    commands = (
        "volume_folder() { return 1; }; make_carrier() { echo carrier; }\n"
        'docker() { printf \'%s\\n\' "$*" >>"$ROOT/log/docker"; case $1 in cp) cat ;; esac; }\n'
        "printf tar | unpack_volume shop_data; echo code $?"
    )
    done = call(shell, NAMED + commands, tmp_path)
    assert done.stdout == "tarcode 0\n", done.stderr
    assert (tmp_path / "root/log/docker").read_text() == "cp - carrier:/volume\nrm carrier\n"
