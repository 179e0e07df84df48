"""Probes in the profile of a Compose project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bundler.api.application import Probe
from bundler.api.text import Text
from bundler.errors import BundleError
from bundler_compose.probes import SCRIPT_LIMIT, bind_probes, probe_scripts
from bundler_compose.settings import ComposeSettings, ProbeSetting
from tests.support.profiles import load_profile

COMPOSE: dict[str, Any] = {
    "services": {
        "db": {"image": "postgres:15", "healthcheck": {"test": ["CMD", "pg_isready"]}},
        "web": {"image": "nginx:1"},
        "migrate": {"image": "postgres:15", "x-bundle-expect": "completed"},
    },
}
PROBE = {
    "id": "rows", "service": "db", "command": ["psql", "-c", "SELECT 1"],
    "title": {"en": "Rows are read"}, "remedy": {"en": "Look at its log"},
}  # fmt: skip


def setting(**changed: object) -> ProbeSetting:
    return ProbeSetting.model_validate_json(json.dumps({**PROBE, **changed}))


def test_settings_become_the_neutral_model() -> None:
    assert bind_probes([setting()], COMPOSE, []) == (
        Probe("rows", "db", ("psql", "-c", "SELECT 1"), Text(en="Rows are read"), Text(en="Look at its log")),
    )
    found = bind_probes(
        [setting(script="x/rows.sql", when="MAIL", limit=3, title={"en": "Rows", "zh": "行"})],
        COMPOSE,
        ["MAIL"],
    )
    assert (found[0].script, found[0].when, found[0].limit, found[0].title.get("zh")) == (
        "probes/rows",
        "MAIL",
        3,
        "行",
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"service": "worker"}, "probes: rows: service: 'worker' is not a service that runs"),
        ({"service": "migrate"}, "probes: rows: service: 'migrate' is not a service that runs"),
        ({"when": "SMTP"}, "probes: rows: when: 'SMTP' is not a site variable"),
    ],
)
def test_unknown_names_are_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(BundleError, match=message) as caught:
        bind_probes([setting(**changed)], COMPOSE, ["MAIL"])
    assert caught.value.hint


def test_a_script_is_carried(tmp_path: Path) -> None:
    (tmp_path / "rows.sql").write_text("SELECT 1")
    (carried,) = probe_scripts([setting(script="./rows.sql"), setting(id="other")], tmp_path)
    assert carried.path == "probes/rows"
    assert isinstance(carried.content, Path)
    assert carried.content.read_text() == "SELECT 1"


def test_a_script_outside_the_project_is_refused(tmp_path: Path) -> None:
    project = tmp_path / "shop"
    project.mkdir()
    (tmp_path / "outside").write_text("")
    (project / "link").symlink_to(tmp_path / "outside")
    (project / "large").write_bytes(b"x" * (SCRIPT_LIMIT + 1))
    for script in ("none.sh", "../outside", "link", "large", "."):
        with pytest.raises(BundleError, match="probes: rows: script: ") as caught:
            list(probe_scripts([setting(script=script)], project))
        assert caught.value.hint


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["service: web", "command: []"], "profile.yaml:7: settings.probes.0.command: "),
        (
            ["service: web", "command: redis-cli ping"],
            "profile.yaml:7: settings.probes.0.command: must be a list",
        ),
        (["service: web", 'command: [sh, ""]'], "profile.yaml:7: settings.probes.0.command.1: "),
        (["service: web", 'command: [sh, "a\\tb"]'], "profile.yaml:7: settings.probes.0.command.1: "),
        (["service: web", "command: [sh]", "limit: 10"], "profile.yaml:8: settings.probes.0.limit: "),
        (["service: web", "command: [sh]", "id: Rows"], "profile.yaml:8: settings.probes.0.id: "),
        (["service: web", "command: [sh]", "when: a b"], "profile.yaml:8: settings.probes.0.when: "),
        (
            ["service: web", "command: [sh]", "title: {english: T}"],
            "profile.yaml:8: settings.probes.0.title.en: is missing",
        ),
        (
            ["service: web", "command: [sh]", "title: {en: T, english: T}"],
            "profile.yaml:8: settings.probes.0.title.english: is not a language",
        ),
        (
            ["service: web", "command: [sh]", "title: {en: T, zh: 1}"],
            "profile.yaml:8: settings.probes.0.title.zh: must be a string, not the number 1",
        ),
        (
            ["service: web", "command: [sh]", "title: T"],
            "profile.yaml:8: settings.probes.0.title: must be a mapping, not the string 'T'",
        ),
        (
            ["service: web", "command: [sh]", "title_en: T"],
            "profile.yaml:8: settings.probes.0.title_en: unknown key",
        ),
        (
            ["service: web", "command: [sh]", "shell: true"],
            "profile.yaml:8: settings.probes.0.shell: unknown key",
        ),
    ],
)
def test_errors_name_file_line_and_key(lines: list[str], message: str, tmp_path: Path) -> None:
    own = lines if any(line.startswith("id:") for line in lines) else [*lines, "id: rows"]
    title = [] if any(line.startswith("title:") for line in lines) else ["title: {en: T}"]
    texts = [*own, *title, "remedy: {en: R}"]
    (tmp_path / "profile.yaml").write_text(
        "application: compose\nversion: '1'\nsettings:\n  project: .\n  probes:\n    - "
        + "\n      ".join(texts)
        + "\n"
    )
    with pytest.raises(BundleError) as caught:
        load_profile(str(tmp_path / "profile.yaml")).settings(ComposeSettings)
    assert message in str(caught.value)


def test_a_duplicate_id_is_refused(tmp_path: Path) -> None:
    entry = "    - {id: a, service: web, command: [sh], title: {en: T}, remedy: {en: R}}\n"
    (tmp_path / "profile.yaml").write_text(
        f"application: compose\nversion: '1'\nsettings:\n  project: .\n  probes:\n{entry}{entry}"
    )
    with pytest.raises(BundleError, match=r"profile.yaml:7: settings.probes.1.id: 'a' is listed twice"):
        load_profile(str(tmp_path / "profile.yaml")).settings(ComposeSettings)
