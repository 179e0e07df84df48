"""Retention of backups, schedules, and incomplete backups."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.backups import NAMED, make_backup, seal
from tests.support.installer import call, shells

shell = pytest.mark.parametrize("shell", shells())


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "root" / "backups").iterdir())


@shell
def test_the_newest_stay_and_what_is_not_ours_is_not_touched(shell: str, tmp_path: Path) -> None:
    made = [make_backup(tmp_path, day, "scheduled" if day % 2 else "manual") for day in range(1, 7)]
    upgrade = make_backup(tmp_path, 1, "upgrade")
    elsewhere = make_backup(tmp_path, 2, "other", root="/opt/other", reason="manual")
    other = make_backup(tmp_path, 3, "foreign", name="bank", reason="manual")
    half = tmp_path / "root" / "backups" / "20260101T000000Z-1-abc-manual"
    half.mkdir()
    (tmp_path / "root" / "state").mkdir(parents=True, exist_ok=True)
    (tmp_path / "root" / "state" / "rollback").write_text(f"backup={made[0]}\n")
    done = call(shell, NAMED + "KEEP=2; prune_backups", tmp_path)
    assert done.returncode == 0, done.stderr
    stay = [made[0], made[4], made[5], upgrade, elsewhere, other, half]
    assert left(tmp_path) == sorted(path.name for path in stay)
    assert done.stdout.count("Removed") == 3


@shell
def test_the_one_just_made_stays_though_the_clock_went_back(shell: str, tmp_path: Path) -> None:
    made = [make_backup(tmp_path, day) for day in range(1, 5)]
    done = call(shell, NAMED + f"KEEP=2 BACKUP={made[0]}; prune_backups", tmp_path)
    assert done.returncode == 0, done.stderr
    assert left(tmp_path) == [made[0].name, made[2].name, made[3].name]


@shell
def test_what_another_run_reads_from_is_not_removed(shell: str, tmp_path: Path) -> None:
    backup = make_backup(tmp_path, 1)
    packed = tmp_path / "backup.tar"
    subprocess.run(["tar", "-cf", packed, "-C", backup.parent, backup.name], check=True)
    state = tmp_path / "root/state"
    others = [state / f"unpacked.{os.getpid()}", state / "unpacked.999999999"]
    for other in others:
        other.mkdir(parents=True)
    done = call(shell, NAMED + f'find_backup {packed}; verify_backup "$SOURCE" && echo good', tmp_path)
    assert done.stdout == "good\n", done.stderr
    assert list(state.iterdir()) == others[:1]


@shell
def test_the_profiles_rule_counts_scheduled_ones_only(shell: str, tmp_path: Path) -> None:
    for day in range(1, 7):
        make_backup(tmp_path, day, "scheduled" if day % 2 else "manual")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "bundle.env").write_text("backup_keep=1\n")
    assert call(shell, NAMED + "prune_backups", tmp_path).stdout == ""
    done = call(shell, NAMED + "REASON=scheduled; prune_backups", tmp_path)
    assert done.returncode == 0, done.stderr
    assert [name[6:8] for name in left(tmp_path)] == ["02", "04", "05", "06"]


@shell
def test_those_of_upgrades_go_by_the_same_rule_but_never_the_one_that_going_back_needs(
    shell: str, tmp_path: Path
) -> None:
    reasons = ["manual", "upgrade", "upgrade", "rollback", "forward", "scheduled", "upgrade"]
    made = [make_backup(tmp_path, day, reason) for day, reason in enumerate(reasons, 1)]
    elsewhere = make_backup(tmp_path, 8, "upgrade", root="/opt/other")
    for name in ("here", "root/state"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "root/state/previous").write_text(f"kind=upgrade\nbackup={made[1]}\n")
    facts = tmp_path / "here/bundle.env"
    facts.write_text("name=shop\n")
    assert call(shell, NAMED + "prune_automatic", tmp_path).stdout == ""
    facts.write_text("backup_keep=2\n")
    killed = tmp_path / "root/backups/.20250101T020304Z-1-abc-upgrade.pruned"
    killed.mkdir()
    done = call(shell, NAMED + "prune_automatic", tmp_path)
    assert done.returncode == 0, done.stderr
    stay = {made[0], made[1], made[4], made[5], made[6], elsewhere}
    assert left(tmp_path) == sorted(path.name for path in stay)
    call(shell, NAMED + "KEEP=1; prune_automatic", tmp_path)
    assert left(tmp_path) == sorted(path.name for path in stay - {made[4]})


@shell
def test_a_whole_backup_is_taken(shell: str, tmp_path: Path) -> None:
    backup = make_backup(tmp_path, 1)
    done = call(shell, NAMED + f"verify_backup {backup}", tmp_path)
    assert done.returncode == 0, done.stderr


@shell
@pytest.mark.parametrize(
    "damage", ["truncate", "flip", "add", "remove", "link", "unlisted", "name", "format"]
)
def test_a_damaged_backup_is_refused(shell: str, tmp_path: Path, damage: str) -> None:
    backup = make_backup(tmp_path, 1)
    match damage:
        case "truncate":
            (backup / "data.tar").write_bytes(b"data" * 99)
        case "flip":
            (backup / "dumps" / "shop").write_text("select 2;\n")
        case "add":
            (backup / "dumps" / "more").write_text("drop table orders;\n")
        case "remove":
            (backup / "dumps" / "shop").unlink()
        case "link":
            (backup / "data.tar").unlink()
            (backup / "data.tar").symlink_to("/etc/passwd")
        case "unlisted":
            sums = (backup / "SHA256SUMS").read_text().splitlines(keepends=True)
            (backup / "SHA256SUMS").write_text("".join(sums[1:]))
        case "name" | "format":
            text = (backup / "backup.env").read_text()
            changed = {"name": ("name=shop", "name=x"), "format": ("format=1", "format=9")}[damage]
            (backup / "backup.env").write_text(text.replace(*changed))
            seal(backup)
    done = call(shell, NAMED + f"verify_backup {backup}; echo code $?", tmp_path)
    assert done.stdout == "code 4\n", done.stderr
    assert done.stderr


@shell
def test_an_encrypted_backup_whose_encryption_was_taken_away_is_refused(shell: str, tmp_path: Path) -> None:
    backup = make_backup(tmp_path, 1)
    (tmp_path / "passphrase").write_text("some long pass phrase\n")
    script = NAMED + f"PASSPHRASE_FILE={tmp_path}/passphrase; verify_backup {backup}; echo code $?"
    done = call(shell, script, tmp_path)
    assert done.stdout == "code 4\n"
    assert "not encrypted" in done.stderr


@shell
def test_few_rounds_are_refused(shell: str, tmp_path: Path) -> None:
    backup = make_backup(tmp_path, 1, encrypted="yes", rounds="1000", salt="0011223344556677")
    (tmp_path / "passphrase").write_text("some long pass phrase\n")
    script = NAMED + f"PASSPHRASE_FILE={tmp_path}/passphrase; verify_backup {backup}; echo code $?"
    assert call(shell, script, tmp_path).stdout == "code 4\n"


SYSTEMCTL = '#!/bin/sh\nprintf "%s\\n" "$*" >>"{log}"\n'


def prepare_system(folder: Path) -> str:
    """Create a simulated root with systemd, and a `systemctl` that records its arguments."""
    for name in ("fake/run/systemd/system", "fake/etc/systemd/system", "fake/etc/cron.d", "bin", "here"):
        (folder / name).mkdir(parents=True)
    (folder / "here" / "bundle.env").write_text("backup_schedule=03:45\nbackup_keep=7\n")
    program = folder / "bin" / "systemctl"
    program.write_text(SYSTEMCTL.format(log=folder / "told"))
    program.chmod(0o755)
    return NAMED + f"PROBE_ROOT={folder}/fake; PATH={folder}/bin:$PATH; SCHEDULE=; describe_schedule\n"


@shell
def test_a_systemd_timer_is_shown_installed_and_removed(shell: str, tmp_path: Path) -> None:
    prepared = prepare_system(tmp_path)
    units = tmp_path / "fake" / "etc" / "systemd" / "system"
    shown = call(shell, prepared + "show_schedule", tmp_path)
    assert "OnCalendar=*-*-* 03:45:00" in shown.stdout
    assert "not installed" in shown.stdout
    assert list(units.iterdir()) == []
    script = prepared.replace("SCHEDULE=;", "SCHEDULE=; OUTPUT='/mnt/a b 100%$x'; KEEP=9;")
    done = call(shell, script + "install_schedule", tmp_path)
    assert done.returncode == 0, done.stderr
    service = next(units.glob("*.service")).read_text()
    assert f'ExecStart=/bin/sh "{tmp_path}/root/shopctl" backup --yes --reason scheduled --keep 9' in service
    assert '--output "/mnt/a b 100%%$$x"' in service
    timer = next(units.glob("*.timer"))
    assert f"enable --now {timer.name}" in (tmp_path / "told").read_text()
    assert call(shell, prepared + "remove_schedule", tmp_path).returncode == 0
    assert list(units.iterdir()) == []


@shell
def test_without_systemd_it_is_a_line_of_cron_and_others_files_stay(shell: str, tmp_path: Path) -> None:
    prepared = prepare_system(tmp_path).replace("SCHEDULE=;", "SCHEDULE=; OUTPUT='/mnt/a 100%';")
    (tmp_path / "fake" / "run" / "systemd" / "system").rmdir()
    assert call(shell, prepared + "install_schedule", tmp_path).returncode == 0
    cron = next((tmp_path / "fake" / "etc" / "cron.d").iterdir())
    line = cron.read_text().splitlines()[1]
    assert line.startswith(
        f"45 3 * * * root /bin/sh '{tmp_path}/root/shopctl' backup --yes --reason scheduled"
    )
    assert "'/mnt/a 100\\%'" in line
    cron.write_text("# mine\n")
    refused = call(shell, prepared + "install_schedule", tmp_path)
    assert refused.returncode == 1
    assert call(shell, prepared + "remove_schedule", tmp_path).returncode == 0
    assert cron.read_text() == "# mine\n"


@shell
def test_a_schedule_asks_the_engine_that_was_chosen(shell: str, tmp_path: Path) -> None:
    """Podman or a rootless engine: the operator's variables are not set when the timer runs."""
    prepared = "DOCKER_HOST='unix:///run/podman/podman.sock'; " + prepare_system(tmp_path)
    shown = call(shell, prepared + "show_schedule", tmp_path).stdout
    assert "\nEnvironment=DOCKER_HOST=unix:///run/podman/podman.sock\nExecStart=/bin/sh " in shown
    (tmp_path / "fake/run/systemd/system").rmdir()
    shown = call(shell, prepared + "show_schedule", tmp_path).stdout
    assert "\n45 3 * * * root DOCKER_HOST=unix:///run/podman/podman.sock /bin/sh " in shown
    odd = prepared.replace("podman.sock", "a b.sock")
    refused = call(shell, odd + "show_schedule", tmp_path)
    assert refused.returncode == 2
    assert "/run/podman/a b.sock" in refused.stderr
