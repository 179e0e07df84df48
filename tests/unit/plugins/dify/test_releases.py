"""Dify's releases: what is known about each, and what a profile must set."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bundler.api.application import Requirement
from bundler.errors import ProfileError
from bundler_dify.releases import DEFAULT, RELEASES
from bundler_dify.settings.model import DifySettings
from tests.support import dify
from tests.support.profiles import load_profile

GIVEN = {
    "plugin_daemon": "langgenius/dify-plugin-daemon:0.6.12-local",
    "sandbox": "registry.bank.example/dify-sandbox:0.2.16",
}
NEW: dict[str, Any] = {"version": "1.18.0", "images": GIVEN}
OWN = ("api", "web", "agent_backend", "local_sandbox")


@pytest.mark.parametrize("version", sorted(RELEASES))
def test_images_belong_to_one_release(version: str) -> None:
    images = RELEASES[version].images
    assert all(getattr(images, name).endswith(f":{version}") for name in OWN)
    assert RELEASES[version].notes


def test_the_default_is_a_release_whose_compose_text_was_read() -> None:
    assert DEFAULT == "1.17.1"
    assert RELEASES[DEFAULT].unknown == ()
    assert RELEASES["1.18.0"].unknown == ("plugin_daemon", "sandbox")


def test_a_profile_chooses_the_release_and_says_what_is_not_known() -> None:
    application = dify.model(NEW)
    assert application.version == "1.18.0"
    services = application.compose["services"]
    assert services["api"]["image"] == services["migrate"]["image"] == "langgenius/dify-api:1.18.0"
    assert services["weaviate"]["image"] == "cr.weaviate.io/semitechnologies/weaviate:1.39.13"
    for service, image in GIVEN.items():
        assert services[service]["image"] == image
    assert Requirement("compose", minimum="2.35") in application.requirements
    assert Requirement("compose", minimum="2.20") in dify.model({}).requirements


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"version": "1.18.0"}, "the plugin_daemon that matches Dify 1.18.0 is unknown"),
        (
            {"version": "1.18.0", "images": {"plugin_daemon": GIVEN["plugin_daemon"]}},
            "the sandbox that matches",
        ),
        ({"images": {"sandbox": GIVEN["sandbox"]}}, "requires langgenius/dify-sandbox:0.2.15"),
        ({"version": "1.18.0", "images": GIVEN | {"sandbox": "a/b"}}, "no version tag"),
        ({"version": "1.18.0", "images": GIVEN | {"sandbox": "a/b:main"}}, "no version tag"),
        ({"version": "1.18.0", "images": GIVEN | {"sandbox": "A B"}}, "image reference"),
        ({"version": "1.18.0", "images": GIVEN | {"api": "a/b:1"}}, "images.api"),
        ({"version": "1.16.0"}, r"1\.16\.0 are unknown"),
    ],
)
def test_what_the_table_does_not_allow_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        dify.settings(values)


def test_the_error_names_line_and_where_to_look(tmp_path: Path) -> None:
    own = tmp_path / "bank.yaml"
    own.write_text("extends: finance\nsettings:\n  version: 1.18.0\n")
    with pytest.raises(ProfileError, match=r"bank\.yaml:3: settings\.version: the plugin_daemon") as error:
        load_profile(str(own), search=[dify.PROFILES]).settings(DifySettings)
    assert "docker/docker-compose.yaml" in str(error.value.hint)


@pytest.mark.parametrize("values", [{}, NEW], ids=["1.17.1", "1.18.0"])
def test_the_agents_sandbox_never_has_an_empty_token(values: dict[str, Any]) -> None:
    application = dify.model(values)
    token = {one.name: one for one in application.variables}["DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN"]
    assert (token.required, token.generator) == (True, "random:32")
    assert token.pattern
    assert not re.fullmatch(token.pattern, "")
    assert dify.environment(application, "local_sandbox")["SHELLCTL_AUTH_TOKEN"] == f"${{{token.name}}}"


@pytest.mark.parametrize("values", [{}, NEW], ids=["1.17.1", "1.18.0"])
def test_a_pepper_is_passed_on_and_never_generated(values: dict[str, Any]) -> None:
    """If an existing site without a pepper got one, users could not sign in."""
    assert "PASSWORD_PEPPER" not in dify.compose_text(dify.model(values))
    application = dify.model(values | {"password_pepper": True})
    pepper = {one.name: one for one in application.variables}["PASSWORD_PEPPER"]
    assert (pepper.kind, pepper.required, pepper.generator, pepper.default) == ("secret", True, None, None)
    told = {
        name
        for name, service in application.compose["services"].items()
        if service.get("environment", {}).get("PASSWORD_PEPPER") == "${PASSWORD_PEPPER}"
    }
    assert told == {"api", "api_websocket", "worker", "worker_beat", "migrate"}


def test_both_releases_migrate_in_one_job_so_that_the_upgrade_makes_its_backup() -> None:
    for values in ({}, NEW):
        assert dify.model(values).lifecycle.migrations == ("migrate",)
