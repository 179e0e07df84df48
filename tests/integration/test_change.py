"""Changes between releases: refusals, automatic rollback, kept edits and data, and concurrent runs."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bundler.trust.signatures import normalise
from tests.support.programs import need_root, run
from tests.support.server import BUSYBOX, Server, Snapshots, wait_until_stopped


def load(snapshots: Snapshots, start: str, name: str) -> Server:
    """Load the server at a starting point; the test's name selects one of the three shells."""
    return snapshots.load(start, ("dash", "bash --posix", BUSYBOX)[zlib.crc32(name.encode()) % 3])


@pytest.fixture
def old(snapshots: list[Snapshots], request: pytest.FixtureRequest) -> Server:
    """Return a server that runs version 1.0."""
    return load(snapshots[0], "old", request.node.name)


@pytest.fixture
def new(snapshots: list[Snapshots], request: pytest.FixtureRequest) -> Server:
    """Return a server that runs version 2.0, upgraded from 1.0."""
    return load(snapshots[0], "new", request.node.name)


def journal_line(server: Server, step: str) -> int:
    """Return the number of the journal line that begins a step of this server's upgrade to 2.0."""
    before = server.lines()
    steps = (
        "answers",
        "images",
        "blobs",
        "variables",
        "release",
        "backup",
        "data",
        "certificates",
        "switch",
        "start",
    )
    return before + 2 * steps.index(step) + 1


@pytest.mark.parametrize(
    ("number", "step", "shell"),
    [
        ("TERM", "", "dash"), ("INT", "", "bash --posix"), ("HUP", "", "busybox sh"),
        ("INT", "switch", "dash"), ("TERM", "switch", "bash --posix"),
        ("HUP", "start", "dash"), ("INT", "start", "bash --posix"), ("TERM", "start", "busybox sh"),
        ("PIPE", "switch", "busybox sh"), ("PIPE", "start", "dash"), ("PIPE", "start", "bash --posix"),
    ],
)  # fmt: skip
def test_a_signal_in_the_middle_rolls_back(number: str, step: str, shell: str, old: Server) -> None:
    """Without a step, the signal comes in the middle of the backup, as soon as the services have stopped."""
    place = f"line {journal_line(old, step)}" if step else "stopped 1"
    if shell == BUSYBOX:  # its journal is polled from outside, which may lag
        (old.folder / "engine/slow").touch()
    ended = old.install("2.0", point=f"{place} {number}", shell=shell)
    assert ended.returncode == 5, ended.stdout + ended.stderr
    assert "is running again" in ended.stderr
    old.check("1.0", "tea\n")


@pytest.mark.parametrize("shell", ["dash", "bash --posix"])
def test_it_rolls_back_when_its_output_is_closed(shell: str, old: Server) -> None:
    """As when Ctrl-C ends `sh install 2>&1 | tee log`: tee exits first."""
    bundle = old.bundles["2.0"]
    arguments: list[str | Path] = ["--root", old.root, "--key", bundle.parent / "bundle.pub", "--yes"]
    reader, writer = os.pipe()
    begin = journal_line(old, "start")
    run = subprocess.Popen(
        [*shell.split(), bundle / "install", *arguments],
        env=old.environment(f"line {begin} STOP"), stdin=subprocess.DEVNULL, stdout=writer, stderr=writer,
        start_new_session=True,
    )  # fmt: skip
    os.close(writer)
    wait_until_stopped(run)
    os.close(reader)
    run.send_signal(signal.SIGINT)
    run.send_signal(signal.SIGCONT)
    assert run.wait(timeout=60) == 5
    old.check("1.0", "tea\n")


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("shell", ["dash", "bash --posix"])
def test_a_signal_before_anything_stopped_leaves_it_running(shell: str, half: bool, old: Server) -> None:
    """The signal comes at the start of the step that copies the release, or when half of it is copied."""
    place = "made 1" if half else f"line {journal_line(old, 'release')}"
    ended = old.install("2.0", point=f"{place} TERM", shell=shell)
    assert ended.returncode == 143, ended.stdout + ended.stderr
    old.check("1.0", "tea\n")
    assert not (old.root / "backups").exists()


