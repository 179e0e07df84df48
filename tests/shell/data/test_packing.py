"""Folders packed by a tar without --exclude: what cannot be opened fails the backup."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.injector import Fault, compile_injector, inject, remove_injector
from tests.support.installer import SHELLS, environment, need_shell, shells, write_program
from tests.support.programs import need_program

WHOLE = {"a b", ".hidden", "..twice", "sub", "sub/c", "kept/d"}
SCRIPT = """
tar() { busybox tar "$@"; }
TAR_KIND=plain TAR_MAKE=--numeric-owner TAR_EXCLUDES=''
pack_folder "$ROOT/data" cache kept/cache .before-restore-1 >"$ROOT/out.tar"
"""


@pytest.fixture(scope="module", autouse=True)
def injector() -> Iterator[None]:
    compile_injector()
    yield
    remove_injector()


@pytest.mark.parametrize("shell", shells())
def test_a_folder_that_cannot_be_opened(shell: str, tmp_path: Path) -> None:
    need_shell(shell)
    need_program("busybox", "busybox-static")
    data = tmp_path / "root/data"
    for name in ("cache", "kept/cache", "sub", ".before-restore-1"):
        (data / name).mkdir(parents=True)
    for name in ("a b", ".hidden", "..twice", "sub/c", "kept/d", "cache/x", "kept/cache/x"):
        (data / name).write_text(name)
    program = write_program(SCRIPT, tmp_path)
    number = failures = 0
    while True:
        number += 1
        done = inject(
            Fault("open", number, "once", (data,)),
            [*SHELLS[shell], str(program)],
            environment=environment(tmp_path),
            folder=tmp_path,
            report=tmp_path / "report",
        )
        if not done.failed:
            break
        if done.code == 0:
            assert _names(tmp_path) >= WHOLE, f"{done.places}: {done.output}"
        else:
            failures += 1
    assert done.code == 0, done.output
    assert _names(tmp_path) == WHOLE
    assert failures >= 4  # the folder, two in it, and the files


def _names(folder: Path) -> set[str]:
    with tarfile.open(folder / "root/out.tar") as archive:
        return {name.removeprefix("./") for name in archive.getnames()} - {"."}
