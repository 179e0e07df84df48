"""The chart, by the real Helm: with its defaults it is the plain manifests, object by object.

The API server answers for the cluster: it reads and keeps what a site's would.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bundler.api.application import ApplicationModel
from bundler.api.variable import SiteVariable
from tests.support import dify
from tests.support.charts import Objects, Rendered, by_name, differences
from tests.support.kube_objects import sample_model
from tests.support.kubernetes import HELM_3, Answer, ApiServer, Helm

SAMPLES = ("jobs", "mail", "replicas", "shop", "wiki")
"""Projects with jobs, ports, replicas, volumes with initial content, and secrets."""
ODD = {
    "services": {
        "web": {
            "image": "registry.example:5000/pages/web:2",
            "command": ["serve", "--title=${TITLE}", "{{ .Values }}", "$$(HOME)"],
            "environment": {
                "BRACES": "{{ .Values.image }} {{{ }}",
                "DOLLARS": "$$(HOME) $$$$ $$5",
                "NUMBER": "1e6",
                "WORD": "yes",
                "LINES": "  one\n two \n\n",
                "UMLAUT": "ü 测试 \u2028 \t \u0001",
                "TITLE": "${TITLE:-no {{title}}}",
                "COUNT": "${COUNT}",
                "FLAGS": "${FLAG:+flagged}${FLAG+set}${FLAG-unset}",
            },
            "ports": ["${WEB_PORT:-8080}:80"],
            "deploy": {
                "replicas": "${REPLICAS:-3}",
                "resources": {"limits": {"memory": "256m", "cpus": "0.5"}},
            },
            "configs": [{"source": "page", "target": "/page"}],
            "healthcheck": {"test": ["CMD-SHELL", "curl -f http://127.0.0.1/$$TITLE || exit 1"]},
            "depends_on": {
                "db": {"condition": "service_healthy"},
                "migrate": {"condition": "service_completed_successfully"},
            },
        },
        "migrate": {"image": "postgres:15", "command": "migrate", "environment": {"TITLE": "${TITLE}"}},
        "db": {
            "image": "postgres:15",
            "environment": {"POSTGRES_PASSWORD": "${DB_PASSWORD}", "JAVA_OPTS": "-Xms2g -Xmx2g -XX:+UseG1GC"},
            "healthcheck": {"test": ["CMD", "pg_isready"]},
            "volumes": ["data:/var/lib/postgresql/data"],
            "stop_grace_period": "1m",
        },
    },
    "volumes": {"data": {}},
    "configs": {"page": {"content": '{{ title }}\n\n  ${TITLE:-none}: a\\b "q"\n--- \n'}},
}
"""A project with what YAML and Helm's templates could misread."""
ODD_VARIABLES = (
    SiteVariable(name="TITLE", default="Tea & {{more}} \"q\" \\ 'x'"),
    SiteVariable(name="WEB_PORT", kind="port", default="8080"),
    SiteVariable(name="REPLICAS", kind="integer", default="3"),
    SiteVariable(name="FLAG", unset=True),
    SiteVariable(name="COUNT", kind="integer", default="5"),
    SiteVariable(name="DB_PASSWORD", kind="secret", generator="random:24"),
)
EVERYTHING: dict[str, Any] = {
    "image": {"registry": "harbor.bank.example/apps/", "pullSecrets": [{"name": "login"}]},
    "ingress": {"enabled": True, "className": "nginx", "hosts": {"web": "web.bank.example"}},
    "networkPolicy": {"enabled": False},
    "persistence": {"storageClass": "fast", "volume-data": {"size": "20Gi"}},
    "site": {"TITLE": "Bank", "FLAG": "", "COUNT": 3_000_000},
    "services": {
        "web": {
            "autoscaling": {
                "enabled": True, "minReplicas": 2, "maxReplicas": 9, "targetCPUUtilizationPercentage": 60
            },
            "podDisruptionBudget": {"maxUnavailable": 2},
            "image": {"pullPolicy": "Always"},
            "resources": {"limits": {"memory": "512Mi"}, "requests": {"cpu": "100m"}},
            "env": {"WORD": "no", "NUMBER": None, "MORE": "$(HOME)", "TITLE": "mine"},
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "gpu", "operator": "Exists"}],
            "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "zone", "labelSelector": {"matchLabels": {"a": "b"}}}
            ]}},
        },
        "db": {"podDisruptionBudget": {"enabled": True, "maxUnavailable": 0}},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """Return the odd project as it is rendered."""
    model = ApplicationModel(
        name="odd", version="1.0", title="Odd: {{ title }}", compose=ODD, variables=ODD_VARIABLES
    )
    return Rendered.write(model, tmp_path_factory.mktemp("odd"))


