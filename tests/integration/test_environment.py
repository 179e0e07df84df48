"""The test environment has the properties that the tests rely on."""

from __future__ import annotations

import pytest

from tests.support.engines import DistributionRegistry, Site
from tests.support.programs import run

pytestmark = [pytest.mark.engine, pytest.mark.registry, pytest.mark.root]


def test_a_site_has_no_way_out_and_runs_containers(
    site: Site, service_registry: DistributionRegistry, layouts: dict[str, object]
) -> None:
    site.watch()
    site.watch()
    assert "default" in site.run("ip", "route").stdout
    assert site.leaked() == 0
    site.unwatch()
    site.unwatch()
    assert "default" not in site.run("ip", "route").stdout
    archive = site.folder / "nginx.tar"
    source = f"docker://{service_registry.host}/library/nginx:1.22"
    run(
        "skopeo",
        "copy",
        "-q",
        "--src-tls-verify=false",
        source,
        f"docker-archive:{archive}:docker.io/library/nginx:1.22",
    )
    site.docker("load", "-i", archive)
    site.docker("run", "-d", "--name", "probe", "-p", "18080:80", "nginx:1.22")
    site.run("sleep", "1")
    assert (
        site.run(
            "python3", "-c", "import socket; socket.create_connection(('127.0.0.1', 18080), 5)"
        ).returncode
        == 0
    )
    site.docker("rm", "--force", "--volumes", "probe")
    site.docker("rmi", "nginx:1.22")
    assert site.docker("compose", "version").startswith("Docker Compose version ")
