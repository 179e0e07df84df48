"""`bundle --help` starts fast: expensive modules are imported only by the commands that need them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bundler.cli.main import COMMANDS

COSTLY = {
    "pydantic",
    "yaml",
    "urllib3",
    "cryptography",
    "docker",
    "jinja2",
    "zstandard",
    "requests",
    "rich",
    "dotenv",
    "truststore",
    "tarfile",
}
CODE = """
import atexit, sys
before = set(sys.modules)
atexit.register(lambda: sys.stderr.write("\\n".join(set(sys.modules) - before)))
from bundler.cli.main import main
main(sys.argv[1:])
"""


def imported(*arguments: str) -> set[str]:
    """Return the modules that a run of `bundle` imports, except those that Python imports at startup."""
    command = [sys.executable, "-c", CODE, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(result.stderr.splitlines())


def test_help_imports_nothing_that_costs_time() -> None:
    found = imported("--help")
    assert {name.partition(".")[0] for name in found} & COSTLY == set()
    assert {name for name in found if name.startswith("bundler")} == {
        "bundler",
        "bundler.cli",
        "bundler.cli.language",
        "bundler.cli.main",
        "bundler.terminal",
        "bundler.terminal.console",
        "bundler.errors",
        "bundler.language",
        "bundler.profile",
        "bundler.profile.configuration_paths",
    }
    assert len(found) <= 110, "a tenth of a second, on a slow machine two"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_imports_nothing_costly_either(command: str) -> None:
    assert {name.partition(".")[0] for name in imported(command, "--help")} & COSTLY == set()


def test_models_are_built_when_they_are_first_used() -> None:
    """Building all models takes a tenth of a second, too much for a command that reads a single file."""
    code = """
from bundler.build import lock
from bundler.bundle import manifest
from bundler.profile import model as profile
for model in (lock.Pin, manifest.BundleManifest, profile.Profile):
    assert not model.__pydantic_complete__, model
"""
    subprocess.run([sys.executable, "-c", code], check=True)
