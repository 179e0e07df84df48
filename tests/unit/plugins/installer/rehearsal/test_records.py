"""Records: what a killed rehearsal left is removed, and nothing else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from bundler_installer.rehearsal.records import Process, Record, boot_id, read_records, remove_left

GONE = Process(2**22 + 1, 1)
"""An ID above Linux's largest: nobody has it."""


def record(folder: Path, name: str, owner: Process = GONE, *, boot: str = "") -> Record:
    scratch = folder / name
    scratch.mkdir()
    (scratch / "file").touch()
    made = Record(name, "running", boot or boot_id(), str(scratch), owner)
    made.write(folder / "records")
    return made


def test_what_a_killed_rehearsal_left_is_removed(tmp_path: Path) -> None:
    left = record(tmp_path, "bundle-rehearsal-1")
    assert read_records(tmp_path / "records") == [left]
    assert remove_left(tmp_path / "records", kept=False) == [left]
    assert [path.name for path in tmp_path.iterdir()] == ["records"]
    assert not list((tmp_path / "records").iterdir())


def test_a_rehearsal_at_work_is_left_alone(tmp_path: Path) -> None:
    record(tmp_path, "bundle-rehearsal-1", Process.of(os.getpid()))
    assert remove_left(tmp_path / "records", kept=True) == []
    assert (tmp_path / "bundle-rehearsal-1/file").exists()


def test_a_process_with_the_same_id_but_another_start_is_left_alone(tmp_path: Path) -> None:
    other = Process.of(os.getpid())
    mistaken = Process(other.pid, other.start - 1)
    made = record(tmp_path, "bundle-rehearsal-1", mistaken).with_first(mistaken)
    made.write(tmp_path / "records")
    assert remove_left(tmp_path / "records", kept=False) == [made]
    assert other.lives


def test_a_kept_site_stays_until_it_is_named_or_the_machine_was_started_again(tmp_path: Path) -> None:
    record(tmp_path, "bundle-rehearsal-1").kept().write(tmp_path / "records")
    record(tmp_path, "bundle-rehearsal-2", boot="another").kept().write(tmp_path / "records")
    assert [each.id for each in remove_left(tmp_path / "records", kept=False)] == ["bundle-rehearsal-2"]
    assert [each.id for each in remove_left(tmp_path / "records", kept=True)] == ["bundle-rehearsal-1"]


def test_the_first_process_of_a_site_is_ended(tmp_path: Path) -> None:
    child = subprocess.Popen(["sleep", "60"])
    try:
        made = record(tmp_path, "bundle-rehearsal-1").with_first(Process.of(child.pid))
        made.write(tmp_path / "records")
        remove_left(tmp_path / "records", kept=False)
        assert child.wait(timeout=5) == -9
    finally:
        child.kill()
        child.wait()


def test_a_folder_of_another_name_and_what_is_no_record_stay(tmp_path: Path) -> None:
    made = record(tmp_path, "precious")
    renamed = Record("bundle-rehearsal-1", "running", made.boot, made.scratch, GONE)
    renamed.write(tmp_path / "records")
    (tmp_path / "records/precious.json").unlink()
    (tmp_path / "records/note.json").write_text("{}")
    assert remove_left(tmp_path / "records", kept=True) == [renamed]
    assert (tmp_path / "precious/file").exists()
    assert (tmp_path / "records/note.json").exists()
