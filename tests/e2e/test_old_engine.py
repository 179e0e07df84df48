"""Docker 20.10 with rendered Compose options: user names, tmpfs folders, owners in volumes."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import dify
from tests.support.engines import Site
from tests.support.images import build_images
from tests.support.programs import need_program, run

pytestmark = pytest.mark.engine

IMAGE = "langgenius/dify-agent-backend:test"
LOOK_UP = """
import socket, sys, time
started = time.monotonic()
try:
    socket.getaddrinfo(sys.argv[1], 80)
except OSError:
    print(time.monotonic() - started)
"""


@pytest.fixture(scope="module")
def old(short_folder: Path) -> Iterator[Site]:
    """Yield a site with Debian 12's engine and an image whose user is set by name."""
    site = Site(short_folder / "older")
    try:
        site.open()
        layout = build_images(["dify:agent_backend"])["dify:agent_backend"]
        archive = site.folder / "image.tar"
        need_program("skopeo")
        run("skopeo", "copy", "--quiet", f"oci:{layout}:latest", f"docker-archive:{archive}:{IMAGE}")
        site.docker("load", "-i", archive)
        archive.unlink()
        yield site
    finally:
        site.close()


@pytest.fixture(scope="module")
def project(old: Site) -> Site:
    """Start two services with their rendered options around a program that only sleeps."""
    services = dify.profile_model("finance").compose["services"]
    words = ("user", "read_only", "tmpfs", "dns", "dns_search", "dns_opt", "cap_drop", "security_opt")
    document: dict[str, Any] = {
        "name": "old",
        "services": {
            name: {
                "image": IMAGE,
                "command": ["sleep", "600"],
                "init": True,
                "networks": ["inner"],
                **{word: services[name][word] for word in words if word in services[name]},
            }
            for name in ("worker", "ssrf_proxy")
        },
        "networks": {"inner": {"internal": True}},
    }
    (old.folder / "compose.json").write_text(json.dumps(document))
    old.docker("compose", "-f", old.folder / "compose.json", "up", "-d")
    return old


def test_folders_of_memory_can_be_written_at_each_start(project: Site) -> None:
    folders = {
        "old-worker-1": ["/dev/shm"],  # noqa: S108 a path in the container
        "old-ssrf_proxy-1": ["/tmp", "/run", "/var/log/squid", "/var/spool/squid"],  # noqa: S108 as above
    }
    for _ in range(3):
        for container, names in folders.items():
            for name in names:
                project.docker("exec", container, "touch", f"{name}/written")
            project.docker("restart", "-t", "0", container)
            gone = project.run("docker", "exec", container, "ls", f"{names[0]}/written")
            assert gone.returncode != 0


def test_names_fail_at_once_or_after_two_short_attempts(project: Site) -> None:
    assert project.docker("version", "-f", "{{.Server.Version}}").startswith("20.10")

    def waited(host: str) -> float:
        return float(project.docker("exec", "old-worker-1", "python3", "-c", LOOK_UP, host))

    assert waited("redis") < 0.5
    assert waited("updates.dify.ai") < 3
    project.docker("exec", "old-worker-1", "getent", "hosts", "ssrf_proxy")


def test_an_engine_that_fills_a_volume_keeps_numeric_owners(old: Site) -> None:
    """Fills it as `unpack_volume` does, with an image whose user does not exist on this host."""
    archive = old.folder / "volume.tar"
    with tarfile.open(archive, "w") as tar:
        member = tarfile.TarInfo("owned")
        member.uid, member.gid, member.size = 4321, 8765, 4
        tar.addfile(member, io.BytesIO(b"kept"))
    carrier = old.docker("create", "--network", "none", "-v", "kept:/volume", IMAGE, "true").strip()
    looked_up = old.run("sh", "-c", f"docker cp -a - {carrier}:/volume <{archive}")
    assert looked_up.returncode != 0
    assert "dify" in looked_up.stderr
    filled = old.run("sh", "-c", f"docker cp - {carrier}:/volume <{archive}")
    assert filled.returncode == 0, filled.stderr
    point = old.docker("volume", "inspect", "-f", "{{.Mountpoint}}", "kept").strip()
    status = (Path(point) / "owned").stat()
    assert (status.st_uid, status.st_gid) == (4321, 8765)
    old.docker("rm", carrier)
