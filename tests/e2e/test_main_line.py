"""Main path: from images in a registry to a running, verified installation without internet access."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest

from tests.e2e.conftest import BuiltBundle
from tests.support.engines import Site

pytestmark = pytest.mark.engine

SHELLS = {False: ("dash",), True: ("busybox", "sh")}


def carry(shop: BuiltBundle, site: Site) -> Path:
    """Copy only the bundle's file to the site, and unpack it there."""
    folder = site.folder / "carried"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(shop.path, folder)
    shutil.copy(shop.key, folder)
    result = site.run("tar", "-xf", shop.path.name, cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder / shop.path.stem


def run_in(site: Site, service: str, *command: str) -> str:
    container = site.docker("ps", "-q", "--filter", f"label=com.docker.compose.service={service}").strip()
    return site.docker("exec", container, *command).strip()


def psql(site: Site, statement: str) -> str:
    return run_in(site, "db", "psql", "-U", "shop", "-d", "shop", "-Atc", statement)


def probed(status: str) -> dict[str, str]:
    """Return the state of each probe in the output of `status --json`."""
    return {entry["id"]: entry["result"] for entry in json.loads(status)["probes"]}


def check_stop(site: Site, control: list[str | Path]) -> None:
    """Check that stopped services do not run, and that they start again with their data."""
    assert site.run(*control, "stop").returncode == 0
    stopped = site.run(*control, "status", "--json")
    found = json.loads(stopped.stdout)
    assert (stopped.returncode, found["stopped"], found["probes"]) == (1, True, [])
    started = site.run(*control, "start")
    assert started.returncode == 0, started.stdout + started.stderr
    assert psql(site, "SELECT what FROM orders") == "tea"


def check_restart(site: Site, control: list[str | Path]) -> None:
    """Check that a restart keeps the containers and their data."""
    before = site.docker("ps", "-q")
    restarted = site.run(*control, "restart")
    assert restarted.returncode == 0, restarted.stdout + restarted.stderr
    assert site.docker("ps", "-q") == before
    assert psql(site, "SELECT what FROM orders") == "tea"


@pytest.mark.usefixtures("nothing_leaks")
def test_install_run_and_uninstall_without_internet(shop: BuiltBundle, site: Site) -> None:
    unpacked = carry(shop, site)
    root = site.folder / "opt shop"
    shell: list[str | Path] = [*SHELLS[site.newer]]
    install: list[str | Path] = [*shell, unpacked / "install"]
    common: list[str | Path] = ["--root", root, "--key", shop.key.name, "--yes"]

    unanswered = site.run(*install, *common, cwd=unpacked.parent)
    assert unanswered.returncode == 2, unanswered.stderr
    assert "GREETING" in unanswered.stderr

    answers = site.folder / "answers.env"
    answers.write_text(
        "# the site's answers\nGREETING=a & b <c>\nWEB_PORT=18080\nMOTTO=it's $5 \\ a \"piece\" ${X} 你好\n"
    )
    done = site.run(*install, *common, "--answers", answers, cwd=unpacked.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "18080" in done.stdout

    assert site.get("http://127.0.0.1:18080/") == "a & b <c>\n"
    assert run_in(site, "web", "printenv", "MOTTO") == 'it\'s $5 \\ a "piece" ${X} 你好'
    psql(site, "INSERT INTO orders (what) VALUES ('tea')")
    assert psql(site, "SELECT what FROM orders") == "tea"

    secrets = root / "secrets.env"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    password = dict(line.split("=", 1) for line in secrets.read_text().splitlines())["POSTGRES_PASSWORD"]
    assert len(password) == 32
    assert password not in done.stdout + done.stderr
    assert all(password not in log.read_text() for log in (root / "log").iterdir())

    control = [*shell, root / "shopctl"]
    status = site.run(*control, "status", "--json")
    assert status.returncode == 0, status.stdout + status.stderr
    assert {s["service"] for s in json.loads(status.stdout)["services"]} == {"db", "cache", "migrate", "web"}
    assert probed(status.stdout) == {"orders": "ok", "basket": "ok", "motto": "ok"}

    again = site.run(*install, *common, cwd=unpacked.parent)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "all already loaded" in again.stdout
    assert secrets.read_text().count(password) == 1

    check_stop(site, control)
    if site.newer:
        check_restart(site, control)
    logs = site.run(*control, "logs", "db")
    assert "database system is ready" in logs.stdout

    removed = site.run(*control, "uninstall", "--yes")
    assert removed.returncode == 0, removed.stdout + removed.stderr
    assert site.docker("ps", "-aq") == ""
    assert (root / "data/data/db/PG_VERSION").exists()
    assert secrets.exists()

    purged = site.run(*install, "uninstall", "--root", root, "--purge", "all", "--yes", cwd=unpacked.parent)
    assert purged.returncode == 0, purged.stdout + purged.stderr
    assert not root.exists()
    assert site.docker("volume", "ls", "-q") == ""
