"""Renders a project's templates in a separate process with limited time and memory.

A sandbox controls what a template can access, but it cannot stop `9**9**9` or nested loops. The kernel can.
The process inherits no environment variables, so it has no access to secrets in them.
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
from bundler.language import language, tr

MEMORY: Final = 512 << 20
"""Memory limit in bytes; Python itself takes about 60 MiB of it."""
SECONDS: Final = 5.0
"""Seconds of processor time for each template. Typical templates take a few milliseconds."""
PATIENCE: Final = 120.0
"""Timeout in seconds of wall-clock time, for busy machines."""
LARGEST: Final = 4 << 20
"""Bytes of the largest file that a template may produce."""
_STACK: Final = "Stack (most recent call first):"
_FRAME: Final = re.compile(rf'File "{re.escape(FILE)}", line ([0-9]+)')


class Templates:
    """Renders the templates of one project. The process is started for the first template.

    Attributes:
        values: values available to the templates.
    """

    def __init__(self, values: Mapping[str, object], seconds: float = SECONDS) -> None:
        """Store the settings; the process is not started yet.

        Args:
            values: values available to the templates.
            seconds: processor time for each template.
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
        """Render a template; see `bundler.api.templates.jinja.render_text`.

        Args:
            source: the template's text.
            name: file name for error messages.

        Raises:
            BundleError: the template is invalid, or takes too much time or memory; the message gives file and
                line.
        """
        process = self._start() if self._process is None else self._process
        assert process.stdin is not None  # noqa: S101 opened with pipes
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
        self._trace = tempfile.TemporaryFile()  # noqa: SIM115 stays open as long as the process
        trace = self._trace.fileno()
        arguments = map(str, (trace, MEMORY, self._seconds, LARGEST, language()))
        path = os.pathsep.join(folder or os.getcwd() for folder in sys.path)  # noqa: PTH109 joined as text
        self._process = subprocess.Popen(  # noqa: S603 this program
            [sys.executable, "-S", "-P", "-X", "utf8", "-m", "bundler.api.templates.worker", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[trace],
            env={"PYTHONPATH": path},
        )
        assert self._process.stdin is not None  # noqa: S101 opened with a pipe
        self._process.stdin.write(json.dumps(dict(self.values)).encode() + b"\n")
        return self._process

    def _ended(self, code: int, name: str) -> BundleError:
        """Return the error for a process that ended without an answer, with the template's position."""
        where = f"{name}{self._place()}"
        self._stop()
        if code == -signal.SIGPROF:
            return BundleError(
                tr("{where}: uses more than {seconds:g} s of CPU time", where=where, seconds=self._seconds),
                hint=tr("remove the loop or calculation; rendering a configuration takes milliseconds"),
            )
        return BundleError(
            tr("{where}: the template process exited with code {code}", where=where, code=code)
        )

    def _place(self) -> str:
        """Return the position as `:7`; empty if the template had not started to run."""
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
