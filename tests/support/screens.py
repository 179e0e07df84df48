"""What an operator sees: commands typed one after the other on a terminal of some width, or into a pipe."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import termios
from dataclasses import dataclass
from pathlib import Path

from tests.support.fabricated import FILES, PROGRAMS, REAL, TOOLS
from tests.support.installer import SHELLS
from tests.support.kiosk import Host
from tests.support.programs import need_program

LIMIT = 120
"""Seconds for a command."""
SAME = ("dd", "df", "getent", "hostname", "uname")
"""Programs of the fabricated server that say the same on every machine."""
OWN = {*TOOLS, *REAL, "openssl", "sh"} - {*SAME}
"""Programs of this machine."""
VARIES = (
    (re.compile(r"(?!2026-01-31)\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?Z?( UTC)?"), "<time>"),
    (re.compile(r"\d{8}T\d{6}Z"), "<time>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<digest>"),
    (re.compile(r"\b1\.0-[0-9a-f]{8,}\b"), "<release>"),
    (re.compile(r"\b\d+(\.\d+)? ([kMG]?B)\b"), r"<size> \2"),
    (re.compile(r"\b\d+(\.\d+)? ms\b"), "<time> ms"),
    (re.compile(r"\b\d+\.\d s\b"), "<time> s"),
    (re.compile(r"(?<=healthy after )\d+|(?<=用时 )\d+"), "<number>"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uuid>"),
)
"""What is different in each run, and what stands in its place. Columns behind it move."""
DRAWN = re.compile(r"\r[^\r\n\x1b]*\x1b\[K")
"""A line that shows how far a long step is, or its end: whether it appears depends on time."""


@dataclass(frozen=True)
class Screen:
    """Where commands are typed.

    Attributes:
        host: the server.
        language: `en` or `zh`.
        width: columns of the terminal; None for a pipe.
    """

    host: Host
    language: str
    width: int | None

    def prepare(self) -> None:
        """Make the server the same on every machine."""
        self.host.prepare()
        for path, text in FILES.items():
            target = self.host.folder / "server" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        (self.host.folder / "server/proc/loadavg").write_text("0.10 0.20 0.30 1/100 1000\n")
        programs = self.host.folder / "server/bin"
        (programs / "sh").unlink()
        for name in OWN:
            (programs / name).symlink_to(need_program(name))
        own = {name: PROGRAMS[name] for name in SAME} | {
            "nproc": "echo 8",
            "docker": f'exec {self.host.docker} "$@"',
        }
        for name, script in own.items():
            (programs / name).write_text(f"#!/bin/sh\n{script}\n")
            (programs / name).chmod(0o755)

    def type(self, *words: str | Path) -> str:
        """Run a command; return the line as an operator types it, what it shows, and its exit code."""
        code, shown = self.run(*words)
        shown = DRAWN.sub("", shown).replace("\r", "<CR>").replace("\x1b", "<ESC>")
        name, words = (["kioskctl"], words[1:]) if words[0] == "ctl" else (["sh", "install"], words)
        return self._settle(f"$ {' '.join(map(str, [*name, *words]))}\n{shown}[{code}]\n")

    def run(self, *words: str | Path) -> tuple[int, str]:
        """Run a command; return its exit code, and what it shows as it is."""
        program = self.host.unpacked / "install"
        if words[0] == "ctl":
            program, words = self.host.root / "kioskctl", words[1:]
        command = [*SHELLS[self.host.shell], str(program), *map(str, words)]
        return self._on_terminal(command) if self.width else self._into_pipe(command)

    def _variables(self) -> dict[str, str]:
        locale = {"en": "C.UTF-8", "zh": "zh_CN.UTF-8"}[self.language]
        root = str(self.host.folder / "server")
        return {**self.host.variables(), "LANG": locale, "TERM": "xterm", "BUNDLE_PROBE_ROOT": root}

    def _into_pipe(self, command: list[str]) -> tuple[int, str]:
        done = subprocess.run(
            command, cwd=self.host.folder, env=self._variables(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=LIMIT,
        )  # fmt: skip
        return done.returncode, done.stdout

    def _on_terminal(self, command: list[str]) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (40, self.width or 0))
        with subprocess.Popen(
            command, cwd=self.host.folder, env=self._variables(), stdin=subprocess.DEVNULL,
            stdout=theirs, stderr=theirs, start_new_session=True,
        ) as process:  # fmt: skip
            os.close(theirs)
            shown = b""
            try:
                while read := os.read(ours, 65536):
                    shown += read
            except OSError:  # the last process has closed the terminal
                pass
            os.close(ours)
            code = process.wait(LIMIT)
        return code, shown.decode().replace("\r\n", "\n")

    def _settle(self, text: str) -> str:
        for path, name in (
            (self.host.root, "/opt/kiosk"),
            (self.host.unpacked, "/media/kiosk"),
            (self.host.key, "bundle.pub"),
            (self.host.folder, "/home/op"),
        ):
            text = text.replace(str(path), name)
        for pattern, name in VARIES:
            text = pattern.sub(name, text)
        return "".join(f"{line.rstrip()}\n" for line in text.splitlines())
