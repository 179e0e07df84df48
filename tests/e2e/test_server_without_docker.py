"""A bundle that carries Docker, on a server without it: installation, healthy services, removal."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.demo.host_image import host_programs
from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.bare_site import COMPOSE, PROGRAMS, BareSite, make_archive
from tests.support.builder import Builder
from tests.support.engines import newer_root
from tests.support.programs import sites_folder
from tests.support.server import TOOLS

pytestmark = pytest.mark.engine

PROFILE = """\
extends: demo
engine:
  linux/amd64:
    version: "26.1.5"
    archive: {{path: docker-26.1.5.tgz, sha256: {archive}}}
    compose: {{path: docker-compose, sha256: {compose}}}
"""
BACK_UP = """\
cd /opt/hello && sh helloctl backup --output /site/backups --yes && sh helloctl backup --show-key >/site/key
"""


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a bundle of the demo application with an engine, and its key."""
    folder = tmp_path_factory.mktemp("bundle")
    builder = Builder(folder, folder / "cache")
    builder.check("keygen")
    archive = make_archive(folder / "docker-26.1.5.tgz")
    compose = shutil.copy(newer_root() / COMPOSE, folder / "docker-compose")
    (folder / "bare.yaml").write_text(PROFILE.format(archive=digest(archive), compose=digest(Path(compose))))
    with SampleRegistry() as sample:
        sample.add_image("hello", "1.0", make_image({**host_programs()}, {"Cmd": ["/bin/sh"]}))
        mirror = f"registry.demo.example={sample.host}"
        builder.check("build", "--profile", "./bare.yaml", "--registry-mirror", mirror)
    return next((folder / "dist").glob("*.tar")), folder / "bundle.pub"


@pytest.fixture
def site() -> Iterator[BareSite]:
    with tempfile.TemporaryDirectory(dir=sites_folder(), ignore_cleanup_errors=True) as folder:
        found = BareSite(Path(folder))
        try:
            yield found.open()
        finally:
            found.close()


def test_from_a_server_without_docker_to_healthy_services(bundle: tuple[Path, Path], site: BareSite) -> None:
    unpacked = site.unpack(*bundle)
    install = ("sh", f"{unpacked}/install", "--root", "/opt/hello", "--key", "/site/bundle.pub", "--yes")
    assert site.run("sh", "-c", "command -v docker dockerd containerd runc").stdout == ""

    # the engine is not installed without the option
    refused = site.run(*install)
    assert refused.returncode == 3, refused.stdout + refused.stderr
    assert "the bundle includes an engine" in refused.stdout
    assert "--install-engine" in refused.stdout
    assert site.run("ls", "/usr/local/bin").stdout == ""
    plan = json.loads(site.check(*install[:2], "plan", *install[2:], "--install-engine", "--json"))
    assert plan["engine"] == "whole"

    # with systemd: the fake one runs what the unit specifies
    shutil.copy(TOOLS / "systemctl", site.shared)
    site.check("cp", "/site/systemctl", "/usr/bin/systemctl")
    site.check("mkdir", "-p", "/run/systemd/system")
    done = site.check(*install, "--install-engine")
    assert "Docker 26.1.5" in done
    assert "All services are healthy" in done
    told = ["systemctl daemon-reload", "systemctl enable --now docker.service"]
    assert (site.shared / "told").read_text().splitlines() == told
    assert site.check("ls", "/usr/local/bin").split() == sorted(PROGRAMS)
    assert site.check("stat", "-c", "%U:%G %a", "/usr/local/bin/dockerd") == "root:root 755\n"
    assert site.check("stat", "-L", "-c", "%G", "/var/run/docker.sock") == "docker\n"
    driver = site.check("/usr/local/bin/docker", "info", "-f", "{{.LoggingDriver}} {{.DockerRootDir}}")
    assert driver == "json-file /var/lib/docker\n"
    kept = site.check("sh", "-c", "ls -d /opt/hello/releases/*/files/engine 2>/dev/null || echo none")
    assert kept == "none\n", "an engine is not copied into each release"

    # an installed engine is used and kept
    again = site.check(*install, "--install-engine")
    assert "is already installed and is kept; --install-engine has no effect" in again
    assert (site.shared / "told").read_text().splitlines() == told

    control = ("sh", "/opt/hello/helloctl")
    token = site.check("cat", "/opt/hello/secrets.env")
    site.check("sh", "-c", BACK_UP)

    # only removed when named; its data are kept
    gone = site.check(*control, "uninstall", "--purge", "all,engine", "--yes")
    assert "Docker is removed" in gone
    assert site.check("ls", "/usr/local/bin", "/etc/systemd/system").count("docker") == 0
    assert "overlay2" in site.check("ls", "/var/lib/docker")
    assert site.run("ls", "/opt/hello").returncode != 0

    # restore to a server without Docker and without systemd
    site.check("rm", "-rf", "/run/systemd", "/usr/bin/systemctl")
    (backup,) = (site.shared / "backups").iterdir()
    restore = (
        *install[:2],
        "restore",
        f"/site/backups/{backup.name}",
        *install[2:],
        "--backup-key",
        "/site/key",
    )
    assert site.run(*restore).returncode == 3
    done = site.check(*restore, "--install-engine", "--lang", "zh")
    assert "setsid dockerd >>/var/log/dockerd.log" in done
    assert site.check("cat", "/opt/hello/secrets.env") == token
    assert "in the expected state" in site.check(*control, "status", "--lang", "en")
    site.check("sh", "-c", "kill $(cat /run/docker.pid); while [ -e /run/docker.pid ]; do sleep 0.1; done")
    standing = site.run(*control, "status")
    assert standing.returncode == 1
    assert "Docker is installed but not running" in standing.stderr
    site.check(
        "sh", "-c", "PATH=$PATH:/usr/local/bin; setsid dockerd >>/var/log/dockerd.log 2>&1 </dev/null &"
    )
    assert "healthy" in site.check(*install, "--install-engine")
