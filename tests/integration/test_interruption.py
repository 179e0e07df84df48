"""Killed at every line of the journal, and between: the same command run again completes.

On servers made of files (tests/support/server.py); tests/e2e/test_upgrade.py does some with real engines.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.server import Server, Snapshots

BETWEEN = 3
"""Calls of programs, spread over a run, that it is killed in; BUNDLE_TEST_KILL_EVERY=1 tries each of them."""
RUNS = {
    "install": ("empty", ("install", "1.0"), 0, "1.0", ""),
    "upgrade": ("old", ("install", "2.0"), 0, "2.0", "tea\n"),
    "failing upgrade": ("old", ("install", "3.0"), 5, "1.0", "tea\n"),
    "rollback": ("new", ("rollback",), 0, "1.0", "tea\n"),
}
"""Starting point, command, exit code, the version that runs in the end and its data."""


def points(server: Server, command: tuple[str, ...], code: int) -> Iterator[str]:
    """Where a command is killed: after each line of its journal, and in calls spread over the whole of it."""
    before = server.lines()
    done = act(server, command)
    assert done.returncode == code, done.stdout + done.stderr
    steps = [line.split("\t")[2:] for line in server.journal()]
    # until it starts, a failing upgrade is like one that works
    first = before if code == 0 else steps.index(["begin", "start"], before)
    for line in range(first + 1, len(steps) + 1):
        yield f"line {line} KILL"
    calls = server.calls()
    every = int(os.environ.get("BUNDLE_TEST_KILL_EVERY", "0")) or max(1, calls // BETWEEN)
    for call in range(1, calls, every):
        yield f"call {call} KILL"


def act(server: Server, command: tuple[str, ...], point: str = "") -> subprocess.CompletedProcess[str]:
    """Run `install VERSION` or `rollback`."""
    if command[0] == "install":
        return server.install(command[1], point=point)
    return server.control(*command, point=point)


@pytest.mark.parametrize("run", RUNS)
def test_killed_anywhere_the_same_command_completes(run: str, snapshots: list[Snapshots]) -> None:
    start, command, code, version, rows = RUNS[run]
    idle: queue.Queue[Snapshots] = queue.Queue()
    for each in snapshots:
        idle.put(each)

    def kill_at(point: str) -> bool:
        worker = idle.get()
        try:
            server = worker.load(start)
            killed = act(server, command, point)
            if killed.returncode == code:  # its last line: nothing is called after it
                return False
            assert killed.returncode == -signal.SIGKILL, (point, killed.stdout + killed.stderr)
            again = act(server, command)
            assert again.returncode == code, (point, killed.stdout, again.stdout + again.stderr)
            if not rows:
                server.rows.write_text("")
            server.check(version, rows)
            return True
        finally:
            idle.put(worker)

    with ThreadPoolExecutor(len(snapshots)) as pool:
        tried = list(pool.map(kill_at, list(points(snapshots[0].load(start), command, code))))
    assert sum(tried) >= 12
    assert tried.count(False) <= 1
