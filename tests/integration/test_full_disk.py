"""A cache on a small disk, which becomes full: the folder is named, and nothing invalid is kept."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from examples.demo.sample_registry import make_image
from tests.support.builder import ROOT
from tests.support.faults import FaultRegistry
from tests.support.programs import need_program, need_root

pytestmark = pytest.mark.root

NOISE = random.Random(7).randbytes(2_000_000)  # noqa: S311 the same in each run
"""Incompressible bytes, more than the smaller disk has."""


DISKS = {
    "too little space": ("size=400k", "too full: {}: 2.0 MB are to be fetched, but "),
    "too few files": ("size=8m,nr_inodes=8", "full: {}\n"),
}
"""Options of the disk, and what is said."""


@pytest.mark.parametrize(("disk", "says"), DISKS.values(), ids=DISKS.keys())
def test_a_full_disk_of_the_cache_is_named(tmp_path: Path, disk: str, says: str) -> None:
    need_root()
    cache = tmp_path / "cache"
    cache.mkdir()
    script = f"""mount -t tmpfs -o {disk} tmpfs {cache} || exit 9
"$@"
code=$?
find {cache} -type f
exit $code"""
    with FaultRegistry() as registry:
        registry.add_image("shop/app", "1", make_image({"noise": NOISE}))
        (tmp_path / "compose.yaml").write_text(
            f"name: shop\nservices:\n  app: {{image: '{registry.host}/shop/app:1'}}\n"
        )
        (tmp_path / "shop.yaml").write_text(
            "application: compose\nversion: '1.0'\nsources: [registry]\nsettings:\n  project: .\n"
        )
        words = ["build", "--profile", "./shop.yaml", "--cache", str(cache), "--unsigned"]
        failed = subprocess.run(
            [
                *(need_program("unshare", "util-linux"), "--mount", "sh", "-c", script, "-"),
                *(sys.executable, "-m", "bundler", *words),
            ],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": ROOT},
            capture_output=True,
            text=True,
            check=False,
        )
    assert failed.returncode == 1, failed.stderr
    assert f"error: the disk of the cache is {says.format(cache)}" in failed.stderr
    assert failed.stderr.splitlines()[-1].startswith("  hint: free some space there")
    assert "Traceback" not in failed.stderr
    blobs = [line for line in failed.stdout.splitlines() if "/blobs/" in line]
    assert len(blobs) <= 2, "only blobs that are complete: a manifest and a config"
    assert not list(tmp_path.glob("dist/*"))
