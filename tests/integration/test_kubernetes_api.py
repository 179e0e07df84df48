"""The API server of the tests is a real one: it refuses what a site's would refuse, and keeps nothing."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

from tests.support.kubernetes import ApiServer, Helm

LABELS = {"app": "web"}
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": LABELS},
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {"containers": [{"name": "web", "image": "registry.example/web:1"}]},
        },
    },
}


def test_the_server_takes_what_is_right_and_keeps_nothing_of_a_dry_run(api_server: ApiServer) -> None:
    namespace = api_server.namespace()
    answer = api_server.dry_run([DEPLOYMENT], namespace=namespace)
    assert answer.check() == "deployment.apps/web serverside-applied (server dry run)\n"
    assert answer.warnings == []
    assert api_server.kubectl("-n", namespace, "get", "deployments", "-o", "name").check() == ""


def test_the_server_refuses_a_misspelt_field(api_server: ApiServer) -> None:
    document = deepcopy(DEPLOYMENT)
    document["spec"]["replica"] = document["spec"].pop("replicas")
    answer = api_server.dry_run([document], namespace=api_server.namespace())
    assert answer.failed
    assert 'unknown field "replica" in io.k8s.api.apps.v1.DeploymentSpec' in answer.err


def test_the_server_says_what_pod_security_would_refuse(api_server: ApiServer) -> None:
    answer = api_server.dry_run([DEPLOYMENT], namespace=api_server.namespace(security="restricted"))
    answer.check()
    (warning,) = answer.warnings
    assert warning.startswith('would violate PodSecurity "restricted:latest": allowPrivilegeEscalation')


def test_helm_installs_into_the_server(api_server: ApiServer, helm: Helm, tmp_path: Path) -> None:
    helm.call("create", tmp_path / "sample").check()
    namespace = api_server.namespace()
    helm.lint(tmp_path / "sample").check()
    objects = helm.template(tmp_path / "sample", namespace=namespace).check()
    api_server.dry_run(objects, namespace=namespace).check()
    options = ("--namespace", namespace, "--wait=hookOnly")
    helm.call("install", "sample", tmp_path / "sample", *options, server=api_server).check()
    assert "deployment.apps/sample" in api_server.kubectl("-n", namespace, "get", "deploy", "-o", "name").out
