"""The plain manifests: YAML that says what the objects say, and site templates that the installer fills."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bundler.api.application import ConfigFile
from bundler.api.variable import SiteVariable
from bundler.errors import BundleError
from bundler_kubernetes.manifests import Expressions, write_manifest
from bundler_kubernetes.objects import KubeObject, Stage
from bundler_kubernetes.text import parse
from tests.support import projects
from tests.support.kube_objects import MAPPABLE, application, check_object, filled, manifests, sample_model

VERSIONS = ("1.30.0", "1.34.0", "1.37.0")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_yaml_says_what_the_object_says(body: dict[str, object]) -> None:
    text = write_manifest(KubeObject(Stage.SERVICES, body), Expressions(frozenset()))
    assert yaml.safe_load(text) == (body or None)
    assert "@@" not in text


@pytest.mark.parametrize("name", MAPPABLE)
def test_sample_projects_are_valid_objects(name: str, tmp_path: Path) -> None:
    members = manifests(sample_model(name, tmp_path))
    seen = 0
    for path, body in filled(members):
        for version in VERSIONS:
            check_object(body, version)
        assert "namespace" not in body["metadata"], path
        seen += 1
    assert seen > 4
    assert b"Always" not in b"".join(member.read() for member in members)


def test_the_other_sample_projects_are_refused_with_reasons(tmp_path: Path) -> None:
    for name in sorted({*projects.names()} - {*MAPPABLE}):
        (tmp_path / name).mkdir()
        with pytest.raises(BundleError, match=r"impossible in a cluster: .") as error:
            manifests(sample_model(name, tmp_path / name))
        assert error.value.hint or "hint" in error.value.message


def test_the_same_application_is_the_same_bytes() -> None:
    compose = "services: {a: {image: a, restart: always, environment: {A: '${A:-x}', B: '${S}'}}}"
    first = manifests(application(compose, variables=["A"], secrets=["S"]))
    second = manifests(application(compose, variables=["A"], secrets=["S"]))
    assert [(each.path, each.read()) for each in first] == [(each.path, each.read()) for each in second]


def test_values_of_the_site_have_names_and_a_table_says_what_they_are() -> None:
    compose = """
services:
  a:
    image: a
    restart: always
    ports: ["${PORT}:80"]
    environment: {A: "${A:-x}", B: "${S}-${A:-x}", C: "${A-y}", D: "@@A@@"}
    volumes: ["v:/v", "./f:/f:ro"]
volumes: {v: }
"""
    files = [ConfigFile("f", b"a @@A@@\n", template="text")]
    members = {
        each.path: each.read().decode()
        for each in manifests(application(compose, variables=["A", "PORT"], secrets=["S"], files=files))
    }
    table = members["kubernetes/variables.tsv"].splitlines()
    assert table[0] == "name\tkind\tdefault\tabout"
    assert {line.split("\t")[0]: tuple(line.split("\t")[1:3]) for line in table[1:]}.items() >= {
        "A": ("variable", ""),
        "S": ("secret", ""),
        "KUBE_A_1": ("expression", "${A:-x}"),
        "KUBE_A_2": ("expression", "${A-y}"),
        "KUBE_EXPOSE": ("exposure", "NodePort"),
        "KUBE_SIZE_VOLUME_V": ("size", "10Gi"),
    }.items()
    everything = "".join(text for path, text in members.items() if path.endswith(".yaml"))
    assert 'B: "@@S@@-@@KUBE_A_1@@"' in everything
    assert "port: @@PORT@@\n" in everything
    assert 'f: "a @@A@@\\n"' in everything
    assert 'value: "\\x40\\x40A\\x40\\x40"' in everything
    assert any(path.startswith("kubernetes/ingress/80-") for path in members)
    numbers = [path.split("/")[2][:6] for path in members if path.endswith(".yaml")]
    assert numbers == sorted(numbers)


def test_secrets_stand_in_secrets_alone() -> None:
    compose = """
services:
  a:
    image: a
    restart: always
    command: run --pw ${S} --url http://u:${S}@b
    environment: {PW: "${S}"}
    labels: {x: plain}
    healthcheck: {test: "check ${S}"}
"""
    for member in manifests(application(compose, secrets=["S"])):
        text = member.read().decode()
        assert ("@@S@@" in text) == ("-secret-" in member.path), member.path


def test_expressions_have_names_of_their_own() -> None:
    body = {"a": parse("${A:-x} ${A:-x} ${A:-y}")}
    expressions = Expressions(frozenset({"KUBE_A_1"}))
    text = write_manifest(KubeObject(Stage.SERVICES, body), expressions)
    assert text == 'a: "@@KUBE_A_2@@ @@KUBE_A_2@@ @@KUBE_A_3@@"\n'


def test_the_table_has_the_defaults_of_variables() -> None:
    title = SiteVariable.model_validate({"name": "TITLE", "kind": "string", "default": "a\tb\n"})
    model = application("services: {a: {image: a, restart: always, environment: {T: '${TITLE}'}}}")
    table = {each.path: each.read() for each in manifests(replace(model, variables=(title,)))}
    assert b"TITLE\tvariable\ta\\tb\\n\t\n" in table["kubernetes/variables.tsv"]
