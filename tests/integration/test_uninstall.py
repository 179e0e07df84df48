"""What `uninstall` says about what it leaves, and that `--purge all` leaves nothing."""

from __future__ import annotations

from tests.support.kiosk import Host


def test_it_says_what_it_leaves_and_how_to_remove_it(host: Host) -> None:
    assert host.install().returncode == 0
    root = host.root
    removed = host.run("uninstall", "--root", root, "--yes")
    assert (removed.returncode, removed.stderr) == (0, "")
    left = removed.stdout.partition("This stays:\n")[2].splitlines()
    assert [line.split(maxsplit=1) for line in left[:4]] == [
        ["data", f"{root}/data"],
        ["secrets", f"{root}/secrets.env, {root}/site.env"],
        ["images", "those of the release in the engine: 2"],
        ["receipts", f"{root}/receipts"],
    ]
    assert left[4].split("  ")[1:] == ["state, log", f"{root}/state, {root}/log"]
    command = f"sh install uninstall --root {root} --purge data,volumes,secrets,images"
    assert left[5] == f"To remove it too, from the unpacked bundle: {command}"
    assert len(left) == 6


def test_purge_all_leaves_nothing(host: Host) -> None:
    assert host.install().returncode == 0
    assert host.run("backup", "--root", host.root, "--yes").returncode == 0
    (host.root / "support").mkdir()
    (host.root / "support/kiosk-support.tar.gz").touch()
    removed = host.run("uninstall", "--root", host.root, "--purge", "all", "--yes")
    assert removed.returncode == 0
    assert removed.stderr.endswith(f"These go too, and nothing brings them back:\n{host.root}/backups\n")
    assert removed.stdout.endswith("Uninstalled.\n")
    assert "Kept: nothing" in removed.stdout
    assert not host.root.exists()


def test_backups_and_edits_stay_unless_they_are_named(host: Host) -> None:
    assert host.install().returncode == 0
    root = host.root
    made = host.run("backup", "--root", root, "--yes")
    assert made.returncode == 0, made.stderr
    for aside in ("edits/1", "data.before-restore-1", "data.before-restore-2"):
        (root / aside).mkdir(parents=True)
    (root / "notes.txt").touch()
    removed = host.run("uninstall", "--root", root, "--purge", "data,volumes,images,secrets", "--yes")
    assert removed.returncode == 0
    for kept in ("backups", "edits", "data.before-restore-1", "data.before-restore-2"):
        assert f"{root}/{kept}\n" in removed.stdout
    assert f"sh install uninstall --root {root} --purge backups\n" in removed.stdout
    assert f"rm -r '{root}/notes.txt'\n" in removed.stdout
    assert list((root / "backups").iterdir()) != []
    again = host.run("uninstall", "--root", root, "--purge", "all", "--yes")
    assert again.returncode == 0
    assert "key that authenticates backups" not in again.stderr
    assert [path.name for path in root.iterdir() if path.name not in {"state", "log"}] == ["notes.txt"]
