"""Podman in place of Docker: what works is tested with a real Podman, what does not is reported.

Docker's command line and Compose connect to `podman system service`. docs/how-to/install.md has the details.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import BuiltBundle
from tests.e2e.test_main_line import psql
from tests.support.podman import PodmanSite
from tests.support.programs import run, sites_folder

pytestmark = [pytest.mark.engine, pytest.mark.peer]


class PodmanShop:
    """Site with Podman and the shop's bundle."""

    def __init__(self, site: PodmanSite, bundle: BuiltBundle) -> None:
        self.site = site
        self.root = site.folder / "shop"
        run("tar", "-xf", bundle.path, "-C", site.folder)
        self.unpacked = site.folder / bundle.path.stem
        self.key = bundle.key

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        common = ("--root", self.root, "--key", self.key, "--yes", "--set", "GREETING=hello")
        ports = ("--set", "WEB_PORT=18090", "--set", "WEB_ADDRESS=127.0.0.1")
        return self.site.run("sh", self.unpacked / "install", *arguments, *common, *ports)

    def control(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return self.site.run("sh", self.root / "shopctl", *arguments)


@pytest.fixture(scope="module")
def podman_shop(shop: BuiltBundle) -> Iterator[PodmanShop]:
    with tempfile.TemporaryDirectory(prefix="bp-", dir=sites_folder(), ignore_cleanup_errors=True) as name:
        site = PodmanSite(Path(name) / "podman")
        try:
            yield PodmanShop(site.open(), shop)
        finally:
            site.close()


def ids(shop: PodmanShop) -> dict[str, str]:
    """Return the config digest of each image in the bundle, by reference."""
    rows = [line.split("\t") for line in (shop.unpacked / "images.tsv").read_text().splitlines()[1:]]
    return {reference: config for reference, _, config, *_ in rows}


def test_installed_backed_up_and_restored_with_podman(podman_shop: PodmanShop) -> None:
    shop, site = podman_shop, podman_shop.site
    checks = json.loads(shop.run("preflight", "--json").stdout)["checks"]
    found = {check["id"]: check for check in checks}
    assert found["docker"]["result"] == "pass"
    assert found["docker"]["measured"].startswith("Podman ")
    with_systemd = Path("/run/systemd/system").is_dir()
    assert found["engine-mode"]["result"] == ("warn" if with_systemd else "fail")
    assert "Podman" in found["engine-mode"]["remedy"]

    done = shop.run("--accept", "engine-mode")
    assert done.returncode == 0, done.stdout + done.stderr
    for reference, config in ids(shop).items():
        assert site.docker("image", "inspect", "-f", "{{.Id}}", reference).strip() == config
    again = shop.run("--accept", "engine-mode")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "all already loaded" in again.stdout
    assert site.get("http://127.0.0.1:18090/") == "hello\n"
    psql(site, "INSERT INTO orders (what) VALUES ('tea')")

    backup = shop.control("backup")
    assert backup.returncode == 0, backup.stdout + backup.stderr
    psql(site, "DELETE FROM orders")
    (made,) = (shop.root / "backups").iterdir()
    restored = shop.control("restore", made.name, "--yes")
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert psql(site, "SELECT what FROM orders") == "tea"
    status = json.loads(shop.control("status", "--json").stdout)
    assert {each["service"]: each["state"] for each in status["services"]} == {
        "db": "running/healthy", "cache": "running/healthy", "web": "running/healthy", "migrate": "exited",
    }  # fmt: skip

    site.docker("rm", "-f", *site.docker("ps", "-aq").split())
    site.docker("rmi", "-f", "docker.io/library/redis:7")
    lost = shop.control("start")
    assert lost.returncode == 0, lost.stdout + lost.stderr
    removed = shop.control("uninstall", "--purge", "all", "--yes")
    assert removed.returncode == 0, removed.stdout + removed.stderr
    assert site.docker("ps", "-aq") == site.docker("images", "-aq") == ""