def write_values(folder: Path, document: Any) -> Path:  # noqa: ANN401 any values
    path = folder / "values.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def render(
    rendered: Rendered, api_server: ApiServer, helm: Helm, namespace: str, *options: str | Path
) -> Answer:
    """Render a chart as an installation would, with secrets that are known."""
    if rendered.secrets:
        given = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "given"}}
        api_server.apply([{**given, "stringData": rendered.secrets}], namespace=namespace).check()
        options = ("--set", "secrets.existingSecret=given", *options)
    where = ("--namespace", namespace, "--dry-run=server")
    return helm.call("template", "app", rendered.chart, *where, *options, server=api_server)


@pytest.mark.parametrize("name", SAMPLES)
def test_chart_and_manifests_are_equal(name: str, api_server: ApiServer, helm: Helm, tmp_path: Path) -> None:
    rendered = Rendered.write(sample_model(name, tmp_path), tmp_path / "bundle")
    namespace = api_server.namespace()
    helm.lint(rendered.chart).check()
    text = render(rendered, api_server, helm, namespace).check()
    assert differences(by_name(text), rendered.manifests(namespace)) == []
    assert api_server.dry_run(text, namespace=namespace).check()


def test_chart_and_manifests_of_dify_are_equal(api_server: ApiServer, helm: Helm, tmp_path: Path) -> None:
    rendered = Rendered.write(dify.profile_model("finance-cluster"), tmp_path)
    namespace = api_server.namespace(security="baseline")
    given = {"SERVER_NAME": "dify.bank.example", "PUBLIC_PORT": "443"}
    named = [word for name, value in given.items() for word in ("--set-string", f"site.{name}={value}")]
    options = (*named, "--set", "ingress.enabled=true")
    text = render(rendered, api_server, helm, namespace, *options).check()
    assert differences(by_name(text), rendered.manifests(namespace, given, ingress=True)) == []
    answer = api_server.dry_run(text, namespace=namespace)
    assert answer.check().count("serverside-applied") > 100
    assert answer.warnings == []
    for key in ("replicaCount=2", "autoscaling.enabled=true"):
        refused = render(
            rendered, api_server, helm, namespace, *options, "--set", f"services.worker_beat.{key}"
        )
        assert refused.failed


def test_texts_of_a_project_are_no_templates(odd: Rendered, api_server: ApiServer, helm: Helm) -> None:
    namespace = api_server.namespace()
    helm.lint(odd.chart).check()
    text = render(odd, api_server, helm, namespace).check()
    chart = by_name(text)
    assert differences(chart, odd.manifests(namespace)) == []
    api_server.dry_run(text, namespace=namespace).check()
    (container,) = chart["Deployment", "web"]["spec"]["template"]["spec"]["containers"]
    entries = {each["name"]: each.get("value") for each in container["env"]}
    assert entries["BRACES"] == "{{ .Values.image }} {{{ }}"
    assert entries["DOLLARS"] == "$$(HOME) $$$$ $$5"


