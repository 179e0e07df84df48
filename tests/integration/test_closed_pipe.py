"""A reader who has gone, such as `head`: a command ends without a word about it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.support.installer import SHELLS
from tests.support.kiosk import Host

READ_ONLY = (
    ["help"], ["version"], ["status"], ["status", "--watch"], ["inspect", "--json"], ["ps"], ["logs", "-f"],
    ["preflight"], ["backup", "--list"], ["schedule"], ["man"],
)  # fmt: skip
ENDED_BY_PIPE = 141


def run_unread(host: Host, program: Path, *arguments: str | Path) -> tuple[int, str]:
    """Run the program with a standard output that nobody reads; return its exit code and errors."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*SHELLS[host.shell], program, *arguments],
        env=host.variables(), stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.PIPE, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    os.close(writing)
    return done.returncode, done.stderr


def test_nobody_reads_the_output(host: Host) -> None:
    assert host.install().returncode == 0
    host.steer("logs", "a line\n" * 3)
    for arguments in READ_ONLY:
        found = run_unread(host, host.root / "current/install", *arguments)
        assert found == (ENDED_BY_PIPE, ""), arguments
    plan = run_unread(host, host.unpacked / "install", "plan", "--root", host.root)
    assert plan == (ENDED_BY_PIPE, "")
