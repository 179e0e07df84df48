"""Records of rehearsals: what exists because of them, so that it can be removed whatever happens.

    <records>/<id>.json    written before anything is made, removed after everything is gone
    <records>/<id>.log     kept after a failure: what the engine and the installer said

A record names processes by ID and start time, so that a process that got the same ID later is never ended.
Only what a record names is removed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Literal

from bundler.io.files import write_whole

CGROUPS: Final = Path("/sys/fs/cgroup")
PATIENCE: Final = 20.0
"""Seconds for processes to end after SIGKILL."""
State = Literal["running", "kept"]


@dataclass(frozen=True)
class Process:
    """A process: its ID, and its start time in clock ticks since the boot (proc(5), stat, field 22)."""

    pid: int
    start: int

    @classmethod
    def of(cls, pid: int) -> Process:
        """Return the process that has this ID now.

        Raises:
            ProcessLookupError: there is none.
        """
        start = _start_time(pid)
        if start is None:
            raise ProcessLookupError(pid)
        return cls(pid, start)

    @property
    def lives(self) -> bool:
        """Whether it still runs."""
        return _start_time(self.pid) == self.start

    def kill(self) -> None:
        """End it at once, and wait until it has ended."""
        deadline = time.monotonic() + PATIENCE
        while self.lives and time.monotonic() < deadline:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.02)


def _start_time(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


@dataclass(frozen=True)
class Record:
    """A rehearsal that has not been removed.

    Attributes:
        id: names it; also its control group.
        state: `kept` if it may outlive the command that made it.
        boot: ID of the boot; after another one, no process of it exists.
        scratch: its folder.
        owner: the command that made it.
        first: process 1 of the site, seen from this machine; None if it was not started yet.
    """

    id: str
    state: State
    boot: str
    scratch: str
    owner: Process
    first: Process | None = None

    def write(self, records: Path) -> None:
        """Write the record, so that it lasts."""
        records.mkdir(parents=True, exist_ok=True)
        write_whole(records / f"{self.id}.json", json.dumps(asdict(self)).encode(), 0o600, lasting=True)

    def with_first(self, first: Process) -> Record:
        """Return the record with process 1 of the site."""
        return replace(self, first=first)

    def kept(self) -> Record:
        """Return the record of a site that stays."""
        return replace(self, state="kept")

    @property
    def this_boot(self) -> bool:
        """Whether its processes can still exist."""
        return self.boot == boot_id()

    def remove(self, records: Path) -> None:
        """End the site and remove everything that it left: processes, folder, control groups, record."""
        if self.first is not None and self.this_boot:
            self.first.kill()
        scratch = Path(self.scratch)
        if scratch.name == self.id and not scratch.is_symlink():
            _remove_folder(scratch)
        _remove_cgroups(self.id)
        (records / f"{self.id}.json").unlink(missing_ok=True)


def read_records(records: Path) -> list[Record]:
    """Return all records, the oldest first; unreadable files are not records."""
    found = []
    for path in sorted(records.glob("*.json")):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            fields = json.loads(path.read_text())
            owner, first = Process(**fields.pop("owner")), fields.pop("first")
            record = Record(**fields, owner=owner, first=Process(**first) if first else None)
            if record.id == path.stem:
                found.append(record)
    return found


def remove_left(records: Path, *, kept: bool) -> list[Record]:
    """Remove what killed rehearsals left, and with `kept` also sites that were kept; return their records."""
    removed = []
    for record in read_records(records):
        if record.state == "running" and record.this_boot and record.owner.lives:
            continue
        if record.state == "kept" and record.this_boot and not kept:
            continue
        record.remove(records)
        removed.append(record)
    return removed


def boot_id() -> str:
    """Return the ID of this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _remove_folder(folder: Path) -> None:
    """Remove it; what is in use for a moment longer is tried again."""
    deadline = time.monotonic() + PATIENCE
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=time.monotonic() < deadline)
        time.sleep(0.05)


def _remove_cgroups(name: str) -> None:
    """Remove the control groups of a site, in version 2 or in each hierarchy of version 1."""
    for top in (CGROUPS / name, *(each / name for each in CGROUPS.iterdir() if each.is_dir())):
        if top.is_dir():
            for folder, _, _ in os.walk(top, topdown=False):
                _remove_cgroup(Path(folder))


def _remove_cgroup(folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while folder.is_dir():
        try:
            folder.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                return
            time.sleep(0.02)