def test_helm_3_makes_the_same(odd: Rendered, api_server: ApiServer, helm: Helm, tmp_path: Path) -> None:
    older = Helm(tmp_path / "helm", HELM_3)
    older.lint(odd.chart).check()
    namespace = api_server.namespace()
    values = write_values(tmp_path, EVERYTHING)
    newer_text = render(odd, api_server, helm, namespace, "--values", values).check()
    assert by_name(render(odd, api_server, older, namespace, "--values", values).check()) == by_name(
        newer_text
    )


Change = Callable[[Objects], None]


def _change_replicas(objects: Objects) -> None:
    objects["Deployment", "web"]["spec"]["replicas"] = 4


def _change_type(objects: Objects) -> None:
    objects["Deployment", "web"]["spec"]["replicas"] = "3"


def _drop_probe(objects: Objects) -> None:
    del objects["Deployment", "db"]["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]


def _drop_object(objects: Objects) -> None:
    del objects["NetworkPolicy", "network-default"]


def _change_secret(objects: Objects) -> None:
    objects["Secret", "db-values"]["stringData"]["POSTGRES_PASSWORD"] += "x"


def _change_environment(objects: Objects) -> None:
    objects["Deployment", "web"]["spec"]["template"]["spec"]["containers"][0]["env"].pop()


def _drop_checksum(objects: Objects) -> None:
    del objects["Deployment", "web"]["spec"]["template"]["metadata"]["annotations"]["bundle/checksum"]


CHANGES = (
    _change_replicas, _change_type, _drop_probe, _drop_object, _change_secret, _change_environment,
    _drop_checksum,
)  # fmt: skip


def test_a_change_of_either_side_is_a_difference(odd: Rendered, api_server: ApiServer, helm: Helm) -> None:
    namespace = api_server.namespace()
    text = render(odd, api_server, helm, namespace).check()
    for change in CHANGES:
        chart, plain = by_name(text), odd.manifests(namespace)
        change(chart)
        assert differences(chart, plain), change.__name__
        chart = by_name(text)
        change(plain)
        assert differences(chart, plain), change.__name__


def test_values_decide(odd: Rendered, api_server: ApiServer, helm: Helm, tmp_path: Path) -> None:
    namespace = api_server.namespace()
    values = write_values(tmp_path, EVERYTHING)
    text = render(odd, api_server, helm, namespace, "--values", values).check()
    api_server.dry_run(text, namespace=namespace).check()
    found = by_name(text)
    assert not any(kind == "NetworkPolicy" for kind, _ in found)
    deployment = found["Deployment", "web"]["spec"]
    pod = deployment["template"]["spec"]
    (container,) = pod["containers"]
    assert "replicas" not in deployment
    assert container["image"] == "harbor.bank.example/apps/registry.example-5000/pages/web:2"
    assert container["imagePullPolicy"] == "Always"
    assert container["resources"] == {
        "limits": {"memory": "512Mi", "cpu": "500m"},
        "requests": {"cpu": "100m"},
    }
    entries = {each["name"]: each.get("value") for each in container["env"]}
    assert len(entries) == len(container["env"])
    assert "NUMBER" not in entries
    assert (entries["WORD"], entries["MORE"], entries["TITLE"]) == ("no", "$$(HOME)", "mine")
    assert pod["nodeSelector"].items() >= {"disk": "ssd", "kubernetes.io/arch": "amd64"}.items()
    assert pod["tolerations"] == EVERYTHING["services"]["web"]["tolerations"]
    assert pod["affinity"] == EVERYTHING["services"]["web"]["affinity"]
    assert pod["imagePullSecrets"] == [{"name": "login"}]
    scaler = found["HorizontalPodAutoscaler", "web"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 9)
    assert scaler["metrics"][0]["resource"]["target"]["averageUtilization"] == 60
    assert found["PodDisruptionBudget", "web"]["spec"]["maxUnavailable"] == 2
    assert found["PodDisruptionBudget", "db"]["spec"]["maxUnavailable"] == 0
    assert found["Ingress", "web"]["spec"]["rules"][0]["host"] == "web.bank.example"
    claim = found["PersistentVolumeClaim", "volume-data"]["spec"]
    assert (claim["storageClassName"], claim["resources"]["requests"]["storage"]) == ("fast", "20Gi")
    assert found["ConfigMap", "web-values"]["data"].items() >= {"FLAGS": "set", "COUNT": "3000000"}.items()


REFUSED = {
    "a misspelt key": ({"services": {"web": {"replicacount": 2}}}, "'replicacount' not allowed"),
    "a service that does not exist": ({"services": {"wbe": {"replicaCount": 2}}}, "'wbe' not allowed"),
    "a misspelt key at the top": ({"imge": {}}, "'imge' not allowed"),
    "a misspelt limit": ({"services": {"web": {"resources": {"limit": {}}}}}, "'limit' not allowed"),
    "a number in the environment": ({"services": {"web": {"env": {"WORD": 1}}}}, "got number, want string"),
    "two replicas of a volume for one": ({"services": {"db": {"replicaCount": 2}}}, "maximum: got 2, want 1"),
    "an autoscaler for it": ({"services": {"db": {"autoscaling": {"enabled": True}}}}, "value must be false"),
    "a port that is none": ({"site": {"WEB_PORT": 70000}}, "/site/WEB_PORT"),
}


@pytest.mark.parametrize(("document", "message"), REFUSED.values(), ids=REFUSED)
def test_the_schema_refuses(
    document: dict[str, Any], message: str, odd: Rendered, helm: Helm, tmp_path: Path
) -> None:
    answer = helm.template(odd.chart, "--values", write_values(tmp_path, document))
    assert answer.failed
    assert message in answer.err


def test_secrets_are_made_once(odd: Rendered, api_server: ApiServer, helm: Helm) -> None:
    namespace = api_server.namespace()
    where = ("--namespace", namespace)

    def secret(name: str, key: str) -> str:
        path = f"jsonpath={{.data.{key}}}"
        return b64decode(api_server.kubectl(*where, "get", "secret", name, "-o", path).check()).decode()

    helm.call("install", "app", odd.chart, *where, server=api_server).check()
    made = secret("site-secrets", "DB_PASSWORD")
    assert len(made) == 24
    assert secret("db-values", "POSTGRES_PASSWORD") == made
    helm.call("upgrade", "app", odd.chart, *where, "--set", "site.TITLE=new", server=api_server).check()
    assert secret("db-values", "POSTGRES_PASSWORD") == made
    helm.call("uninstall", "app", *where, "--wait=false", server=api_server)
    left = api_server.kubectl(*where, "get", "secret,pvc", "-o", "name").check().split()
    assert left == ["secret/site-secrets", "persistentvolumeclaim/volume-data"]
    helm.call("install", "app", odd.chart, *where, server=api_server).check()
    assert secret("db-values", "POSTGRES_PASSWORD") == made


def test_a_secret_that_does_not_exist_is_an_error(odd: Rendered, api_server: ApiServer, helm: Helm) -> None:
    where = ("--namespace", api_server.namespace(), "--dry-run=server")
    options = ("--set", "secrets.existingSecret=gone")
    answer = helm.call("template", "app", odd.chart, *where, *options, server=api_server)
    assert answer.failed
    assert "has no Secret gone; make it first" in answer.err


def test_a_value_of_the_site_replaces_the_pods_that_read_it(odd: Rendered, helm: Helm) -> None:
    def checksums(*options: str) -> dict[str, str]:
        found = by_name(helm.template(odd.chart, *options).check())
        return {
            name: each["spec"]["template"]["metadata"]["annotations"]["bundle/checksum"]
            for (kind, name), each in found.items()
            if kind == "Deployment"
        }

    old, new = checksums(), checksums("--set", "site.TITLE=new")
    assert old.keys() == {"web", "db"}
    assert old["web"] != new["web"]
