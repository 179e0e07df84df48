"""Call single functions of the installer in each shell that a site may have."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from bundler_installer.assemble import SOURCES, join_sources
from tests.support.programs import SYSTEM_PATH, need_program

SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "sh"]}
MAIN = '\nmain "$@"\n'


def shells() -> list[str]:
    """Return the shells' names, for tests that run in each; `need_shell` skips a missing one."""
    return list(SHELLS)


def need_shell(shell: str) -> None:
    """Skip the test and name the package to install if this machine does not have the shell."""
    need_program(SHELLS[shell][0], "busybox-static" if shell == "busybox" else None)


def write_program(script: str, folder: Path, *, language: str = "en", name: str = "program") -> Path:
    """Write a program to `folder`: the installer's functions, a private scratch folder, and then `script`."""
    source = join_sources(SOURCES).decode()
    assert source.endswith(MAIN)
    driver = f"""
LANGUAGE={language}
choose_colours
set_defaults
make_scratch
HERE={folder}/here FACTS={folder}/here ROOT={folder}/root VALUES=$SCRATCH/values
mkdir -p "$VALUES" "$ROOT/state" "$ROOT/log" "$ROOT/data"
: >"$SCRATCH/unset"
{script}
"""
    program = folder / name
    program.write_text(source.removesuffix(MAIN) + driver)
    return program


def environment(folder: Path) -> dict[str, str]:
    """Return the environment for a program of `write_program`."""
    return {"PATH": os.environ["PATH"] + ":" + SYSTEM_PATH, "HOME": str(folder)}


def call(shell: str, script: str, folder: Path, *, language: str = "en") -> subprocess.CompletedProcess[str]:
    """Run `script` after the installer's functions, with a private scratch folder and a root in `folder`."""
    need_shell(shell)
    return subprocess.run(
        [*SHELLS[shell], str(write_program(script, folder, language=language))],
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
