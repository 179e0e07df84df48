"""A small disk that becomes full: its folder is named, and nothing invalid is kept."""

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
from tests.support.installer import SHELLS
from tests.support.kiosk import Host
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


@pytest.mark.parametrize("size", ["40k", "100k", "150k", "1m"])
def test_a_full_temporary_folder_of_the_site_is_named(host: Host, size: str) -> None:
    need_root()
    full = host.folder / "full"
    full.mkdir()
    script = f'mount -t tmpfs -o size={size} tmpfs "$TMPDIR" && exec "$@"'
    program: list[str | Path] = [*SHELLS[host.shell], host.unpacked / "install", "install"]
    program += ["--root", host.root, "--key", host.key, "--yes", "--set", "GREETING=x", "--accept", "scratch"]
    failed = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "-", *program],
        env={**host.variables(), "TMPDIR": str(full)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert failed.stderr.splitlines()[-1].startswith(f"The temporary folder in {full} is full")
    assert not [word for word in ("signed", "signature", "damaged") if word in failed.stderr]
    assert "load" not in host.calls()
    assert not host.root.exists()
