"""Runs a command and says what it cost: wall, processor, peak memory, bytes written."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DROP_CACHES = Path("/proc/sys/vm/drop_caches")


@dataclass(frozen=True)
class Sample:
    """One run.

    Attributes:
        wall: seconds.
        cpu: seconds of processor, user and system, daemons that worked for it included.
        peak: bytes of the largest process; a daemon's peak is added.
        written: bytes that became dirty in the page cache.
        size: bytes of the result.
    """

    wall: float
    cpu: float
    peak: int
    written: int
    size: int


class CommandFailedError(Exception):
    """A contender did not do its work; the message has what it printed."""


@dataclass(frozen=True)
class _Usage:
    cpu: float
    written: int
    peak: int


def can_drop_caches() -> bool:
    """Whether the page cache can be emptied: root, and a kernel that lets it."""
    return os.access(DROP_CACHES, os.W_OK)


def drop_caches() -> None:
    """Write what is dirty, then empty the page cache."""
    os.sync()
    DROP_CACHES.write_text("3\n")


def touch_memory(size: int) -> None:
    """Take so many bytes of memory, at most half of what is free, and give them back.

    A virtual machine hands free memory to its host after some seconds (free page reporting); whoever
    writes next pays for getting it back: 1 s for 2.4 GB here. That is no contender's cost.
    """
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    flags = "mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE"
    program = f"import mmap; mmap.mmap(-1, {min(size, free // 2)}, {flags})"
    # in a process of its own: the peak of those that are measured would begin with ours
    subprocess.run([sys.executable, "-c", program], check=True)


def measure(
    commands: Sequence[Sequence[str | Path]],
    *,
    result: Path,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    daemons: Sequence[int] = (),
) -> Sample:
    """Run `commands` one after another and add up what they cost.

    Args:
        commands: each an argument list.
        result: file or folder whose bytes are the size of what was made.
        environment: of the commands, beside this process's.
        cwd: where they run.
        daemons: processes whose whole trees worked for them.

    Raises:
        CommandFailedError: one of them failed.
    """
    before = [_tree_usage(pid) for pid in daemons]
    own = _children_usage()
    peak = 0
    started = time.perf_counter()
    for command in commands:
        peak = max(peak, _run(command, environment, cwd))
    wall = time.perf_counter() - started
    spent = _children_usage()
    cpu, written = spent.cpu - own.cpu, spent.written - own.written
    for pid, was in zip(daemons, before, strict=True):
        now = _tree_usage(pid)
        cpu += now.cpu - was.cpu
        written += now.written - was.written
        peak += now.peak
    return Sample(wall, cpu, peak, written, size_of(result))


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size


def _run(command: Sequence[str | Path], environment: Mapping[str, str] | None, cwd: Path | None) -> int:
    """The peak memory, bytes, of the largest process that the command started."""
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout  # noqa: S101 it was asked for
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CommandFailedError(f"{command}: {process.returncode}\n{said.decode(errors='replace')}")
    return usage.ru_maxrss * 1024


def _children_usage() -> _Usage:
    """Of every process that this one has waited for: the kernel adds their counts to ours."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return _Usage(usage.ru_utime + usage.ru_stime, _written("self"), 0)


def _tree_usage(pid: int) -> _Usage:
    cpu, written, peak = 0.0, 0, 0
    for each in _tree(pid):
        try:
            stat = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            # utime, stime, cutime, cstime: proc(5)
            cpu += sum(map(int, stat[11:15])) / os.sysconf("SC_CLK_TCK")
            written += _written(each)
            peak += _peak(each)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended; its parent has its counts
    return _Usage(cpu, written, peak)


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


def _written(pid: int | str) -> int:
    lines = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(lines["write_bytes"])


def _peak(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
