"""Names, versions and expressions of a chart."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256

import pytest
import yaml

from bundler.api.application import ApplicationModel, ConfigFile
from bundler.api.variable import SiteVariable
from bundler_kubernetes.chart.expressions import Texts
from bundler_kubernetes.chart.images import pushed_name
from bundler_kubernetes.chart.writer import chart_version, write_chart
from bundler_kubernetes.objects import KubeObject, Stage
from bundler_kubernetes.renderer import KubernetesRenderer
from bundler_kubernetes.text import SiteText, parse
from tests.support.kube_objects import application, mapped, pinned

VERSIONS = {
    "1.0": "1.0.0",
    "v2": "2.0.0",
    "1.17.1": "1.17.1",
    "2026.01.05": "2026.1.5",
    "1.2.3.4": "1.2.3+4",
    "1.2-rc_1": "1.2.0+rc-1",
    "7.0.0+build..5": "7.0.0+build.5",
    "nightly": "0.0.0+nightly",
}
NAMES = {
    "docker.io/library/redis:7": "library/redis:7",
    "docker.io/bank/app:1": "bank/app:1",
    "quay.io/a/b:1": "quay.io/a/b:1",
    "Registry.Example:5000/a:1": "registry.example-5000/a:1",
    "localhost/a:1": "localhost/a:1",
}
TEXTS = {
    "a${A}b": '(print "a" (include "bundle.site" (list $ "A")) "b")',
    "${S}": '(include "bundle.secret" (list $ "S"))',
    "${R}": '(required "say R" (include "bundle.site" (list $ "R")))',
    "${A:-x}": '((include "bundle.site" (list $ "A")) | default "x")',
    "${A-x}": '(ternary (include "bundle.site" (list $ "A")) "x" '
    '(not (kindIs "invalid" (index $.Values.site "A"))))',
    "${A:+x}": '(ternary "x" "" (ne (include "bundle.site" (list $ "A")) ""))',
    "${A+{{}": '(ternary "{\\u007b" "" (not (kindIs "invalid" (index $.Values.site "A"))))',
}


@pytest.mark.parametrize(("version", "expected"), VERSIONS.items())
def test_versions_are_those_of_helm(version: str, expected: str) -> None:
    assert chart_version(version) == expected


@pytest.mark.parametrize(("tag", "expected"), NAMES.items())
def test_images_are_called_as_a_push_calls_them(tag: str, expected: str) -> None:
    assert pushed_name(tag) == expected


@pytest.mark.parametrize(("text", "expected"), TEXTS.items())
def test_texts_become_expressions(text: str, expected: str) -> None:
    found = parse(text)
    assert isinstance(found, SiteText)
    assert Texts(frozenset({"S"}), {"R": "say R"}).write(found) == expected


def chart(compose: str, *variables: SiteVariable) -> dict[str, str]:
    model = application(compose)
    model = ApplicationModel(
        name="shop", version="1.0", title="Shop", compose=model.compose, variables=variables
    )
    return write_chart(mapped(model), variables)


def test_kubernetes_must_know_what_the_objects_have() -> None:
    plain = "services: {a: {image: 'a:1'}}"
    assert 'kubeVersion: ">=1.25.0-0"' in chart(plain)["Chart.yaml"]
    confined = "services: {a: {image: 'a:1', security_opt: ['apparmor:unconfined']}}"
    assert 'kubeVersion: ">=1.30.0-0"' in chart(confined)["Chart.yaml"]


def test_no_secret_and_no_variable_without_effect_is_among_the_values() -> None:
    compose = """
services:
  a: {image: "a:1", restart: always, scale: "${N}", environment: {P: "${P}", T: "${T}", H: "${H}"}}
"""
    made = chart(
        compose,
        SiteVariable(name="N", kind="integer", default="2"),
        SiteVariable(name="P", kind="secret", generator="hex:16"),
        SiteVariable(name="T", default="x"),
        SiteVariable(name="H", kind="host", generator="fqdn"),
    )
    schema = json.loads(made["values.schema.json"])["properties"]
    assert set(schema["site"]["properties"]) == {"T", "H"}
    assert "replicaCount: 2" in made["values.yaml"]
    assert '"P": {"kind": "hex", "amount": 16, "pattern": ""}' in made["templates/_helpers.tpl"]
    assert '(required "site.H: H (required): give a value"' in made["templates/20-configmap-a-values.yaml"]
    assert "P" not in made["values.yaml"].split()


def test_a_chart_that_helm_cannot_keep_is_left_out_and_reported() -> None:
    noise = "".join(sha256(str(number).encode()).hexdigest() for number in range(16_000))
    model = application(
        """
services:
  a: {image: "a:1", restart: always, configs: [{source: noise, target: /noise}]}
configs: {noise: {file: ./noise}}
""",
        files=[ConfigFile("noise", noise.encode())],
    )
    renderer, images = KubernetesRenderer(), pinned(model)
    members = {member.path for member in renderer.render(model, images)}
    assert "kubernetes/report.md" in members
    assert not any(path.startswith("kubernetes/chart/") for path in members)
    assert any("there is no chart" in note for note in renderer.notes(model, images))


def test_an_autoscaler_of_the_objects_is_on_with_its_numbers() -> None:
    found = mapped(application('services: {a: {image: "a:1", restart: always}}'))
    target = {"type": "Utilization", "averageUtilization": 55}
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "a"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"},
            "minReplicas": 4,
            "maxReplicas": 12,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }
    objects = (*found.objects, KubeObject(Stage.WORKLOADS, scaler, "a"))
    made = write_chart(replace(found, objects=objects), ())
    values = yaml.safe_load(made["values.yaml"])["services"]["a"]
    assert values["autoscaling"] == {
        "enabled": True, "minReplicas": 4, "maxReplicas": 12, "targetCPUUtilizationPercentage": 55
    }  # fmt: skip
    assert "{{- if $service.autoscaling.enabled }}" in made["templates/60-horizontalpodautoscaler-a.yaml"]
