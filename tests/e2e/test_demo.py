"""`make demo` on a machine with only Python and on one with an engine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.engines import Site

DEMO = Path(__file__).parents[2] / "examples/demo/demo.py"
TOOLS = (
    "sh awk sed tar find od sort mktemp tr cut chmod mkdir rm cat cmp df wc openssl xargs stat paste date "
    "uname nproc env ls ldd head tail sleep cp mv ln grep expr dirname stty id hostname"
)
BOTH = (
    "A key pair",
    "The plan",
    "The build",
    "The bundle is verified",
    "The installer verifies",
    "The preflight",
)


def test_without_docker(tmp_path: Path) -> None:
    """The PATH contains only the system's small tools."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in TOOLS.split():
        found = shutil.which(name)
        if found:
            (tools / name).symlink_to(found)
    result = subprocess.run(
        [sys.executable, DEMO],
        env={"PATH": str(tools), "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    for title in BOTH:
        assert f". {title}" in result.stdout
    assert "Here, Docker is not installed." in result.stdout
    assert "not found" not in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


@pytest.mark.engine
@pytest.mark.root
@pytest.mark.usefixtures("nothing_leaks")
def test_with_an_engine(site: Site, tmp_path: Path) -> None:
    result = site.run(sys.executable, DEMO, environment={"TMPDIR": str(tmp_path)})
    assert result.returncode == 0, result.stdout + result.stderr
    for title in (*BOTH, "The installation", "The status", "Away again", "Done"):
        assert f". {title}" in result.stdout
    assert "hello from a place without internet" in result.stdout
    assert "Uninstalled." in result.stdout
    assert site.docker("ps", "-aq") == ""
    assert "hello" not in site.docker("images")
    assert list(tmp_path.iterdir()) == []
