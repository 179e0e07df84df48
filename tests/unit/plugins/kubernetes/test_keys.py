"""Every key of a Compose service is mapped, reported or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import bundler_compose.reading
from bundler.errors import BundleError
from bundler_kubernetes.keys import SERVICE, Fate
from tests.support.kube_objects import application, mapped, notes

SCHEMA = Path(bundler_compose.reading.__file__).with_name("compose-spec.json")
VALUES: dict[str, Any] = {
    "pid": "host", "mac_address": "02:42:ac:11:65:43", "use_api_socket": True, "privileged": True,
    "dns": ["10.0.0.1"], "ulimits": {"nofile": 1024}, "runtime": "runsc", "uts": "host",
}  # fmt: skip


def keys_of_the_schema() -> set[str]:
    schema = json.loads(SCHEMA.read_text())
    definitions = schema["definitions"] if "definitions" in schema else schema["$defs"]
    return {
        name
        for part in ("service", "container_spec", "workload_spec")
        for name in definitions[part]["properties"]
    }


def test_the_table_has_exactly_the_keys_of_the_schema() -> None:
    assert set(SERVICE) == keys_of_the_schema()


@pytest.mark.parametrize("name", sorted(name for name, key in SERVICE.items() if key.fate is Fate.REPORTED))
def test_what_is_lost_is_in_the_report(name: str) -> None:
    model = application(json.dumps({"services": {"a": {"image": "a", name: VALUES.get(name, "1")}}}))
    assert [line for line in notes(mapped(model)) if line.startswith(f"service a: {name}: ")]


@pytest.mark.parametrize("name", sorted(name for name, key in SERVICE.items() if key.fate is Fate.REFUSED))
def test_what_cannot_be_mapped_is_refused(name: str) -> None:
    model = application(json.dumps({"services": {"a": {"image": "a", name: VALUES.get(name, ["x"])}}}))
    with pytest.raises(BundleError, match=rf"service a: {name}: impossible in a cluster: .") as error:
        mapped(model)
    assert error.value.hint


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        ("ipc: host", "host shares it"),
        ("cgroup: host", "host shares it"),
        ("logging: {driver: syslog}", "no driver syslog does"),
        ("links: ['b:other']", "other would be a name for one service alone"),
        ("gpus: all", "the number of GPUs must be known"),
        ("gpus: [{device_ids: ['0']}]", "the cluster chooses the GPU"),
        ("gpus: [{driver: amd}]", "only GPUs of NVIDIA"),
        ("mem_limit: '${M}'", "is no amount known at the build"),
        ("sysctls: {net.core.somaxconn: 1024}", "net.core.somaxconn is one that each node must allow"),
        ("security_opt: ['seccomp:./profile.json']", "a file on each node"),
        ("extra_hosts: ['host.docker.internal:host-gateway']", "is no address that is known"),
        ("hostname: a_b", "a_b is no name of a host"),
        ("hostname: '${M}'", "'${M}' has values of the site"),
        ("working_dir: '/a/${M}'", "'/a/${M}' has values of the site"),
        ("user: '${M}'", "'${M}' has values of the site"),
        ("labels: {a: '${S}'}", "an annotation is no place for a secret"),
        ("entrypoint: []", "cannot be told from none"),
        ("environment: {'A B': x}", "is not a name of a variable"),
        ("healthcheck: {test: [RUN, a]}", "'RUN' is neither CMD nor CMD-SHELL"),
        ("healthcheck: {test: a, interval: '${M}'}", "is no duration known at the build"),
        ("healthcheck: {test: a, retries: '${M}'}", "is no number known at the build"),
        ("stop_grace_period: '${M}'", "is no duration known at the build"),
        ("environment: {A: '${BUNDLE_ROOT}'}", "a value of the installer on one host"),
        ("x-bundle-wait-with: nobody\n    depends_on: [b]", "nobody is no service that runs"),
    ],
)
def test_values_that_cannot_be_mapped_are_refused(service: str, reason: str) -> None:
    other = "{image: b, restart: always}"
    compose = f"services:\n  b: {other}\n  a:\n    image: a\n    restart: always\n    {service}"
    with pytest.raises(BundleError, match="impossible in a cluster") as error:
        mapped(application(compose, variables=["M"], secrets=["S"]))
    assert reason in error.value.message
    assert error.value.hint


def test_all_that_is_refused_is_named() -> None:
    compose = "services: {a: {image: a, privileged: true, pid: host}, b: {image: b, network_mode: host}}"
    with pytest.raises(BundleError) as error:
        mapped(application(compose))
    assert "3 values cannot be mapped" in error.value.message
    assert "service a: privileged" in error.value.message
    assert "service a: pid" in error.value.message
    assert "service b: network_mode" in error.value.message
