"""What Docker Compose 5.6.0 refuses because its parts do not fit together is refused with file and key."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bundler.api.templates.process import Templates
from bundler.errors import BundleError
from bundler_compose.reading import Source, read_project

LIMITS = {"limits": {"memory": "1g"}}
OTHER = {"image": "busybox", "profiles": ["other"]}

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"links": ["other"]}, "services.web.links: 'other' is not a service of the bundle"),
    ({"volumes_from": ["other:ro"]}, "services.web.volumes_from: 'other' is not a service of the bundle"),
    ({"ipc": "service:other"}, "services.web.ipc: 'other' is not a service of the bundle"),
    ({"pid": "service:other"}, "services.web.pid: 'other' is not a service of the bundle"),
    ({"tmpfs": ["/run", "/run:size=1m"]}, "services.web.tmpfs: /run is mounted twice"),
    ({"tmpfs": "/d", "volumes": ["data:/d"]}, "services.web.volumes: /d is mounted twice"),
    ({"group_add": ["1", "1"]}, "services.web.group_add.1: stands twice in the list"),
    ({"mem_limit": "2g", "deploy": {"resources": LIMITS}}, "services.web.mem_limit: `mem_limit` and"),
    ({"pids_limit": 5, "deploy": {"resources": LIMITS}}, "services.web.pids_limit: `pids_limit` and"),
    ({"cpus": 2, "deploy": {"resources": {"limits": {"cpus": "1.5"}}}}, "services.web.cpus: `cpus` and"),
    (
        {"mem_reservation": "1m", "deploy": {"resources": {"reservations": {"memory": "2m"}}}},
        "services.web.mem_reservation: `mem_reservation` and",
    ),
]


def read(folder: Path, service: dict[str, Any]) -> None:
    services = {"web": {"image": "busybox", **service}, "other": OTHER}
    (folder / "compose.yaml").write_text(json.dumps({"services": services, "volumes": {"data": None}}))
    with Templates({}) as templates:
        read_project(Source(folder), templates)


@pytest.mark.parametrize(("service", "message"), REFUSED)
def test_parts_that_do_not_fit_are_refused(service: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=re.escape(message)):
        read(tmp_path, service)


@pytest.mark.parametrize(
    "service",
    [
        {"volumes_from": ["container:other"], "ipc": "host"},
        {"tmpfs": "/run:size=64m", "volumes": ["data:/d"]},
        {"mem_limit": "1024m", "deploy": {"resources": LIMITS}},
        {
            "mem_limit": 1 << 30,
            "cpus": "1.50",
            "deploy": {"resources": {"limits": {"memory": "1GB", "cpus": "1.5"}}},
        },
        {"mem_limit": "${M:-2g}", "deploy": {"resources": {"limits": {"memory": "${M:-2g}"}}}},
        {"mem_limit": "2g", "deploy": {"resources": {"reservations": {"memory": "1g"}}}},
    ],
)
def test_parts_that_fit_are_read(service: dict[str, Any], tmp_path: Path) -> None:
    read(tmp_path, service)
