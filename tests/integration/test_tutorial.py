"""The tutorial, typed: every command of the page runs, in order, until the site is removed again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.kiosk import Host
from tests.support.programs import need_module

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/tutorial/first-site.md"
IMAGE = "docker.io/library/nginx:1.27-alpine"


def new_users_machine(folder: Path) -> dict[str, str]:
    """Its environment: a stand-in for docker, and what `pip install .` downloads is there already."""
    host = Host("dash", folder / "host", folder, folder)
    host.prepare()
    return {
        **host.variables(),
        "HOME": str(folder),
        "PATH": f"{folder}/host/bin:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": next(path for path in sys.path if path.endswith("site-packages")),
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def test_every_command_of_the_tutorial(tmp_path: Path) -> None:
    need_module("hatchling")
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert len(blocks) == PAGE.read_text().count("```") / 2
    with SampleRegistry() as registry:
        registry.add_image("library/nginx", "1.27-alpine", make_image({"bin/sh": b"\x7fELF"}))
        script = "".join(blocks).replace(IMAGE, f"{registry.host}/library/nginx:1.27-alpine")
        assert registry.host in script
        done = subprocess.run(
            ["sh", "-exc", script], cwd=ROOT, env=new_users_machine(tmp_path), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Preflight passed" in done.stdout
    assert done.stdout.count("All services are healthy") == 4, "installed, changed, upgraded, rolled back"
    assert not (tmp_path / "tutorial").exists()
