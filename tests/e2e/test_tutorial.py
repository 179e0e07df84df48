"""Run the tutorial on a machine with a real engine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.engines import Site
from tests.support.programs import need_module, need_program
from tests.support.tutorial import ROOT, WELCOME

pytestmark = [pytest.mark.engine, pytest.mark.root]


@pytest.mark.usefixtures("nothing_leaks")
def test_every_command_of_the_tutorial(site: Site, tmp_path: Path) -> None:
    need_module("hatchling")
    need_program("busybox", "busybox-static")
    done = site.run(
        sys.executable, "-m", "tests.support.tutorial", cwd=ROOT, environment={"HOME": str(tmp_path)}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert WELCOME in done.stdout
    assert done.stdout.count("All services are healthy") == 5, "also after the backup"
    assert not (tmp_path / "tutorial").exists()
    assert site.docker("ps", "-aq") == ""
