"""Runs killed at every line of the journal and in between: the same command, run again, completes.

Uses simulated servers (tests/support/server.py); tests/e2e/test_upgrade.py has cases with real engines.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.installer import SHELLS
from tests.support.server import NEVER, Server, Snapshots

EVERY = int(os.environ.get("BUNDLE_TEST_KILL_EVERY", "0"))
"""How many program calls lie between two kills, which come at each line of the journal too."""
BETWEEN = 2
"""Number of program calls, spread over a run, at which it is killed otherwise."""
RUNS = {
    "install": ("empty", ("install", "1.0"), 0, "1.0", "", BETWEEN),
    "upgrade": ("old", ("install", "2.0"), 0, "2.0", "tea\n", BETWEEN),
    "failing upgrade": ("old", ("install", "3.0"), 5, "1.0", "tea\n", BETWEEN),
    "rollback": ("new", ("rollback",), 0, "1.0", "tea\n", BETWEEN),
    "restore": ("spoilt", ("restore",), 0, "1.0", "tea\n", 8),
    "restore anew": ("wiped", ("install", "1.0", "restore"), 0, "1.0", "tea\n", BETWEEN),
}
"""Starting point, command, exit code, version that runs at the end, its data, number of calls to kill at."""


def points(server: Server, command: tuple[str, ...], code: int, between: int) -> Iterator[str]:
    """Yield the points at which to kill a command: every fifth line of its journal, and some calls."""
    before = server.lines()
    done = act(server, command, NEVER)
    assert done.returncode == code, done.stdout + done.stderr
    steps = [line.split("\t")[2:] for line in server.journal()]
    # up to the start step, a failing upgrade is the same as a successful one
    first = before if code == 0 else steps.index(["begin", "start"], before)
    step = 1 if EVERY else 5
    for line in range(first + 1, len(steps) + 1, step):
        yield f"line {line} KILL"
    calls = server.calls()
    every = EVERY or max(1, calls // between)
    for call in range(1, calls, every):
        yield f"call {call} KILL"


def act(
    server: Server, command: tuple[str, ...], point: str = "", shell: str = "dash"
) -> subprocess.CompletedProcess[str]:
    """Run `install VERSION ...` or a command of the installed release; `restore` uses the only backup."""
    if command[-1] == "restore":
        command = (*command, server.backup(), "--backup-key", str(server.folder / "backup-key"))
    if command[0] == "install":
        return server.install(*command[1:], point=point, shell=shell)
    return server.control(*command, point=point, shell=shell)


@pytest.mark.parametrize("run", RUNS)
def test_killed_anywhere_the_same_command_completes(run: str, snapshots: list[Snapshots]) -> None:
    start, command, code, version, rows, between = RUNS[run]
    idle: queue.Queue[Snapshots] = queue.Queue()
    for each in snapshots:
        idle.put(each)

    def kill_at(number: int, point: str) -> bool:
        """Kill a run in the next shell of the cycle; calls of programs built into busybox are not visible."""
        by_line = point.startswith("line")
        shells = [" ".join(words) for name, words in SHELLS.items() if name != "busybox" or by_line]
        shell = shells[number % len(shells)]
        worker = idle.get()
        try:
            server = worker.load(start, shell)
            killed = act(server, command, point, shell)
            if killed.returncode == code:  # the last line: no program runs after it
                return False
            assert killed.returncode == -signal.SIGKILL, (shell, point, killed.stdout + killed.stderr)
            again = act(server, command, shell=shell)
            assert again.returncode == code, (shell, point, killed.stdout, again.stdout + again.stderr)
            if not rows:
                server.rows.write_text("")
            server.check(version, rows)
            assert run != "rollback" or list(server.root.glob("data.before-restore-*")) == [], point
            return True
        finally:
            idle.put(worker)

    with ThreadPoolExecutor(len(snapshots)) as pool:
        found = list(points(snapshots[0].load(start), command, code, between))
        tried = list(pool.map(kill_at, range(len(found)), found))
    assert len(found) >= 4
    assert tried.count(False) <= 1
