"""Services, networks and volumes of a Compose document, which may have any shape."""

from __future__ import annotations

from typing import Any

import pytest

from bundler.errors import VerificationError
from bundler.report.composition import Running, parse, read
from bundler.report.model import Network, Volume
from tests.support.report_samples import DOCUMENT

RUNNING = [Running("web", "web:1", "healthy"), Running("db", "db:1", "running", "3")]


def test_what_runs_is_shown() -> None:
    shown = read(DOCUMENT, RUNNING)
    web, db = shown.services
    assert (web.networks, web.depends, web.replicas, web.mode) == (("front", "back"), ("db",), "1", None)
    assert (db.networks, db.image, db.expect, db.replicas) == (("back",), "db:1", "running", "3")
    assert shown.networks == (
        Network("front", "bridge", internal=False, external=False, subnets=()),
        Network("back", "bridge", internal=True, external=False, subnets=("10.1.0.0/24",)),
    )
    assert shown.volumes == (Volume("uploads", "local", external=False, services=("web",)),)
    assert shown.secrets == ("token",)


def test_services_without_networks_join_the_default_one() -> None:
    document = parse(b"services: {web: {image: w}, db: {network_mode: none}}\nnetworks: {unused: {}}\n")
    shown = read(document, RUNNING)
    assert [service.networks for service in shown.services] == [("default",), ()]
    assert [network.name for network in shown.networks] == ["default"]
    assert shown.services[1].mode == "none"


def test_long_forms_and_external_objects() -> None:
    document = {
        "services": {
            "web": {
                "networks": {"lan": {"aliases": ["w"]}},
                "volumes": [{"type": "volume", "source": "data", "target": "/d"}, "data:/again", "/only"],
                "deploy": {"replicas": 2},
            }
        },
        "networks": {"lan": {"external": True, "driver": "macvlan"}},
        "volumes": {"data": {"external": True, "driver": "nfs"}},
    }
    shown = read(document, RUNNING)
    assert shown.networks == (Network("lan", "macvlan", internal=False, external=True, subnets=()),)
    assert shown.volumes == (Volume("data", "nfs", external=True, services=("web",)),)
    assert shown.services[0].replicas == "2"
    assert shown.services[1].hardening == ()


@pytest.mark.parametrize(
    "value", [None, 7, "text", [1], [{}], {"web": 7}, {"web": [1]}, {"web": {"volumes": 7}}]
)
def test_values_of_any_shape_are_no_error(value: Any) -> None:  # noqa: ANN401 any YAML
    keys = ("services", "networks", "volumes", "secrets")
    assert len(read(dict.fromkeys(keys, value), RUNNING).services) == 2


@pytest.mark.parametrize("raw", [b"a: [", b"\xff", b"&a [*a, *a]: 1", b"[" * 500, b"!!python/object:os.x {}"])
def test_a_document_that_cannot_be_read_is_refused(raw: bytes) -> None:
    with pytest.raises(VerificationError, match=r"^config/compose.yaml cannot be read: "):
        parse(raw)


def test_a_document_that_is_no_mapping_has_nothing() -> None:
    assert parse(b"- a\n") == {}
    assert parse(b"") == {}
