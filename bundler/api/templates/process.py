"""A project's templates, filled in by a process of their own with bounded time and memory.

A sandbox keeps a template from what it must not see; it cannot stop `9**9**9`, or a loop in a loop. The
kernel can. The process has none of the environment's variables, so there are no secrets in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import IO, Final, Self

from bundler.api.templates.jinja import FILE
from bundler.errors import BundleError

MEMORY: Final = 512 << 20
"""Bytes; Python itself takes some 60 MiB of them."""
SECONDS: Final = 5.0
"""Of processor time, for each template. Usual ones take some milliseconds."""
PATIENCE: Final = 120.0
"""Seconds on the clock, however busy the machine is."""
LARGEST: Final = 4 << 20
"""Bytes of a file that a template is filled in to."""
_STACK: Final = "Stack (most recent call first):"
_FRAME: Final = re.compile(rf'File "{re.escape(FILE)}", line ([0-9]+)')


class Templates:
    """Fills in the templates of one project; the process is started for the first of them.

    Attributes:
        values: what they may use.
    """

    def __init__(self, values: Mapping[str, object], seconds: float = SECONDS) -> None:
        """Begin without a process.

        Args:
            values: what they may use.
            seconds: of processor time that each may take.
        """
        self.values = values
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._trace: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self._stop()

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            with self._process, contextlib.suppress(BrokenPipeError):  # closes the pipes
                pass
        if self._trace is not None:
            self._trace.close()
        self._process = self._trace = None

    def render(self, source: str, name: str) -> str:
        """Fill in a template: see `bundler.api.templates.jinja.render_text`.

        Args:
            source: the template's text.
            name: what errors call it, a file name.

        Raises:
            BundleError: the template is wrong, or takes too much time or memory; file and line are named.
        """
        process = self._start() if self._process is None else self._process
        assert process.stdin is not None  # noqa: S101 it has pipes
        assert process.stdout is not None  # noqa: S101 likewise
        patience = threading.Timer(PATIENCE, process.kill)
        patience.start()
        try:
            process.stdin.write(json.dumps({"name": name, "source": source}).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = b""
        finally:
            patience.cancel()
        if not line.endswith(b"\n"):
            raise self._ended(process.wait(), name)
        answer = json.loads(line)
        if "text" in answer:
            return str(answer["text"])
        raise BundleError(answer["error"], hint=answer["hint"])

    def _start(self) -> subprocess.Popen[bytes]:
        self._trace = tempfile.TemporaryFile()  # noqa: SIM115 it is open as long as the process
        trace = self._trace.fileno()
        limits = map(str, (trace, MEMORY, self._seconds, LARGEST))
        path = os.pathsep.join(folder or os.getcwd() for folder in sys.path)  # noqa: PTH109 a text
        self._process = subprocess.Popen(  # noqa: S603 this program
            [sys.executable, "-S", "-P", "-X", "utf8", "-m", "bundler.api.templates.worker", *limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[trace],
            env={"PYTHONPATH": path},
        )
        assert self._process.stdin is not None  # noqa: S101 it has a pipe
        self._process.stdin.write(json.dumps(dict(self.values)).encode() + b"\n")
        return self._process

    def _ended(self, code: int, name: str) -> BundleError:
        """Why there was no answer, and where the template was."""
        where = f"{name}{self._place()}"
        self._stop()
        if code == -signal.SIGPROF:
            return BundleError(
                f"{where}: uses more than {self._seconds:g} s of CPU time",
                hint="remove the loop or calculation; rendering a configuration takes milliseconds",
            )
        return BundleError(f"{where}: the template process exited with code {code}")

    def _place(self) -> str:
        """`:7`, or nothing where the template did not run yet."""
        if self._trace is None:
            return ""
        self._trace.seek(0)
        first, _, trace = self._trace.read().decode("utf-8", "replace").partition("\n")
        stacks = reversed(trace.split(_STACK))
        found = next(filter(None, map(_FRAME.search, stacks)), None)
        if found is None:
            return ""
        lines = [template for template, python in json.loads(first) if python <= int(found[1])]
        return f":{lines[-1] if lines else 1}"
