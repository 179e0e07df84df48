"""Run programs with chosen system calls failing: injector.c, compiled once."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.support.programs import missing, need_program

SOURCE = Path(__file__).with_suffix(".c")


@dataclass(frozen=True)
class Fault:
    """The calls that fail.

    Attributes:
        calls: the group of system calls, as named in injector.c.
        number: the first call that fails, counted from 1 over all processes.
        mode: `once`, `ever`, `short`, `half`, `count` or `list`, as in injector.c.
        folders: restricts the fault to calls on files below them; empty for all calls.
    """

    calls: str
    number: int
    mode: str
    folders: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Injected:
    """The result of a command run with a fault.

    Attributes:
        code: its exit code; 128 plus the number of the signal that ended it.
        output: what it printed.
        calls: number of calls of the group.
        failed: number of calls that failed.
        left: 1 if a process that it started was still running some seconds after it ended.
        places: the first calls that failed, with the command lines that made them; with `list`, all calls.
    """

    code: int
    output: str
    calls: int
    failed: int
    left: int
    places: tuple[str, ...]


@functools.cache
def compile_injector() -> Path:
    """Compile the injector; skip the test where that fails, or where the kernel does not let it work."""
    compiler = need_program("cc", "gcc libc6-dev")
    folder = Path(tempfile.mkdtemp(prefix="injector-"))
    program = folder / "injector"
    subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, SOURCE], check=True)
    tried = subprocess.run(
        [program, "fork", "1", "count", "", folder / "report", "/bin/true"],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode:
        missing(f"needs ptrace and seccomp filters: {tried.stderr.strip()}")
    return program


def inject(
    fault: Fault, command: list[str], *, environment: dict[str, str], folder: Path, report: Path
) -> Injected:
    """Run a command in a folder; the injector writes to the file `report`."""
    words = [
        str(compile_injector()),
        fault.calls,
        str(fault.number),
        fault.mode,
        ":".join(map(str, fault.folders)),
        str(report),
        need_program(command[0]),
        *command[1:],
    ]
    done = subprocess.run(
        words,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        start_new_session=True,
        timeout=300,
    )
    lines = report.read_text(errors="replace").splitlines()
    figures = dict(line.split("=", 1) for line in lines if line.startswith(("calls=", "failed=", "left=")))
    return Injected(
        done.returncode,
        done.stdout.decode(errors="replace"),
        int(figures["calls"]),
        int(figures["failed"]),
        int(figures["left"]),
        tuple(line for line in lines if line.startswith(("failed ", "short ", "call "))),
    )


def remove_injector() -> None:
    """Remove what `compile_injector` made."""
    if compile_injector.cache_info().currsize:
        program = compile_injector()
        program.unlink()
        (program.parent / "report").unlink(missing_ok=True)
        program.parent.rmdir()
        compile_injector.cache_clear()
