"""Comparison of data before a backup and after its restore."""

from __future__ import annotations

from pathlib import Path

from bundler_installer.rehearsal.data import STRAY, Snapshot, Store, compare, leave_strays, take_snapshot


def stores(folder: Path) -> list[Store]:
    for name in ("kept", "spared"):
        (folder / name).mkdir()
        (folder / name / "same").write_text("same")
        (folder / name / "log").write_text("1")
    return [Store("kept", folder / "kept", dumped=False), Store("spared", folder / "spared", dumped=True)]


def again(found: list[Store], *changed: str) -> tuple[Snapshot, Snapshot]:
    """Return two snapshots between which the log grows."""
    first = take_snapshot(found)
    for name in ("log", *changed):
        (found[0].path / name).write_text("2")
    return first, take_snapshot(found)


def test_files_that_change_at_each_start_are_counted_and_not_compared(tmp_path: Path) -> None:
    found = stores(tmp_path)
    first, second = again(found)
    (found[0].path / "log").write_text("3")
    (only,) = compare(first, second, take_snapshot(found))
    assert (only.name, only.files, only.compared, only.unlike) == ("kept", 2, 1, ())


def test_lost_changed_and_left_files_are_named(tmp_path: Path) -> None:
    found = stores(tmp_path)
    (found[0].path / "lost").write_text("x")
    (found[0].path / "link").symlink_to("same")
    first, second = again(found)
    leave_strays(found)
    assert not (found[1].path / STRAY).exists()
    (found[0].path / "lost").unlink()
    (found[0].path / "same").chmod(0o600)
    (only,) = compare(first, second, take_snapshot(found))
    assert only.unlike == (STRAY, "lost", "same")


def test_a_store_that_is_gone_is_not_the_same(tmp_path: Path) -> None:
    found = stores(tmp_path)
    first, second = again(found)
    (only,) = compare(first, second, {})
    assert "same" in only.unlike
