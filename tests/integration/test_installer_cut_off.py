"""A truncated script does nothing, wherever it is cut."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.installer import SHELLS, need_shell, shells
from tests.support.kiosk import Host, Kiosk

PLACES = 30
"""Number of cuts spread evenly over the file; more cuts are made at risky places."""
PROGRAMS = (
    rb"^(?:at|clear|dump|expand|find|hash|load|make|open|print|read|run|set|split|test|wait|write)(?=_|\b)"
)
"""Prefixes of function names that are themselves programs or built-in commands."""


def cuts(content: bytes) -> list[int]:
    even = range(1, len(content), len(content) // PLACES)
    names = [found.end() for found in re.finditer(PROGRAMS, content, re.MULTILINE)]
    return sorted({*even, *names, *range(len(content) - 14, len(content) - 1)})


def listing(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


@pytest.mark.parametrize("shell", shells())
@pytest.mark.parametrize("file", ["install", "preflight.sh"])
def test_a_file_cut_off_does_nothing(file: str, shell: str, kiosk: Kiosk, tmp_path: Path) -> None:
    """The bundle is one that the complete file would install."""
    need_shell(shell)
    host = Host(
        shell, tmp_path, kiosk.unpack(tmp_path), kiosk.key, {"BUNDLE_TRUSTED_KEYS": str(kiosk.key.parent)}
    )
    host.prepare()
    script = host.unpacked / file
    if file != "install":
        shutil.copy(kiosk.path.with_suffix(".preflight.sh"), script)
    content = script.read_bytes()
    (tmp_path / "Makefile").write_text("all:\n\ttouch made\n")
    before = listing(tmp_path)
    acted = []
    for cut in cuts(content):
        script.write_bytes(content[:cut])
        result = subprocess.run(
            [*SHELLS[shell], script],
            cwd=tmp_path,
            env=host.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=60,
        )
        if result.stdout or host.calls() or listing(tmp_path) != before:
            acted.append((cut, result.stdout))
    assert acted == []
    script.write_bytes(content)
    whole = host.run("--root", host.root, "--set", "GREETING=x", "--yes") if file == "install" else None
    assert whole is None or whole.returncode == 0, whole.stderr


def test_the_cuts_are_where_they_might_hurt(kiosk: Kiosk, tmp_path: Path) -> None:
    content = (kiosk.unpack(tmp_path) / "install").read_bytes()
    lines = {content[:cut].rpartition(b"\n")[2] for cut in cuts(content)}
    assert {b"make", b"at", b"find", b"read", b"main"} <= lines
