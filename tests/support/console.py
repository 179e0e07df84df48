"""Run `bundle` in the test's process, so that a table of invalid inputs takes a second, not a minute."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bundler.cli.main import main


@dataclass(frozen=True)
class Outcome:
    """The result of a command: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 whatever a command prints
        """Parse standard output as JSON."""
        return json.loads(self.out)


Console = Callable[..., Outcome]


def isolate(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let commands see no keys, logins or configuration of the user; their cache is below `folder`."""
    for name in ("BUNDLE_KEY", "BUNDLE_KEY_PASSPHRASE", "SOURCE_DATE_EPOCH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BUNDLE_CACHE", str(folder / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder / "docker"))


def make_console(capsys: pytest.CaptureFixture[str]) -> Console:
    """Return `console`: `console("build", ...)` runs a command and never raises for its exit code."""

    def run(*arguments: str | Path) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), out, err)

    return run
