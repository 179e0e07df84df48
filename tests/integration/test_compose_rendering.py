"""The document of a bundle is compared with what Docker Compose makes of the project, by builds and here."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from bundler.api.application import ApplicationContext
from bundler.errors import BundleError
from bundler.image.platform import Platform
from bundler_compose.comparison.build import Comparison, compare, intended, values_of_today
from bundler_compose.comparison.documents import find_differences
from bundler_compose.comparison.program import Program, find_program
from bundler_compose.dumper import dump
from bundler_compose.model import Prepared, compose_model, prepare
from bundler_compose.settings import ComposeSettings
from tests.support.compose import Compose, need_compose, running_compose
from tests.support.compose_corpus import built_images, scratch
from tests.support.compose_projects.projects import Project, projects
from tests.support.programs import NO_SKIP

COUNT = 250 if os.environ.get(NO_SKIP) else 50
"""Number of generated projects: making the model of one takes most of the time."""
HOST_PATHS = ("/etc/localtime", "/dev/sda")
WEB: dict[str, Any] = {"services": {"web": {"image": "busybox", "environment": {"A": "${A:-one}"}}}}


def context(folder: Path, **keys: Any) -> ApplicationContext:  # noqa: ANN401 settings
    chosen = ComposeSettings.model_validate({"project": str(folder), **keys})
    return ApplicationContext("shop", chosen, folder, None, Platform("linux", "amd64"))


@pytest.fixture
def with_compose(monkeypatch: pytest.MonkeyPatch) -> str:
    """Put Docker Compose on the PATH, and return its version."""
    folder = need_compose()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    program = find_program()
    assert program
    assert program.path == str(folder / "docker-compose")
    return program.version


def test_a_build_says_that_its_document_is_equal(with_compose: str, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(json.dumps(WEB))
    assert compose_model(context(tmp_path)).remarks == (
        f"the bundle's document is equal to what Docker Compose {with_compose} makes of the project",
    )


def test_values_of_the_profile_go_before_those_of_the_project(with_compose: str, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(json.dumps(WEB))
    (tmp_path / ".env").write_text("A=project\n")
    assert with_compose in compose_model(context(tmp_path, values={"A": "profile"})).remarks[0]


def test_a_difference_ends_the_build_and_secrets_are_not_shown(with_compose: str, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(
        json.dumps(
            {"services": {"web": {"image": "busybox", "environment": {"DB_PASSWORD": "Xk9$$mQ27vLp"}}}}
        )
    )
    prepared = prepare(context(tmp_path, literal_secrets="generate"))
    comparison = compared(prepared)
    assert with_compose in str(compare("require", comparison))
    service = prepared.model.compose["services"]["web"]
    service["user"] = "1000"
    service["environment"]["DB_PASSWORD"] = "Xk9$$mQ27vLp!"
    with pytest.raises(BundleError) as error:
        compare("auto", comparison)
    assert "services.web.user is missing in the project and '1000' in the bundle" in error.value.message
    assert "services.web.environment.DB_PASSWORD is a text with a secret" in error.value.message
    assert "mQ27" not in error.value.message
    assert "compare: off" in str(error.value.hint)
    assert compare("off", comparison) is None


SPELT = {
    "percent": ("p@ss/w0rd#9", "postgres://app:p%40ss%2Fw0rd%239@db/x"),
    "percent in lower case": ("p@ss/w0rd#9", "postgres://app:p%40ss%2fw0rd%239@db/x"),
    "percent without need": ("passw0rd.9", "postgres://app:p%61ssw0rd%2e9@db/x"),
    "JSON": ('a"b\\c9zZ77', '{"db": {"password": "a\\"b\\\\c9zZ77", "path": "C:\\\\x"}}'),
}
"""A password of today, and a text that has it in another spelling."""


@pytest.mark.parametrize(("value", "text"), SPELT.values(), ids=SPELT)
def test_a_secret_is_equal_in_every_spelling(
    with_compose: str, tmp_path: Path, value: str, text: str
) -> None:
    db = {"image": "db", "environment": {"DB_PASSWORD": value}}
    web = {"image": "web", "environment": {"SOURCE": text}}
    (tmp_path / "compose.yaml").write_text(json.dumps({"services": {"db": db, "web": web}}))
    chosen = context(tmp_path, literal_secrets="generate")
    assert "${DB_PASSWORD}" in prepare(chosen).model.compose["services"]["web"]["environment"]["SOURCE"]
    assert with_compose in compose_model(chosen).remarks[0]
    comparison = compared(prepare(chosen))
    environment = comparison.model.compose["services"]["web"]["environment"]
    environment["SOURCE"] = environment["SOURCE"].replace("${DB_PASSWORD}", "${DB_PASSWORD}x")
    with pytest.raises(BundleError, match=r"services\.web\.environment\.SOURCE"):
        compare("auto", comparison)


def test_a_dependency_that_compose_profiles_leave_out_is_no_difference(
    with_compose: str, tmp_path: Path
) -> None:
    depends = {"db": {"condition": "service_started", "required": False}}
    db = {"image": "db", "profiles": ["own-db"]}
    web = {"image": "web", "depends_on": depends}
    (tmp_path / "compose.yaml").write_text(json.dumps({"services": {"db": db, "web": web}}))
    assert "depends_on" not in prepare(context(tmp_path)).model.compose["services"]["web"]
    for profiles in ((), ("own-db",)):
        assert with_compose in compose_model(context(tmp_path, profiles=profiles)).remarks[0]


def test_without_compose_a_build_compares_only_if_it_must(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "compose.yaml").write_text(json.dumps(WEB))
    assert compose_model(context(tmp_path)).remarks == ()
    with pytest.raises(BundleError, match="this machine has none"):
        compose_model(context(tmp_path, compare="require"))


def test_a_template_is_not_compared(with_compose: str, tmp_path: Path) -> None:
    assert with_compose
    (tmp_path / "compose.yaml.j2").write_text(json.dumps(WEB))
    assert compose_model(context(tmp_path)).remarks == (
        "not compared with Docker Compose: a Compose file is a template",
    )
    with pytest.raises(BundleError, match="a Compose file is a template"):
        compose_model(context(tmp_path, compare="require"))


@pytest.mark.parametrize(
    "output", ["1.29.2", "docker-compose version 1.29.2, build 5becea4c", "", "no number"]
)
def test_what_is_no_compose_2_or_later_is_not_used(
    output: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "docker-compose"
    program.write_text(f"#!/bin/sh\necho '{output}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_program() is None


def test_a_project_that_compose_refuses_is_an_error_with_its_reason(tmp_path: Path) -> None:
    program = Program(str(need_compose() / "docker-compose"), "5")
    (tmp_path / "compose.yaml").write_text('{"services": {"web": {"image": "a", "usr": "b"}}}')
    with pytest.raises(BundleError, match=r"Docker Compose 5 refuses it: .*usr"):
        program.config(tmp_path, [tmp_path / "compose.yaml"], {})


def compared(prepared: Prepared) -> Comparison:
    return Comparison(prepared.reading, prepared.model, prepared.groups, {}, {})


def test_generated_projects_come_out_equal(record_property: Callable[[str, object], None]) -> None:
    counts = {"equal": 0, "refused": 0, "refused by both": 0}

    with running_compose() as compose:

        @seed(14)
        @settings(
            max_examples=COUNT,
            database=None,
            phases=(Phase.generate,) if os.environ.get(NO_SKIP) else (Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(projects())
        def check(project: Project) -> None:
            with scratch() as folder:
                project.write(folder)
                counts[_check(compose, folder, project)] += 1

        check()
    record_property("corpus", counts)
    assert counts["equal"] > COUNT / 3


def _check(compose: Compose, folder: Path, project: Project) -> str:
    answer = compose.config(folder, project.arguments, profiles=project.profiles)
    images = {} if answer.failed else built_images(answer.document)
    try:
        prepared = prepare(
            context(
                folder,
                files=project.arguments,
                profiles=project.profiles,
                host_paths=HOST_PATHS,
                literal_secrets="carry",
                root="..",
                images=images,
                compare="off",
            )
        )
    except BundleError:
        return "refused by both" if answer.failed else "refused"
    assert not answer.failed or "required variable" in answer.err, answer.err
    if answer.failed:
        return "refused by both"
    comparison = Comparison(prepared.reading, prepared.model, prepared.groups, {}, images)
    (folder / "bundle").mkdir()
    (folder / "bundle/compose.yaml").write_text(dump(prepared.model.compose))
    values = {**values_of_today(comparison), "BUNDLE_DATA": str(folder / "data")}
    bundle = compose.config(folder / "bundle", ["compose.yaml"], environment=values)
    assert find_differences(answer.document, bundle.document, intended(comparison)) == []
    return "equal"
