"""Dify as a cluster has it: all settings can be mapped, and what one part names, another one has."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest

from bundler.api.application import ApplicationModel
from bundler_kubernetes.objects import KubeObject, Mapped, Setting
from bundler_kubernetes.text import SiteText, names_in
from tests.support import dify
from tests.support.kube_objects import check_object, container, filled, find, manifests, mapped, notes, pod
from tests.support.profiles import load_profile

CLUSTER = "finance-cluster"
PROFILES = (*dify.NAMES, CLUSTER)
CASES = (*sorted(dify.MATRIX), *PROFILES)
MANY = {"autoscaling": {"minimum": 2, "maximum": 4, "cpu": 50}, "storage": {"mode": "s3"}}
ADDRESS = re.compile(r"(?<![\w.-])([a-z][a-z-]*):([0-9]{4,5})\b")


@cache
def model(case: str) -> ApplicationModel:
    return dify.model(dify.MATRIX[case]) if case in dify.MATRIX else dify.profile_model(case)


def texts(found: Mapped) -> str:
    """Return all that ConfigMaps, Secrets, commands and environments say."""
    kinds = {"ConfigMap", "Secret", "Deployment", "Job"}
    return "\n".join(_text(each.body) for each in found.objects if each.kind in kinds)


def _text(value: Any) -> str:  # noqa: ANN401 any part of an object
    if isinstance(value, dict):
        return "\n".join(_text(each) for each in value.values())
    if isinstance(value, list):
        return "\n".join(_text(each) for each in value)
    return value.expression if isinstance(value, SiteText) else str(value)


@pytest.mark.parametrize("case", CASES)
def test_services_open_the_ports_that_others_name(case: str) -> None:
    found = mapped(model(case))
    services = {each.name: each for each in found.objects if each.kind == "Service"}
    named = {(host, int(port)) for host, port in ADDRESS.findall(texts(found)) if host in services}
    assert {("api", 5001), ("plugin-daemon", 5002), ("sandbox", 8194), ("ssrf-proxy", 3128)} <= named
    for host, port in named:
        ports = [each["port"] for each in services[host].body["spec"].get("ports", ())]
        assert port in ports, host
    for name in ("db_postgres", "db_mysql", "redis"):
        if name in model(case).compose["services"]:
            assert services[name.replace("_", "-")].body["spec"].get("ports"), name


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_are_valid_objects_with_secrets_in_secrets_alone(name: str) -> None:
    application = model(name)
    for _, body in filled(manifests(application)):
        for version in ("1.30.0", "1.37.0"):
            check_object(body, version)
    secrets = {each.name for each in application.variables if each.kind == "secret"}
    for each in mapped(application).objects:
        assert each.kind == "Secret" or secrets.isdisjoint(names_in(each.body)), each.name


def test_the_compose_document_of_a_site_is_not_touched() -> None:
    application = model(CLUSTER)
    services = application.compose["services"]
    assert not [key for entry in services.values() for key in entry if key in {"expose", "x-bundle-single"}]
    assert services["nginx"]["deploy"].get("replicas") is None
    assert "resolver 127.0.0.11" in dify.content(application, "nginx/nginx.conf")
    assert load_profile(CLUSTER, search=[dify.PROFILES]).profile.targets == ("compose", "kubernetes")


def test_the_gateway_and_the_proxies_find_others_by_the_dns_of_the_cluster() -> None:
    found = texts(mapped(model(CLUSTER)))
    assert "127.0.0.11" not in found
    assert found.count("proxy_pass http://") == found.count("proxy_pass ") == 6
    assert found.count("dns_defnames on") == 2
    assert "acl agents dstdomain -n agent-backend\n" in found


def test_a_bank_on_a_cluster_follows_the_load() -> None:
    found = mapped(model(CLUSTER))
    for name in ("api", "worker"):
        spec = find(found, "HorizontalPodAutoscaler", name)["spec"]
        assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 20)
        assert spec["metrics"][0]["resource"]["target"]["averageUtilization"] == 70
        assert "replicas" not in find(found, "Deployment", name)["spec"]
        assert container(found, name)["resources"]["requests"]["cpu"] == "1"
        assert find(found, "PodDisruptionBudget", name)["spec"]["maxUnavailable"] == 1
    assert find(found, "Deployment", "nginx")["spec"]["replicas"] == 2
    claim = find(found, "PersistentVolumeClaim", "data-app-storage")["spec"]
    assert claim["accessModes"] == ["ReadWriteMany"]
    assert [each.name for each in found.objects if each.kind == "Ingress"] == ["nginx"]


@pytest.mark.parametrize("settings", [{}, MANY], ids=["files in a volume", "files in S3"])
def test_there_is_never_more_than_one_beat(settings: dict[str, Any]) -> None:
    found = mapped(dify.model(settings))
    [beat] = [each for each in found.objects if each.name == "worker-beat" and each.kind == "Deployment"]
    assert isinstance(beat, KubeObject)
    assert beat.single
    assert (beat.body["spec"]["replicas"], beat.body["spec"]["strategy"]) == (1, {"type": "Recreate"})
    kinds = {each.kind for each in found.objects if each.name == "worker-beat"}
    assert kinds.isdisjoint({"HorizontalPodAutoscaler", "PodDisruptionBudget"})
    claims = {each.name for each in found.objects if each.kind == "PersistentVolumeClaim"}
    assert ("data-app-storage" in claims) == (not settings)


def test_a_gateway_that_ends_tls_reads_a_secret_that_the_site_names() -> None:
    found = mapped(model("finance"))
    [volume] = [each["secret"] for each in pod(found, "nginx")["volumes"] if each["name"].startswith("cert")]
    name = volume["secretName"]
    assert isinstance(name, Setting)
    assert (name.name, name.default, name.kind) == ("KUBE_TLS_SECRET_NGINX", "nginx-tls", "certificate")
    assert [(each["key"], each["path"]) for each in volume["items"]] == [
        ("tls.crt", "tls.crt"),
        ("tls.key", "tls.key"),
    ]
    mounts = {each["mountPath"]: each for each in container(found, "nginx")["volumeMounts"]}
    assert mounts["/etc/nginx/tls"]["readOnly"]
    assert not [each for each in found.objects if each.kind == "Ingress" or each.name == "data-tls"]
    assert any("rollout restart deployment/nginx" in line for line in notes(found))
