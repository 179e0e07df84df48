"""Files are written completely or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bundler.io.files import whole_file, write_whole


def interrupt(target: Path) -> None:
    with whole_file(target) as file:
        file.write(b"half")
        raise KeyboardInterrupt


@pytest.mark.parametrize("lasting", [False, True])
def test_a_file_replaces_the_old_one_with_its_mode(tmp_path: Path, lasting: bool) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with whole_file(target, 0o640, lasting=lasting) as file:
        file.write(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_whole(target, b"old")
    with pytest.raises(KeyboardInterrupt):
        interrupt(target)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]
