"""Read a Compose document: services and their expected states, published ports, the project's name."""

from __future__ import annotations

from typing import Any

import pytest

from bundler.api.compose import EXPECT, Port, dependencies, ports, project_name, services
from bundler.errors import BundleError


def one(**service: object) -> dict[str, Any]:
    return {"services": {"web": {"image": "web:1", **service}}}


@pytest.mark.parametrize(
    ("service", "expect"),
    [
        ({}, "started"),
        ({"restart": "no"}, "started"),
        ({"restart": "on-failure:3"}, "started"),
        ({"restart": "unless-stopped"}, "running"),
        ({"restart": "always"}, "running"),
        ({"restart": "always", "deploy": {"restart_policy": {"condition": "none"}}}, "started"),
        ({"deploy": {"restart_policy": {"condition": "any"}}}, "running"),
        ({"restart": "no", "healthcheck": {"test": "true"}}, "healthy"),
        ({"healthcheck": {"test": "true"}}, "healthy"),
        ({"healthcheck": {"test": ["CMD", "true"]}}, "healthy"),
        ({"healthcheck": {"test": ["NONE"]}, "restart": "always"}, "running"),
        ({"healthcheck": {"test": "NONE"}, "restart": "always"}, "running"),
        ({"healthcheck": {"test": "true", "disable": True}, "restart": "always"}, "running"),
        ({EXPECT: "running"}, "running"),
        ({EXPECT: "started", "restart": "always"}, "started"),
        ({EXPECT: "completed"}, "completed"),
        ({EXPECT: "running", "healthcheck": {"test": "true"}}, "running"),
    ],
)
def test_what_the_installer_waits_for(service: dict[str, object], expect: str) -> None:
    (found,) = services(one(**service))
    assert (found.name, found.image, found.expect) == ("web", "web:1", expect)


def test_a_job_that_another_service_waits_for_must_complete() -> None:
    document = one(depends_on={"job": {"condition": "service_completed_successfully"}, "db": None})
    document["services"] |= {"job": {"image": "job:1"}, "db": {"image": "db:1"}}
    assert {found.name: found.expect for found in services(document)} == {
        "web": "started", "job": "completed", "db": "started",
    }  # fmt: skip


def test_why_a_service_may_end() -> None:
    document = one(depends_on={"job": {"condition": "service_completed_successfully"}}, restart="always")
    document["services"] |= {
        "job": {"image": "job:1"},
        "seed": {"image": "job:1", "restart": "no"},
        "other": {"image": "job:1"},
        "said": {"image": "job:1", EXPECT: "completed"},
    }
    assert {found.name: found.why for found in services(document)} == {
        "web": "", "job": "web waits until it has completed", "seed": "restart: no",
        "other": "no restart policy", "said": EXPECT,
    }  # fmt: skip


def test_services_without_a_replica_do_not_run() -> None:
    assert services(one(scale=0)) == []
    assert services(one(deploy={"replicas": 0})) == []
    assert services(one(scale="0")) == []
    assert [found.replicas for found in services(one(deploy={"replicas": 2}))] == ["2"]
    assert [found.replicas for found in services(one(scale=3, deploy={"replicas": 0}))] == ["3"]
    assert [found.replicas for found in services(one(scale="${WORKERS:-2}"))] == ["${WORKERS:-2}"]


def test_an_unknown_expectation_is_refused() -> None:
    with pytest.raises(BundleError, match="service web: x-bundle-expect: 'ready'") as error:
        services(one(**{EXPECT: "ready"}))
    assert error.value.hint == "one of healthy, running, started, completed"


@pytest.mark.parametrize("image", [None, "", 3])
def test_a_service_without_an_image_is_refused(image: object) -> None:
    with pytest.raises(BundleError, match="service web: no image"):
        services(one(image=image))


def test_both_forms_of_depends_on() -> None:
    assert dependencies({"depends_on": ["a", "b"]}) == {"a": "service_started", "b": "service_started"}
    assert dependencies({"depends_on": {"a": {"condition": "service_healthy"}, "b": None}}) == {
        "a": "service_healthy", "b": "service_started",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        ("80:8080", [(None, "80", "tcp")]),
        ("127.0.0.1:80:8080/udp", [("127.0.0.1", "80", "udp")]),
        ("[::1]:80:8080", [("::1", "80", "tcp")]),
        ("${ADDRESS:-0.0.0.0}:${PORT:?}:8080", [("${ADDRESS}", "${PORT}", "tcp")]),
        ("$PORT:8080", [(None, "${PORT}", "tcp")]),
        ("8080-8082:80-82", [(None, "8080", "tcp"), (None, "8081", "tcp"), (None, "8082", "tcp")]),
        ("8080", []),
        (8080, []),
        ({"target": 80}, []),
        ({"target": 80, "published": 0}, []),
        ({"target": 80, "published": "81", "host_ip": "10.0.0.1"}, [("10.0.0.1", "81", "tcp")]),
        ({"target": 80, "published": 81, "protocol": "udp"}, [(None, "81", "udp")]),
    ],
)
def test_published_ports(published: object, expected: list[tuple[str | None, str, str]]) -> None:
    assert ports(one(ports=[published])) == [Port("web", *port) for port in expected]


@pytest.mark.parametrize("published", ["9000-8000:80", "60000-70000:80"])
def test_a_range_that_is_not_one_is_refused(published: str) -> None:
    with pytest.raises(BundleError, match="is not a port range"):
        ports(one(ports=[published]))


@pytest.mark.parametrize(
    ("name", "project"),
    [("Shop Front", "shopfront"), ("_shop", "shop"), (None, "default"), ("${NAME}", "default"), ("!", "app")],
)
def test_the_name_of_the_project(name: object, project: str) -> None:
    assert project_name({"name": name}, "default") == project
