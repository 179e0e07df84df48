"""Variables of whole projects: at a site that answers nothing, all is as Compose has it today."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bundler.api.templates.process import Templates
from bundler.api.variable import SiteVariable
from bundler.errors import BundleError
from bundler_compose.reading.project import Readings, Source, read_project
from bundler_compose.site_variables import find_site_variables

HEAD = "services:\n  web:\n    image: nginx:1.22\n"
ENVIRONMENT = HEAD + "    environment:\n"


def read(folder: Path, compose: str, dotenv: str = "", **given: object) -> Readings:
    (folder / "compose.yaml").write_text(compose)
    if dotenv:
        (folder / ".env").write_text(dotenv)
    with Templates({}) as templates:
        return read_project(Source(folder, given=given), templates)


def variables(readings: Readings) -> dict[str, SiteVariable]:
    site = readings.site
    return find_site_variables(site.data, site.marks, site.environment, ())


def at_site(readings: Readings, answers: Mapping[str, str]) -> Any:  # noqa: ANN401 a document
    """Return the document as the site's Compose resolves it; a name that is passed on has its value."""
    defaults = {
        name: variable.default or ""
        for name, variable in variables(readings).items()
        if variable.lacking != "unset"
    }
    values = {**defaults, **answers}

    def bind(value: Any) -> Any:  # noqa: ANN401 likewise
        if isinstance(value, str):
            return readings.site.marks.bind(value, values)
        if isinstance(value, dict):
            return {key: bind(item) for key, item in value.items()}
        return [bind(item) for item in value] if isinstance(value, list) else value

    document = bind(readings.site.data)
    for service in document["services"].values():
        for name, value in service.get("environment", {}).items():
            service["environment"][name] = values.get(name) if value is None else value
    return document


CASES = {
    "two defaults": (
        ENVIRONMENT + "      STORE: ${STORE:-http://localhost:9090}\n"
        "  worker:\n    image: redis:7\n    environment: {STORE: '${STORE:-http://store:9000}'}\n",
        "",
        {"STORE"},
    ),
    "nested defaults": (
        ENVIRONMENT + "      A: ${A:-${B:-${C:-c}}}\n      D: ${D:+is-set}\n      E: ${E-e}\n"
        '      G: "${G:-a}${G:-b}"\n      H: ${H:-"quoted"}\n      I: ${I:-a:b}\n      J: ${J:-}\n',
        "",
        set("ABCDEGHIJ"),
    ),
    "empty in .env": (ENVIRONMENT + "      COLOUR: ${COLOUR:-blue}\n", "COLOUR=\n", {"COLOUR"}),
    "hard default, empty in .env": (ENVIRONMENT + "      COLOUR: ${COLOUR-blue}\n", "COLOUR=\n", {"COLOUR"}),
    "passed on": (ENVIRONMENT + "      - SMTP_USER\n      - SET\n", "SET=1\n", {"SMTP_USER", "SET"}),
    "unset": (ENVIRONMENT + "      JAVA_OPTS: ${JAVA_OPTS}\n", "", {"JAVA_OPTS"}),
    "reference": (
        ENVIRONMENT + "      BASE_URL: ${BASE_URL}\n",
        "HOST_NAME=shop.example\nBASE_URL=https://${HOST_NAME}/shop\n",
        {"HOST_NAME"},
    ),
    "odd lines": (ENVIRONMENT + "      A: ${A}\n", "A: yes\n# c\nexport B=2\nx-y=1\n", {"A"}),
    "escapes": (
        ENVIRONMENT + "      H: ${H}\n      K: ${K}\n",
        'H="a\\"b\\tc"\nK="x # y" # comment\n',
        {"K"},
    ),
    "several lines": (ENVIRONMENT + "      MOTD: ${MOTD}\n", 'MOTD="first\nsecond"\n', set()),
    "an image's variable": (
        "x-base: &base\n  image: nginx:${TAG}\nservices:\n  web:\n    <<: *base\n    labels: {v: '${TAG}'}\n",
        "TAG=1.22\n",
        set(),
    ),
    "address and port": (HEAD + '    ports: ["${SQL_PORT:-127.0.0.1:13306}:3306"]\n', "", {"SQL_PORT"}),
    "a dollar alone": (HEAD + '    command: ["sh", "-c", "echo $1 $(id) $$HOME"]\n', "", set()),
}


@pytest.mark.parametrize("case", CASES)
def test_a_site_without_answers_is_as_compose_has_it_today(case: str, tmp_path: Path) -> None:
    compose, dotenv, names = CASES[case]
    readings = read(tmp_path, compose, dotenv)
    assert variables(readings).keys() == names
    assert not any(variable.required for variable in variables(readings).values())
    site, today = at_site(readings, {}), readings.today.data
    if case != "address and port":  # that stays in the short form, whose parts are known at the site
        assert site == today


def test_a_port_with_its_address_stays_one_text(tmp_path: Path) -> None:
    readings = read(tmp_path, *CASES["address and port"][:2])
    assert at_site(readings, {})["services"]["web"]["ports"] == ["127.0.0.1:13306:3306/tcp"]
    (variable,) = variables(readings).values()
    assert (variable.kind, variable.default_is) == ("string", "127.0.0.1:13306")
    assert variable.pattern is not None


def test_a_value_of_the_build_is_the_same_everywhere(tmp_path: Path) -> None:
    readings = read(
        tmp_path, "services:\n  web:\n    image: nginx:${TAG:?}\n    labels: {v: '${TAG}'}\n", TAG="1.22"
    )
    assert variables(readings) == {}
    assert readings.site.data["services"]["web"]["labels"] == {"v": "1.22"}


def test_answers_reach_each_place_and_each_default_stays(tmp_path: Path) -> None:
    readings = read(tmp_path, *CASES["two defaults"][:2])
    services = at_site(readings, {"STORE": "http://own"})["services"]
    assert [service["environment"]["STORE"] for service in services.values()] == ["http://own"] * 2
    readings = read(tmp_path, *CASES["reference"][:2])
    assert at_site(readings, {"HOST_NAME": "own"})["services"]["web"]["environment"] == {
        "BASE_URL": "https://own/shop"
    }


def test_a_required_variable_asks_with_its_text(tmp_path: Path) -> None:
    readings = read(tmp_path, ENVIRONMENT + "      F: ${F:?say F}\n")
    (variable,) = variables(readings).values()
    assert variable.required
    assert variable.prompt is not None
    assert variable.prompt.en == "say F"
    with pytest.raises(BundleError, match="F has no value: say F"):
        at_site(readings, {})
    assert at_site(readings, {"F": "f"})["services"]["web"]["environment"] == {"F": "f"}


def test_a_variable_of_the_shell_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"compose\.yaml:4: .*\$\{HOME\} is a value of the shell"):
        read(tmp_path, HEAD + '    volumes: ["${HOME}/data:/data"]\n')
