"""A short run of each fuzzer: kept inputs, then some new ones. `make fuzz` runs for longer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.driver import MEMORY, TARGETS

ROOT = Path(__file__).parents[2]
SECONDS = 1


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_crashes_hangs_or_is_believed(target: str, tmp_path: Path) -> None:
    result = subprocess.run(
        [
            sys.executable, "-m", "tests.fuzz.driver", target,
            "--seconds", str(SECONDS), "--seed", "1", "--keep", tmp_path / "found",
        ],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    report = json.loads(result.stdout)
    assert report["runs"]
    assert report["peak_mb"] * 1_000_000 <= MEMORY
