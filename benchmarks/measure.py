"""Runs commands and measures wall time, processor time, peak memory and bytes written."""

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
    """Measurements of one run.

    Attributes:
        wall: wall time in seconds.
        cpu: processor time in seconds, user and system, including that of daemons.
        peak: peak memory of the largest process plus that of the daemons, in bytes.
        written: bytes that became dirty in the page cache.
        size: size of the result in bytes.
    """

    wall: float
    cpu: float
    peak: int
    written: int
    size: int


class CommandFailedError(Exception):
    """A command of a contender failed; the message contains its output."""


@dataclass(frozen=True)
class _Usage:
    cpu: float
    written: int
    peak: int


def can_drop_caches() -> bool:
    """Return whether the page cache can be emptied, which requires root and a kernel that allows it."""
    return os.access(DROP_CACHES, os.W_OK)


def drop_caches() -> None:
    """Write dirty pages to disk, then empty the page cache."""
    os.sync()
    DROP_CACHES.write_text("3\n")


def touch_memory(size: int) -> None:
    """Allocate and free `size` bytes of memory, at most half of the free memory.

    A virtual machine returns free memory to its host after some seconds (free page reporting), and the next
    process that writes waits until it is back: 1 s for 2.4 GB here. No contender should be charged for that.
    """
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    flags = "mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE"
    program = f"import mmap; mmap.mmap(-1, {min(size, free // 2)}, {flags})"
    # in a separate process: a measured process starts with the peak memory of this one
    subprocess.run([sys.executable, "-c", program], check=True)


def measure(
    commands: Sequence[Sequence[str | Path]],
    *,
    result: Path,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    daemons: Sequence[int] = (),
) -> Sample:
    """Run `commands` one after another and add up their measurements.

    Args:
        commands: commands, each an argument list.
        result: file or folder that they make, whose size is measured.
        environment: variables of the commands in addition to this process's environment.
        cwd: working folder of the commands.
        daemons: processes that work for the commands, measured with all their descendants.

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
    """Return the size of a file, or of all files below a folder, in bytes."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size


def _run(command: Sequence[str | Path], environment: Mapping[str, str] | None, cwd: Path | None) -> int:
    """Run a command and return the peak memory of the largest process that it started, in bytes."""
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
    """Return the usage of all processes that this one has waited for: the kernel adds up their counts."""
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
            continue  # it has just exited; its counts are added to its parent's
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
