"""A private terminal for programs that prompt."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


def converse(
    command: Sequence[str],
    answers: Sequence[tuple[str, str]],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    limit: float = 600,
) -> tuple[int, str]:
    """Run a command on a terminal; wait for each text in turn and type its answer.

    Returns:
        Exit code, and everything shown on the terminal.

    Raises:
        AssertionError: a text did not appear within `limit` seconds.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", *command],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd, env=dict(environment),
    )  # fmt: skip
    os.close(theirs)
    shown, seen = b"", 0
    waiting = list(answers)
    deadline = time.monotonic() + limit
    try:
        while True:
            assert time.monotonic() < deadline, shown.decode(errors="replace")
            if not select.select([ours], [], [], 1)[0]:
                continue
            try:
                more = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not more:
                break
            shown += more
            while waiting and (at := shown.find(waiting[0][0].encode(), seen)) >= 0:
                seen = at + len(waiting[0][0].encode())
                os.write(ours, waiting.pop(0)[1].encode() + b"\n")
        code = process.wait(timeout=60)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    text = shown.decode(errors="replace")
    assert not waiting, f"never asked for {waiting}:\n{text}"
    return code, text
