"""Data that a restore replaces are kept once and put back when the restore fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.installer import call, shells

shell = pytest.mark.parametrize("shell", shells())
linked = pytest.mark.parametrize("linked", [False, True], ids=["folder", "link"])
ENGINE = 'list_volumes() { :; }\ncompose() { printf "%s\\n" "$*" >>"$SCRATCH/told"; }\n'


def make_root(folder: Path, *, linked: bool) -> Path:
    """Create a root with data; if `linked`, `data` is a link to a folder on another disk."""
    root = folder / "root"
    data = folder / "disk" if linked else root / "data"
    (data / "a b" / "c").mkdir(parents=True)
    (data / "a b" / "c" / "file").write_text("before")
    (data / ".hidden").write_text("before")
    (data / ".before-restore-20200101T000000Z").mkdir()
    root.mkdir(exist_ok=True)
    if linked:
        (root / "data").symlink_to(data)
    (root / "site.env").write_text("HOST=before\n")
    (root / "secrets.env").write_text("KEY=before\n")
    return root


def content(root: Path) -> dict[str, str]:
    paths = [*(root / "data").rglob("*"), root / "site.env", root / "secrets.env"]
    return {str(path.relative_to(root)): path.read_text() for path in paths if path.is_file()}


@shell
@linked
def test_replaced_data_are_put_back(shell: str, tmp_path: Path, *, linked: bool) -> None:
    root = make_root(tmp_path, linked=linked)
    before = content(root)
    script = ENGINE + (
        "begin_restore /backup; set_aside; set_aside; clear_data\n"
        'printf half >"$ROOT/data/half"; printf "KEY=new\\n" >"$ROOT/secrets.env"\n'
        'begin_restore /backup; set_aside; undo_restore; echo "$BEFORE"\n'
    )
    done = call(shell, script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert content(root) == before
    assert (root / "data").is_symlink() is linked
    assert not Path(done.stdout.splitlines()[-1]).exists()
    assert not (root / "state" / "restore").exists()


@shell
@linked
def test_replaced_data_stay_beside_the_restored_ones(shell: str, tmp_path: Path, *, linked: bool) -> None:
    root = make_root(tmp_path, linked=linked)
    script = (
        ENGINE + "begin_restore /backup; set_aside; clear_data; printf new >$ROOT/data/new; end_restore\n"
    )
    for name in ("site.env", "secrets.env"):
        (root / name).unlink()
    done = call(shell, script, tmp_path)
    assert done.returncode == 0, done.stderr
    kept = [path for path in tmp_path.rglob("file") if path.read_text() == "before"]
    assert len(kept) == 1
    assert "before-restore" in str(kept[0])
    assert (root / "data" / "new").read_text() == "new"
    assert not (root / "data" / "a b").exists()
    if linked:
        assert (root / "data" / ".before-restore-20200101T000000Z").exists()
    dropped = call(shell, ENGINE + f"BEFORE=$(echo {root}/data.before-restore-*); drop_before", tmp_path)
    assert dropped.returncode == 0, dropped.stderr
    assert not list(tmp_path.rglob("file"))


@shell
def test_an_empty_folder_is_not_kept(shell: str, tmp_path: Path) -> None:
    script = ENGINE + 'rmdir "$ROOT/data"; begin_restore /backup; set_aside; clear_data; end_restore'
    done = call(shell, script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "root").iterdir()) == ["data", "log", "state"]


@shell
def test_half_a_restore_is_not_started(shell: str, tmp_path: Path) -> None:
    done = call(shell, "begin_restore /the/backup; start_services; echo started", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "/the/backup" in done.stderr
