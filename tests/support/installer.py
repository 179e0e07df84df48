"""The installer's functions, called one by one in each shell that a site may have."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from bundler_installer.assemble import SOURCES, join_sources
from tests.support.programs import SYSTEM_PATH

SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "sh"]}
MAIN = '\nmain "$@"\n'


def shells() -> list[str]:
    """Those of this machine."""
    return [name for name, command in SHELLS.items() if shutil.which(command[0], path=SYSTEM_PATH)]


def call(shell: str, script: str, folder: Path, *, language: str = "en") -> subprocess.CompletedProcess[str]:
    """Run `script` after the installer's functions, in a private scratch folder, at `folder`."""
    source = join_sources(SOURCES).decode()
    assert source.endswith(MAIN)
    driver = f"""
LANGUAGE={language}
choose_colours
set_defaults
make_scratch
HERE={folder}/here ROOT={folder}/root values=$SCRATCH/values
mkdir -p "$values" "$ROOT/state" "$ROOT/log" "$ROOT/data"
: >"$SCRATCH/defaulted"
{script}
"""
    program = folder / "program"
    program.write_text(source.removesuffix(MAIN) + driver)
    return subprocess.run(
        [*SHELLS[shell], str(program)],
        env={"PATH": os.environ["PATH"] + ":" + SYSTEM_PATH, "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
