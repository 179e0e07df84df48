"""Preflight on a site with a real engine: live probe, accepted checks, separate preflight file."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import BuiltBundle
from tests.e2e.test_main_line import SHELLS, carry
from tests.support.engines import Site

pytestmark = pytest.mark.engine
PROBES = {"probe-start", "probe-threads", "probe-names", "probe-port", "open-files"}


def checks(result: subprocess.CompletedProcess[str]) -> dict[str, dict[str, str]]:
    return {check["id"]: check for check in json.loads(result.stdout)["checks"]}


def test_a_container_is_tried_before_anything_is_switched(shop: BuiltBundle, site: Site) -> None:
    ahead = shop.path.with_name(f"{shop.path.stem}.preflight.sh")
    root = site.folder / "preflight"
    answers = ["--set", "GREETING=x", "--set", "WEB_PORT=18090"]
    alone = site.run(*SHELLS[site.newer], ahead, "--root", root, *answers, "--json")
    assert alone.returncode == 0, alone.stdout + alone.stderr
    found = checks(alone)
    assert not PROBES & set(found)
    assert found["docker"]["result"] == "pass"
    assert not root.exists()

    unpacked = carry(shop, site)
    common: list[str | Path] = ["--root", root, "--key", shop.key, "--yes", *answers]
    install: list[str | Path] = [*SHELLS[site.newer], unpacked / "install"]
    early = site.run(*install, "preflight", "--probe", *common)
    assert early.returncode == 1, early.stdout + early.stderr

    try:
        done = site.run(
            *install, *common, "--probe", "--accept", "container", "--report", site.folder / "report.html"
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert (site.folder / "report.html").exists()
        probed = site.run(*install, "preflight", "--probe", "--json", *common)
        found = checks(probed)
        assert set(found) >= PROBES, probed.stderr
        for name in PROBES - {"open-files"}:  # the tests' engine has the test run's limits
            assert found[name]["result"] == "pass", found[name]
        assert found["probe-threads"]["measured"].startswith("threads (redis-server), 64 processes")
        assert found["port"]["result"] == "pass"
        assert "bundle-probe" not in site.docker("ps", "-a", "--format", "{{.Names}}")
        assert "bundle-probe" not in site.docker("network", "ls", "--format", "{{.Name}}")
    finally:
        site.run(*install, "uninstall", "--root", root, "--purge", "all", "--yes")
        shutil.rmtree(root, ignore_errors=True)