@pytest.mark.parametrize("command", ["start", "restart", "rollback"])
def test_after_a_kill_another_command_rolls_back(command: str, old: Server) -> None:
    old.install("2.0", point=f"line {journal_line(old, 'start') + 1} KILL")
    old.rows.write_text("written by 2.0\n")
    refused = old.control("backup")
    assert refused.returncode == 1
    assert "was interrupted" in refused.stderr
    back = old.control(command)
    assert back.returncode == (0 if command == "rollback" else 5), back.stdout + back.stderr
    old.check("1.0", "tea\n")
    (aside,) = old.root.glob("data.before-restore-*")
    assert (aside / "data/data/rows").read_text() == "written by 2.0\n"


def test_after_a_kill_another_bundle_rolls_back_and_continues(old: Server) -> None:
    old.install("3.0", point=f"line {journal_line(old, 'start')} KILL")
    done = old.install("2.0")
    assert done.returncode == 0, done.stdout + done.stderr
    old.check("2.0", "tea\n")


def test_a_failure_that_stops_the_old_release_is_reported_and_repaired_later(old: Server) -> None:
    (image,) = (old.folder / "engine/images").glob("*1.0")
    image.unlink()
    shutil.rmtree(old.root / "blobs")
    (old.folder / "engine/untagged").unlink(missing_ok=True)
    failed = old.install("3.0", "--no-backup")
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert "is NOT running again" in failed.stderr
    again = old.install("2.0")
    assert again.returncode == 1
    shutil.copytree(old.bundles["1.0"] / "images/blobs", old.root / "blobs", dirs_exist_ok=True)
    back = old.control("rollback")
    assert back.returncode == 0, back.stdout + back.stderr
    old.check("1.0", "spoilt\n")  # accepted with --no-backup


@pytest.fixture
def small_disk(old: Server) -> Iterator[Server]:
    """Yield a server that runs version 1.0 on a 48 MB disk."""
    need_root()
    saved = old.folder / "saved"
    old.root.rename(saved)
    old.root.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", old.root)
    try:
        run("cp", "-a", f"{saved}/.", old.root)
        yield old
    finally:
        run("umount", old.root)


@pytest.mark.root
def test_the_new_release_fills_the_disk(small_disk: Server) -> None:
    (small_disk.folder / "engine/fill").touch()
    failed = small_disk.install("3.0", "--accept", "disk")
    assert failed.returncode == 5, failed.stdout + failed.stderr
    assert "is full" in failed.stderr
    small_disk.check("1.0", "tea\n")


@pytest.mark.root
def test_killed_when_room_was_made_on_a_full_disk(small_disk: Server) -> None:
    """After the data were deleted to free disk space, no service may start without them."""
    (small_disk.folder / "engine/fill").touch()
    killed = small_disk.install("3.0", "--accept", "disk", point="cleared 1 KILL")
    assert killed.returncode == -signal.SIGKILL
    assert "phase=return" in (small_disk.root / "state/change").read_text()
    again = small_disk.install("3.0", "--accept", "disk")
    assert again.returncode == 5, again.stdout + again.stderr
    small_disk.check("1.0", "tea\n")


def sign_again(bundle: Path, folder: Path) -> Path:
    """Return a copy of the bundle signed by another key, whose public key is written to `folder`."""
    copy = folder / bundle.name
    shutil.copytree(bundle, copy)
    key, public, signature = folder / "other.key", folder / "other.pub", folder / "signature"
    run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    run("openssl", "pkey", "-in", key, "-pubout", "-out", public)
    run("openssl", "dgst", "-sha256", "-sign", key, "-out", signature, copy / "SHA256SUMS")
    (copy / "SHA256SUMS.sig").write_bytes(base64.b64encode(normalise(signature.read_bytes())) + b"\n")
    shutil.copy(public, copy / "SHA256SUMS.pub")
    return copy


@pytest.mark.parametrize("version", ["2.0", "3.0"])
def test_another_key_must_be_accepted(version: str, old: Server, tmp_path: Path) -> None:
    bundle = sign_again(old.bundles[version], tmp_path)
    pinned = old.root / "state/trusted.pub"
    before = pinned.read_text()
    words: list[str | Path] = [
        bundle / "install",
        "--root",
        old.root,
        "--key",
        tmp_path / "other.pub",
        "--yes",
    ]
    refused = old.run(*words)
    assert refused.returncode == 4, refused.stdout + refused.stderr
    old.check("1.0", "tea\n")
    done = old.run(*words, "--accept", "signing-key")
    if version == "2.0":
        assert done.returncode == 0, done.stdout + done.stderr
        old.check("2.0", "tea\n")
        assert pinned.read_text() == (tmp_path / "other.pub").read_text()
    else:
        assert done.returncode == 5, done.stdout + done.stderr
        assert pinned.read_text() == before


