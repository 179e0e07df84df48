"""The preflight and a real engine agree about what the engine refuses."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.builder import Builder
from tests.support.engines import Site

pytestmark = pytest.mark.engine

COMPOSE = """\
services:
  a:
    image: web:1
    container_name: nginx
    networks: [corp]
    volumes: ["shared:/shared", "/srv/bundle-test-missing/app.conf:/app.conf"]
    cpus: 512
    ulimits: {nofile: 2000000000}
    sysctls: {vm.swappiness: "10"}
    devices: [/dev/bundle-test-missing]
    runtime: bundle-test-missing
    gpus: all
    logging: {driver: bundle-test-missing}
networks: {corp: {external: true}}
volumes: {shared: {external: true, name: sharedvol}}
"""
REFUSED = {
    "external", "container-name", "driver", "cpu-limit", "ulimit", "service-sysctl", "device", "runtime",
    "gpu", "host-path",
}  # fmt: skip
ALONE = {
    "cpu-limit": ("--cpus", "512"),
    "ulimit": ("--ulimit", "nofile=2000000000:2000000000"),
    "service-sysctl": ("--sysctl", "vm.swappiness=10"),
    "device": ("--device", "/dev/bundle-test-missing"),
    "runtime": ("--runtime", "bundle-test-missing"),
    "gpu": ("--gpus", "all"),
    "driver": ("--log-driver", "bundle-test-missing"),
    "external": ("--network", "corp"),
    "container-name": ("--name", "nginx"),
}
"""Options with which `docker run` asks for the same: the engine's own answer."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    builder = Builder(tmp_path_factory.mktemp("document"), tmp_path_factory.mktemp("cache"))
    (builder.folder / "project").mkdir(parents=True)
    (builder.folder / "project/compose.yaml").write_text(COMPOSE)
    (builder.folder / "p.yaml").write_text(
        "application: compose\nversion: '1'\n"
        "settings: {project: project, name: t, host_paths: [/srv/bundle-test-missing/app.conf]}\n"
    )
    with SampleRegistry() as sample:
        sample.add_image("library/web", "1", make_image({"etc/web": b"web\n"}, {"Cmd": ["/bin/true"]}))
        builder.check(
            "build", "--profile", "./p.yaml", "--unsigned", "--registry-mirror", f"docker.io={sample.host}"
        )
    return next((builder.folder / "dist").glob("*.preflight.sh"))


@pytest.fixture(scope="module")
def old(short_folder: Path) -> Iterator[Site]:
    site = Site(short_folder / "document")
    try:
        site.open()
        empty = site.folder / "empty.tar"
        subprocess.run(["tar", "-cf", empty, "-T", "/dev/null"], check=True)
        site.docker("import", empty, "nothing:1")
        site.docker("create", "--name", "nginx", "nothing:1", "true")
        yield site
    finally:
        site.close()


def results(site: Site, preflight: Path) -> dict[str, set[str]]:
    done = site.run("dash", preflight, "--root", site.folder / "root", "--json", "--lang", "en")
    found: dict[str, set[str]] = {}
    for check in json.loads(done.stdout)["checks"]:
        found.setdefault(check["id"], set()).add(check["result"])
    return found


def test_what_the_engine_refuses_fails_the_preflight(old: Site, bundle: Path) -> None:
    found = results(old, bundle)
    assert {name for name in REFUSED if "fail" in found[name]} == REFUSED, found
    for name, options in ALONE.items():
        answer = old.run("docker", "run", "--rm", *options, "nothing:1", "true")
        assert answer.returncode in {125, 126, 127}, name
        assert "executable file not found" not in answer.stderr, (name, answer.stderr)


def test_what_was_made_passes_then(old: Site, bundle: Path) -> None:
    old.docker("rm", "nginx")
    old.docker("network", "create", "corp")
    old.docker("volume", "create", "sharedvol")
    found = results(old, bundle)
    assert found["external"] == {"pass"}
    assert found["container-name"] == {"pass"}
