"""Run every command of the tutorial in order, until the site is removed again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from examples.demo.sample_registry import make_image
from tests.support.kiosk import Host
from tests.support.programs import need_module
from tests.support.tutorial import PAGE, commands, new_users_machine, type_in


def test_every_command_of_the_tutorial(tmp_path: Path) -> None:
    """Runs with a fake docker."""
    need_module("hatchling")
    blocks = commands()
    assert len(blocks) == PAGE.read_text().count("```") / 2
    host = Host("dash", tmp_path / "host", tmp_path, tmp_path)
    host.prepare()
    path = f"{tmp_path}/host/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"
    image = make_image({"bin/sh": b"\x7fELF"})
    done = type_in(blocks, image, {**host.variables(), **new_users_machine(tmp_path), "PATH": path})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Preflight passed" in done.stdout
    assert done.stdout.count("All services are healthy") == 4, "installed, changed, upgraded, rolled back"
    assert not (tmp_path / "tutorial").exists()
