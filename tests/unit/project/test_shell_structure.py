"""Files and functions of the installer's shell are short, and its awk programs are in separate files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.shell_calls import function_lengths, quoted_texts

INSTALLER = Path(__file__).parents[3] / "plugins/bundler_installer"
FILE_LIMIT = 400
FUNCTION_LIMIT = 60
AWK_LIMIT = 5
"""Maximum number of lines of an awk program inside a shell file."""
SHELL = {str(path.relative_to(INSTALLER / "shell")): path for path in INSTALLER.glob("shell/**/*.sh")}
AWK = {str(path.relative_to(INSTALLER / "awk")): path for path in INSTALLER.glob("awk/**/*.awk")}
OTHER_PROGRAMS = {"preflight/probe.sh"}
"""Files with a program for the shell in a container."""


def test_files_have_at_most_400_lines() -> None:
    lines = {name: len(path.read_text().splitlines()) for name, path in {**SHELL, **AWK}.items()}
    assert len(lines) > 100
    assert {name: count for name, count in lines.items() if count > FILE_LIMIT} == {}


def test_functions_have_at_most_60_lines() -> None:
    found = {
        f"{name}: {function}": count
        for name, path in SHELL.items()
        for function, count in function_lengths(path.read_text()).items()
    }
    assert len(found) > 700
    assert {name: count for name, count in found.items() if count > FUNCTION_LIMIT} == {}


@pytest.mark.parametrize("name", sorted(SHELL))
def test_a_source_says_what_it_is_for(name: str) -> None:
    first = SHELL[name].read_text().splitlines()[0]
    titles = (f"# ---- {name.removesuffix('.sh')}: ", "#!/bin/sh", "# ---- main", "# ---- standalone: ")
    assert first.startswith(titles)


@pytest.mark.parametrize("name", sorted(SHELL))
def test_long_awk_programs_have_files_of_their_own(name: str) -> None:
    longest = max(
        (len(text.split("\n")) for text in map(str.strip, quoted_texts(SHELL[name].read_text()))), default=0
    )
    assert longest <= AWK_LIMIT or name in OTHER_PROGRAMS


@pytest.mark.parametrize("name", sorted(AWK))
def test_an_awk_program_says_what_it_does_and_is_used(name: str) -> None:
    assert AWK[name].read_text().startswith("# ")
    variable = "$PROGRAM_" + name.removesuffix(".awk").replace("/", "_").upper()
    assert re.fullmatch(r"\$PROGRAM_[A-Z]+_[A-Z0-9_]+", variable)
    assert any(variable in path.read_text() for path in SHELL.values()), f"nothing reads {variable}"