def test_a_new_variable_must_be_given_and_data_that_nothing_migrated_stay(old: Server) -> None:
    plan = json.loads(old.install("2.5", "plan", "--json").stdout)
    assert {"change": "new", "name": "OWNER", "note": "required"} in plan["variables"]
    assert plan["migrations"] == ""
    lacking = old.install("2.5")
    assert lacking.returncode == 2
    assert "OWNER" in lacking.stderr
    old.check("1.0", "tea\n")
    done = old.install("2.5", "--set", "OWNER=me")
    assert done.returncode == 0, done.stdout + done.stderr
    old.rows.write_text("tea\nmilk\n")
    back = old.control("rollback")
    assert back.returncode == 0, back.stdout + back.stderr
    old.check("1.0", "tea\nmilk\n")
    assert "OWNER" not in (old.root / "site.env").read_text()


def test_two_runs_at_once(old: Server) -> None:
    bundle = old.bundles["2.0"]
    arguments: list[str | Path] = ["--root", old.root, "--key", bundle.parent / "bundle.pub", "--yes"]
    environment = old.environment(f"line {old.lines() + 1} STOP")
    first = subprocess.Popen(
        ["dash", bundle / "install", *arguments],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    wait_until_stopped(first)
    second = subprocess.run(
        ["busybox", "sh", bundle / "install", *arguments],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    first.send_signal(signal.SIGCONT)
    assert second.returncode == 1
    assert f"process {first.pid}" in second.stderr
    assert first.wait(timeout=60) == 0
    old.check("2.0", "tea\n")


def test_a_lock_of_a_dead_process_or_another_boot_is_taken_over(old: Server) -> None:
    for holder in (
        "999999999 1 x",
        f"1 1 {Path('/proc/sys/kernel/random/boot_id').read_text().strip()}",
        "1 2 y",
    ):
        (old.root / "state/lock").symlink_to(holder)
        done = old.control("restart")
        assert done.returncode == 0, done.stdout + done.stderr
        assert not (old.root / "state/lock").is_symlink()


def test_an_older_release_is_refused_unless_accepted(new: Server) -> None:
    refused = new.install("1.0")
    assert refused.returncode == 2
    assert "--allow-downgrade" in refused.stderr
    done = new.install("1.0", "--allow-downgrade")
    assert done.returncode == 0, done.stdout + done.stderr
    new.check("1.0", "tea\nrice\n")


def edit(server: Server, old: str, new: str) -> Path:
    """Change a line of the active configuration, as an operator does."""
    path = server.root / "current/config/app.conf"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def test_edits_stop_an_upgrade_and_are_listed(old: Server) -> None:
    edit(old, "greeting hello", "greeting edited")
    (old.root / "current/config/extra.conf").write_text("mine\n")
    plan = json.loads(old.install("2.0", "plan", "--json").stdout)
    assert plan["edits"] == [
        {"change": "changed", "path": "app.conf"}, {"change": "added", "path": "extra.conf"},
    ]  # fmt: skip
    before = old.lines()
    for version in ("2.0", "1.0"):
        refused = old.install(version)
        assert refused.returncode == 1
        assert "config/app.conf" in refused.stderr
        assert "config/extra.conf" in refused.stderr
        assert "--edits keep" in refused.stderr
    assert old.lines() == before
    old.check("1.0", "tea\n")


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_edits_are_kept(version: str, old: Server) -> None:
    edit(old, "greeting hello", "greeting edited")
    (old.root / "current/config/extra.conf").write_text("mine\n")
    done = old.install(version, "--edits", "keep")
    assert done.returncode == 0, done.stdout + done.stderr
    old.check(version, "tea\n")
    assert "greeting edited\n" in (old.root / "current/config/app.conf").read_text()
    assert (old.root / "current/config/extra.conf").read_text() == "mine\n"
    assert old.install("2.0").returncode == 1, "they are edits of the new release, too"


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_edits_are_put_aside(version: str, old: Server) -> None:
    edited = edit(old, "greeting hello", "greeting edited").read_text()
    done = old.install(version, "--edits", "discard")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "greeting hello\n" in (old.root / "current/config/app.conf").read_text()
    (saved,) = (old.root / "edits").iterdir()
    assert (saved / "config/app.conf").read_text() == edited


def test_an_edit_of_what_the_new_release_changed_is_a_conflict(old: Server) -> None:
    edit(old, "version 1.0", "version mine")
    refused = old.install("2.0", "--edits", "keep")
    assert refused.returncode == 1
    assert "config/app.conf" in refused.stderr
    assert "was not changed" in refused.stderr
    assert "version mine" in (old.root / "current/config/app.conf").read_text()


def label(server: Server) -> str:
    """Return the digest of what `app` mounts, as the last start gave it to Compose."""
    document = yaml.safe_load((server.root / "current/.mounted.yaml").read_text())
    digest: str = document["services"]["app"]["labels"]["bundle.mounted"]
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert set(document["services"]) == {"app"}
    return digest


def test_an_edit_reaches_the_service_at_a_restart(old: Server) -> None:
    first = label(old)
    assert old.control("restart").returncode == 0
    assert label(old) == first
    config = old.root / "current/config/app.conf"
    config.chmod(0o755)
    assert old.control("restart").returncode == 0
    assert label(old) != first
    config.write_text("edited")
    second = label(old)
    assert old.control("restart").returncode == 0
    assert label(old) != second


def test_the_same_release_with_another_answer(old: Server) -> None:
    """Compose does not see changes in mounted files, so a label of the services that mount them changes."""
    first, inode = label(old), (old.root / "current/config").stat().st_ino
    done = old.install("1.0", "--set", "GREETING=bonjour")
    assert done.returncode == 0, done.stdout + done.stderr
    old.check("1.0", "tea\n")
    assert "greeting bonjour\n" in (old.root / "current/config/app.conf").read_text()
    changed = label(old)
    assert changed != first
    config = (old.root / "current/config").resolve()
    assert old.install("1.0").returncode == 0
    assert label(old) == changed
    assert (old.root / "current/config").resolve() == config
    assert config.stat().st_ino == inode  # containers may have it mounted
    assert "bonjour" in (old.root / "site.env").read_text()
    assert not list((old.root / "releases").glob(".*"))


@pytest.mark.parametrize("damaged", [False, True], ids=["whole", "damaged"])
def test_a_lost_image_comes_from_the_kept_files(damaged: bool, new: Server) -> None:
    images = new.folder / "engine/images"
    for image in images.iterdir():
        image.unlink()
    (new.folder / "engine/untagged").unlink(missing_ok=True)
    if damaged:
        for blob in (new.root / "blobs/sha256").iterdir():
            content = blob.read_bytes()
            blob.unlink()  # a hard link to the bundle's file, which must stay intact
            blob.write_bytes(content[:-1] + b"?")
    done = new.control("start")
    if damaged:
        assert done.returncode == 1
        assert list(images.iterdir()) == []
    else:
        assert done.returncode == 0, done.stdout + done.stderr
        back = new.control("rollback")
        assert back.returncode == 0, back.stdout + back.stderr
        new.check("1.0", "tea\n")


def test_only_what_two_releases_need_is_kept(new: Server) -> None:
    names = {path.name.partition("-")[0] for path in (new.root / "releases").iterdir()}
    assert names == {"1.0", "2.0"}
    needed = {
        path.name
        for version in ("1.0", "2.0")
        for path in (new.bundles[version] / "images/blobs/sha256").iterdir()
    }
    assert {path.name for path in (new.root / "blobs/sha256").iterdir()} == needed
    older = next((new.root / "releases").glob("1.0-*"))
    assert new.control("rollback").returncode == 0
    assert older.exists()
    assert new.install("2.0").returncode == 0
    names = {path.name.partition("-")[0] for path in (new.root / "releases").iterdir()}
    assert names == {"1.0", "2.0"}


def test_a_rollback_can_be_undone_and_keeps_new_data(new: Server) -> None:
    assert new.control("rollback").returncode == 0
    new.check("1.0", "tea\n")
    new.rows.write_text("tea\nbread\n")
    again = new.control("rollback")
    assert again.returncode == 0
    assert "nothing was changed" in again.stdout
    new.check("1.0", "tea\nbread\n")
    for _ in range(2):
        assert new.control("rollback", "--forward").returncode == 0
        new.check("2.0", "tea\nrice\n")
    assert new.control("rollback").returncode == 0
    new.check("1.0", "tea\nbread\n")


def test_backups_of_changes_are_pruned_but_going_back_still_works(new: Server) -> None:
    def backups() -> set[str]:
        return {path.name for path in (new.root / "backups").iterdir()}

    (needed,) = backups()
    for _ in range(3):
        assert new.install("3.0").returncode == 5
    assert needed in backups()
    assert len(backups()) == 2
    assert new.control("rollback").returncode == 0
    new.check("1.0", "tea\n")
    assert needed not in backups()
    assert new.control("rollback", "--forward").returncode == 0
    new.check("2.0", "tea\nrice\n")
    assert len(backups()) == 1
    assert new.control("rollback").returncode == 0
    new.check("1.0", "tea\n")


def test_without_a_newer_release_there_is_nothing_to_return_to(new: Server) -> None:
    refused = new.control("rollback", "--forward")
    assert refused.returncode == 2
    new.check("2.0", "tea\nrice\n")


def test_rollback_on_migrated_data_needs_to_be_accepted(new: Server) -> None:
    refused = new.control("rollback", "--keep-data")
    assert refused.returncode == 2
    done = new.control("rollback", "--keep-data", "--accept", "migrated-data")
    assert done.returncode == 0, done.stdout + done.stderr
    new.check("1.0", "tea\nrice\n")


def test_rollback_without_its_backup_or_without_an_earlier_release(
    new: Server, snapshots: list[Snapshots]
) -> None:
    shutil.rmtree(new.root / "backups")
    refused = new.control("rollback")
    assert refused.returncode == 1
    assert "no longer exists" in refused.stderr
    new.check("2.0", "tea\nrice\n")
    server = snapshots[1].load("old")
    refused = server.control("rollback")
    assert refused.returncode == 1
    assert "no earlier release" in refused.stderr


def test_plan_changes_nothing(old: Server) -> None:
    def state() -> dict[str, float]:
        return {str(path): path.lstat().st_mtime_ns for path in old.root.rglob("*")}

    before = state()
    secret = old.secrets()["TOKEN"]
    shown = old.install("2.0", "plan")
    assert shown.returncode == 0, shown.stderr
    assert "upgrades to 2.0" in shown.stdout
    assert "-version 1.0\n" in shown.stdout.replace("  -", "-")
    assert secret not in shown.stdout
    assert state() == before
    chinese = old.install("2.0", "plan", "--lang", "zh")
    assert "升级" in chinese.stdout


def test_no_backup_only_when_it_is_named(old: Server) -> None:
    done = old.install("2.0", "--no-backup", "--no-keep-blobs")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (old.root / "backups").exists()
    old.check("2.0", "tea\n")


def test_without_a_backup_no_promise_is_made_about_the_data(old: Server) -> None:
    failed = old.install("3.0", "--no-backup")
    assert failed.returncode == 5, failed.stdout + failed.stderr
    assert "with its data unchanged" not in failed.stderr
    old.check("1.0", "spoilt\n")


def test_uninstall_keeps_what_was_not_named(new: Server) -> None:
    (new.root / "edits").mkdir()
    removed = new.control("uninstall")
    assert removed.returncode == 0, removed.stdout + removed.stderr
    assert {path.name for path in new.root.iterdir()} == {
        "backups", "data", "edits", "log", "receipts", "secrets.env", "site.env", "state",
    }  # fmt: skip
    again = new.install("2.0", "uninstall", "--purge", "data,volumes,images,secrets")
    assert again.returncode == 0, again.stdout + again.stderr
    assert {"backups", "edits"} <= {path.name for path in new.root.iterdir()}
    assert not (new.root / "secrets.env").exists()
    assert not (new.root / "data").exists()


def test_logs_and_journal_hold_no_secret(new: Server) -> None:
    secrets = new.secrets()
    assert len(secrets["TOKEN"]) == 32
    assert len(secrets["BUNDLE_BACKUP_KEY"]) == 64
    for path in [*(new.root / "log").iterdir(), new.root / "state/journal"]:
        for secret in secrets.values():
            assert secret not in path.read_text(), path
