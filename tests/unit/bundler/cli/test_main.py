"""Exit codes and output of `bundle` for each kind of error."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from bundler.cli import main as cli
from bundler.cli.main import INTERRUPTED, NAMES
from bundler.errors import ExitCode
from tests.support.console import Console, make_console

ROOT = Path(__file__).parents[4]


@pytest.fixture
def console(capsys: pytest.CaptureFixture[str]) -> Console:
    return make_console(capsys)


def let_it_raise(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make every command fail with this error."""

    def main(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(cli.bundle, "main", main)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_ctrl_c_says_that_the_work_is_kept(
    error: BaseException, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_it_raise(monkeypatch, error)
    done = console("build")
    assert done.code == INTERRUPTED
    assert "the next build continues from there" in done.err


def test_an_error_of_the_system_names_the_file(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    let_it_raise(monkeypatch, OSError(28, "No space left on device", "/cache/blob"))
    done = console("build")
    assert done.code == ExitCode.FAILED
    assert "/cache/blob: No space left on device" in done.err
    assert "Traceback" not in done.err
    monkeypatch.setenv("BUNDLE_DEBUG", "1")
    assert "Traceback" in console("build").err


def test_an_error_of_the_system_without_a_file_is_told_too(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_it_raise(monkeypatch, OSError("no more processes"))
    assert "no more processes" in console("build").err


def test_no_command_shows_the_help(console: Console) -> None:
    done = console()
    assert done.code == ExitCode.USAGE
    assert "build" in done.err


def test_an_unknown_command_is_told_with_the_nearest(console: Console) -> None:
    done = console("biuld")
    assert done.code == ExitCode.USAGE
    assert "did you mean build?" in done.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_completes_commands_in_each_shell(shell: str, console: Console) -> None:
    done = console("completion", shell)
    assert done.code == 0
    assert "_BUNDLE_COMPLETE" in done.out


def test_a_shell_that_asks_for_completions_gets_the_commands() -> None:
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "_BUNDLE_COMPLETE": "bash_complete",
        "COMP_WORDS": "bundle ver", "COMP_CWORD": "1",
    }  # fmt: skip
    code = "from bundler.cli.main import bundle; bundle(prog_name='bundle')"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "plain,verify"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_name_completes_itself(
    name: str, shell: str, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [f"/usr/bin/{name}"])
    script = console("completion", shell).out
    assert f"_{name.upper()}_COMPLETE" in script
    assert script.count(f"_{name}_completion") > 0
    other = "_AIRBUNDLE_COMPLETE" if name == "bundle" else "_BUNDLE_COMPLETE"
    assert other not in script
    monkeypatch.setenv(f"_{name.upper()}_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"{name} ver")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert console().out == "plain,verify\n"


def test_help_and_errors_say_the_name_that_was_typed(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/airbundle"])
    assert console("verify", "--help").out.startswith("Usage: airbundle verify")
    assert "`airbundle build --help` shows the options" in console("build").err


def test_it_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bundler", "--help"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("Usage: bundle [OPTIONS]")


def test_the_wheel_has_a_command_of_each_name() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == dict.fromkeys(NAMES, "bundler.cli.main:main")


def test_a_reader_that_is_gone_ends_it_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "bundler", "schema"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=writer, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    os.close(writer)
    assert done.returncode == ExitCode.FAILED
    assert done.stderr == b""
