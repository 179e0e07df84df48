"""Ctrl-C ends the tests themselves, and leaves nothing of them on the machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.programs import need_program, need_root

pytestmark = [pytest.mark.engine, pytest.mark.root]
ROOT = Path(__file__).parents[2]
RUNS_FOR_LONG = """
import time
from pathlib import Path
from tests.support.images import build_images
from tests.support.programs import run

def test_runs_for_long(site):
    archive = site.folder / "busybox.tar"
    layout = build_images(["busybox"])["busybox"]
    run("skopeo", "copy", "--quiet", f"oci:{layout}:latest", f"docker-archive:{archive}:busybox:1")
    site.docker("load", "--quiet", "--input", archive)
    site.docker("run", "--detach", "busybox:1", "sleep", "600")
    Path(__file__).with_name("runs").touch()
    time.sleep(600)
"""


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """Provide a folder for temporary files, short enough for the sockets of engines."""
    with tempfile.TemporaryDirectory(prefix="cc-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def left(folder: Path) -> list[str]:
    """Return the processes and mounts that have to do with a folder for temporary files."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            texts = (each / "cmdline").read_bytes(), (each / "environ").read_bytes()
        except OSError:  # it ended
            continue
        if any(str(folder).encode() in text for text in texts):
            found.append(f"{each.name} {texts[0]!r}")
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    return found + [line for line in mounts if str(folder) in line]


def namespaces(worker: str) -> list[str]:
    """Return the network namespaces that a process made for its sites."""
    return [path.name for path in Path("/run/netns").glob(f"site{worker}*")]


def test_nothing_is_left_after_ctrl_c(elsewhere: Path) -> None:
    need_root()
    need_program("skopeo")
    program = elsewhere / "test_long.py"
    program.write_text(RUNS_FOR_LONG)
    command = [sys.executable, "-m", "pytest", "-n1", "--no-cov", "-p", "tests.conftest", "-k", "docker26"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    log = elsewhere / "log"
    with (
        log.open("wb") as said,
        subprocess.Popen(
            [*command, "-c", "pyproject.toml", "--rootdir", str(ROOT), str(program)],
            cwd=ROOT,
            env={**environment, "TMPDIR": str(elsewhere)},
            stdout=said,
            stderr=said,
            process_group=0,
        ) as tests,
    ):
        try:
            deadline = time.monotonic() + 300
            while not (elsewhere / "runs").exists():
                assert tests.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.2)
            (worker,) = Path(f"/proc/{tests.pid}/task/{tests.pid}/children").read_text().split()
            assert namespaces(worker)
        finally:
            if tests.poll() is None:
                os.killpg(tests.pid, signal.SIGINT)
            code = tests.wait(300)
    assert code == pytest.ExitCode.INTERRUPTED, log.read_text()
    assert left(elsewhere) == []
    assert namespaces(worker) == []
    assert not list(elsewhere.glob("bt-*/*"))
