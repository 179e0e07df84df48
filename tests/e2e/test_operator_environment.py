"""An operator's Docker configuration, with proxies and contexts, and a real engine."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.demo.host_image import host_programs
from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.builder import Builder
from tests.support.engines import Site
from tests.support.programs import run, sites_folder

pytestmark = [pytest.mark.engine, pytest.mark.root]

PROXY = "http://proxy.example:3128"


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[Site, Path]]:
    """Yield a site and the demo application's unpacked bundle; the key is in the parent folder."""
    with tempfile.TemporaryDirectory(prefix="bo-", dir=sites_folder(), ignore_cleanup_errors=True) as name:
        site = Site(Path(name) / "own")
        try:
            site.open()
            builder = Builder(Path(name), Path(name) / "cache")
            builder.check("keygen")
            with SampleRegistry() as sample:
                sample.add_image("hello", "1.0", make_image(host_programs(), {"Cmd": ["/bin/sh"]}))
                mirror = f"registry.demo.example={sample.host}"
                builder.check("build", "--profile", "demo", "--registry-mirror", mirror)
            (bundle,) = (Path(name) / "dist").glob("*.tar")
            run("tar", "-xf", bundle, "-C", name)
            yield site, Path(name) / bundle.stem
        finally:
            site.close()


def install(site: Site, unpacked: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Install the bundle with the given variables in the operator's environment."""
    key = unpacked.parent / "bundle.pub"
    without = () if "DOCKER_CONTEXT" not in environment else ("env", "-u", "DOCKER_HOST")
    return site.run(
        *without, "sh", unpacked / "install", "--root", site.folder / "hello", "--key", key, "--yes",
         environment=environment,
    )  # fmt: skip


def test_proxies_of_the_operator_reach_no_service(opened: tuple[Site, Path]) -> None:
    site, unpacked = opened
    configuration = Path(site.environment["DOCKER_CONFIG"])
    before = (configuration / "config.json").read_text() if (configuration / "config.json").exists() else "{}"
    (configuration / "config.json").write_text(
        json.dumps({**json.loads(before), "proxies": {"default": {"httpProxy": PROXY}}})
    )
    done = install(site, unpacked, HTTP_PROXY=PROXY)
    (configuration / "config.json").write_text(before)
    assert done.returncode == 0, done.stdout + done.stderr
    containers = site.docker("ps", "-q").split()
    assert containers
    assert PROXY not in site.docker("inspect", *containers)


def test_a_context_is_followed_to_a_socket_of_this_machine_and_nowhere_else(
    opened: tuple[Site, Path],
) -> None:
    site, unpacked = opened
    site.docker("context", "create", "own", "--docker", f"host={site.engine.host}")
    site.docker("context", "create", "far", "--docker", "host=tcp://10.9.9.9:2375")
    followed = install(site, unpacked, DOCKER_CONTEXT="own")
    assert followed.returncode == 0, followed.stdout + followed.stderr
    refused = install(site, unpacked, DOCKER_CONTEXT="far")
    assert refused.returncode == 1
    assert "tcp://10.9.9.9:2375 (DOCKER_CONTEXT=far)" in refused.stderr
    site.docker("context", "use", "far")
    refused = install(site, unpacked, DOCKER_CONTEXT="")
    site.docker("context", "use", "default")
    assert refused.returncode == 1
    assert "docker context use default" in refused.stderr
    assert "tcp://10.9.9.9:2375" in refused.stderr
    assert str(Path(site.environment["DOCKER_CONFIG"]) / "config.json") in refused.stderr
