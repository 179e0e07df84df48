"""Failing system calls: no command reports success for incomplete work or uses an undocumented exit code.

The method is SQLite's: the n-th call of a kind fails, with n from 1 to the last. The full sweep takes days
and is `make faults` (BUNDLE_TEST_FAULTS=all); by default a sample of the calls is drawn, with a seed that is
printed. BUNDLE_TEST_FAULTS can also be `places` (of the calls on one file by one command line, the first and
the last; of the calls without a file, a hundred per group), a number of calls per command, or points as
printed by a failure, separated by `;`.
"""

from __future__ import annotations

import os
import queue
import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.injector import Fault, compile_injector, inject, remove_injector
from tests.support.installer import SHELLS
from tests.support.server import Snapshots
from tests.support.sweep import (
    SWEEPS,
    TASKS,
    Point,
    change_bundle,
    folders,
    judge,
    perform,
    picture,
)

CHOSEN = os.environ.get("BUNDLE_TEST_FAULTS", "2")
WITHOUT_FILE = {"fork", "exec", "pipe"}
CHANGING = re.compile(r"\d+|(?<=bundle\.)\w{6}")
SEED = int(os.environ.get("BUNDLE_TEST_SEED") or "11")


@pytest.fixture(scope="module", autouse=True)
def injector() -> Iterator[None]:
    compile_injector()
    yield
    remove_injector()


@pytest.fixture(scope="module")
def servers(snapshots: list[Snapshots]) -> queue.Queue[Snapshots]:
    """Return the queue of idle servers."""
    idle: queue.Queue[Snapshots] = queue.Queue()
    for each in snapshots:
        each.server.bundles["changed"] = change_bundle(each.server.bundles["1.0"])
        idle.put(each)
    return idle


def list_calls(task: str, shell: str, calls: str, place: str, servers: queue.Queue[Snapshots]) -> list[str]:
    """List the group's calls in the task: file and command line, without the parts that vary between runs."""
    mine = servers.get()
    try:
        server = mine.load(TASKS[task].start, shell)
        done = perform(TASKS[task], server, shell, Fault(calls, 1, "list", folders(server, place)))
    finally:
        servers.put(mine)
    assert done.code == TASKS[task].code, done.output
    assert len(done.places) == done.calls
    return [CHANGING.sub("_", line.split(" ", 2)[2]) for line in done.places]


def draw(lines: list[str], calls: str, drawn: random.Random) -> list[int]:
    """Return the numbers of the calls to try, out of all that a task makes."""
    numbers = list(range(1, len(lines) + 1))
    if CHOSEN == "places" and calls in WITHOUT_FILE:
        return sorted(drawn.sample(numbers, min(len(numbers), 100)))
    if CHOSEN == "places":
        first = {line: number for number, line in reversed(list(enumerate(lines, 1)))}
        last = {line: number for number, line in enumerate(lines, 1)}
        return sorted({*first.values(), *last.values()})
    return numbers if CHOSEN == "all" or not numbers else [drawn.choice(numbers)]


def choose(task: str, servers: queue.Queue[Snapshots]) -> list[Point]:
    """Return all points or a sample; a group with few calls is as likely to be drawn as one with many."""
    if "," in CHOSEN:
        return [point for point in map(Point.parse, CHOSEN.split(";")) if point.task == task]
    groups = [
        (" ".join(words), calls, place, mode)
        for words in SHELLS.values()
        for calls, place, modes in SWEEPS
        for mode in modes
    ]
    drawn = random.Random(f"{SEED} {task}")  # noqa: S311
    if CHOSEN.isdigit():
        groups = [drawn.choice(groups) for _ in range(int(CHOSEN))]
    with ThreadPoolExecutor(servers.qsize()) as pool:
        lists = list(pool.map(lambda group: list_calls(task, group[0], group[1], group[2], servers), groups))
    found = []
    for (shell, calls, place, mode), lines in zip(groups, lists, strict=True):
        found += [Point(task, shell, calls, place, mode, number) for number in draw(lines, calls, drawn)]
    return found


@pytest.mark.parametrize("task", TASKS)
def test_a_call_that_fails_is_noticed(task: str, servers: queue.Queue[Snapshots]) -> None:
    clean: dict[str, dict[str, str]] = {}
    chosen = choose(task, servers)
    for shell in sorted({point.shell for point in chosen}):
        mine = servers.get()
        server = mine.load(TASKS[task].start, shell)
        done = perform(TASKS[task], server, shell, Fault("fork", 1, "count"))
        assert done.code == TASKS[task].code, done.output
        clean[shell] = picture(server)
        servers.put(mine)

    def try_point(point: Point) -> list[str]:
        mine = servers.get()
        try:
            server = mine.load(TASKS[task].start, point.shell)
            return [f"{point}: {wrong}" for wrong in judge(point, TASKS[task], server, clean[point.shell])]
        finally:
            servers.put(mine)

    with ThreadPoolExecutor(servers.qsize()) as pool:
        wrong = [text for found in pool.map(try_point, chosen) for text in found]
    assert not wrong, f"seed {SEED}, {len(chosen)} points, {len(wrong)} wrong:\n" + "\n".join(wrong)


@pytest.mark.parametrize(
    ("fault", "script", "code", "failed"),
    [
        (Fault("write", 2, "once"), "for i in 1 2 3; do echo $i >$i || exit $i; done", 2, 1),
        (Fault("write", 2, "ever"), "for i in 1 2 3; do echo $i >$i; done; [ ! -s 3 ]", 0, 2),
        (Fault("write", 1, "short"), "echo four >1; echo four >2; [ $(cat 1 2) = fo ]", 0, 3),
        (Fault("write", 1, "half"), "echo four >1; [ $(cat 1) = four ]", 0, 1),
        (Fault("read", 1, "half"), "echo four >1; [ $(cat 1) = four ]", 0, 1),
        (Fault("create", 1, "once"), "echo 1 >1 || exit 7", 7, 1),
        (Fault("mkdir", 2, "once"), "mkdir a b 2>/dev/null || [ ! -d b ]", 0, 1),
        (Fault("fork", 1, "once"), "date", 2, 1),
        (Fault("exec", 1, "once"), "date; [ $? -eq 126 ]", 0, 1),
        (Fault("rename", 1, "once"), ": >a; mv a b 2>/dev/null || [ -f a ]", 0, 1),
    ],
)  # fmt: skip
def test_the_injector_fails_what_it_is_asked_to(
    fault: Fault, script: str, code: int, failed: int, tmp_path: Path
) -> None:
    """The script runs in dash, which exits with 2 when it cannot fork."""
    work = tmp_path / "work"
    work.mkdir()
    if fault.calls not in {"fork", "exec"}:
        fault = Fault(fault.calls, fault.number, fault.mode, (work,))
    environment = {"PATH": "/usr/bin", "TMPDIR": str(work)}
    done = inject(
        fault, ["dash", "-c", script], environment=environment, folder=work, report=tmp_path / "report"
    )
    assert (done.code, done.failed, done.left) == (code, failed, 0), done


def test_the_injector_counts_over_all_processes_and_static_programs(tmp_path: Path) -> None:
    report = tmp_path / "report"
    script = "(busybox echo 1 >a); echo 2 >b & wait; sh -c 'busybox echo 3 >c'"
    fault = Fault("write", 1, "count", (tmp_path,))
    done = inject(
        fault, ["dash", "-c", script], environment={"PATH": "/usr/bin:/bin"}, folder=tmp_path, report=report
    )
    assert (done.code, done.calls, done.failed) == (0, 3, 0), done
