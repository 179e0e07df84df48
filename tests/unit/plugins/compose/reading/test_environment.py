"""The variables of a project: values of the profile, then `.env`; what the site may set stays a use."""

from __future__ import annotations

import pytest

from bundler.errors import BundleError
from bundler_compose.reading.environment import (
    Environment,
    compose_files,
    profiles,
    project_name,
    read_env_files,
    read_environment,
)
from bundler_compose.reading.interpolation import Interpolation
from bundler_compose.site_text import Marks


def environment(text: str = "", values: dict[str, object] | None = None, **files: str) -> Environment:
    found = {".env": text, **files}
    return read_environment(values or {}, lambda name: found[name].encode() if name in found else None)


def for_site(found: Environment, text: str, bound: tuple[str, ...] = ()) -> str:
    marks = Marks()
    return marks.render(Interpolation(found.for_site(marks, bound), marks).text(text, "compose.yaml:1"))


def test_values_of_the_profile_go_before_env_files() -> None:
    found = environment("A=1\nB=${A}\nC=c\n", {"A": 2, "ON": True, "X": {"for": "templates"}})
    assert [found.today(name) for name in ("A", "B", "C", "ON", "X")] == ["2", "2", "c", "true", None]


def test_the_environment_of_the_build_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "of the build machine")
    assert environment("A=${SECRET}").today("A") == ""


def test_files_profiles_and_name_are_those_of_the_environment() -> None:
    found = environment(
        "COMPOSE_FILE=a.yaml;./b/c.yaml\nCOMPOSE_PATH_SEPARATOR=;\nCOMPOSE_PROFILES=x, y\n"
        "COMPOSE_PROJECT_NAME=shop\n"
    )
    assert compose_files(found) == ("a.yaml", "b/c.yaml")
    assert profiles(found, ()) == {"x", "y"}
    assert profiles(found, ("z",)) == {"z"}
    assert project_name(found) == "shop"
    assert compose_files(environment("COMPOSE_FILE=a:b")) == ("a", "b")
    assert (compose_files(environment()), profiles(environment(), ()), project_name(environment())) == (
        (), frozenset(), None,
    )  # fmt: skip


def test_other_env_files_are_named_and_must_be_there() -> None:
    files = {"one": "A=1\nB=1\n", "two": "B=${A}2\n"}
    found = environment("C=3", {"COMPOSE_ENV_FILES": "one,two"}, **files)
    assert [found.today(name) for name in "ABC"] == ["1", "12", None]
    with pytest.raises(BundleError, match="gone: not found"):
        environment("", {"COMPOSE_ENV_FILES": "gone"})


def test_the_env_file_can_be_disabled() -> None:
    assert environment("A=1", {"COMPOSE_DISABLE_ENV_FILE": "1"}).today("A") is None
    assert environment("A=1", {"COMPOSE_DISABLE_ENV_FILE": False}).today("A") == "1"
    own = environment("A=1\nCOMPOSE_DISABLE_ENV_FILE=true\nCOMPOSE_PROFILES=x\n")
    assert own.today("A") is None
    assert profiles(own, ()) == {"x"}
    with pytest.raises(BundleError, match="neither true nor false"):
        environment("", {"COMPOSE_DISABLE_ENV_FILE": "maybe"})


@pytest.mark.parametrize(
    ("dotenv", "text", "expected"),
    [
        ("HOST=h\nURL=http://${HOST}/x\n", "${URL}", "http://${HOST}/x"),
        ("HOST=h\nURL=http://${HOST}/x\n", "${URL:-y}${HOST:-z}", "http://${HOST}/x${HOST:-z}"),
        ("URL=http://${HOST:-h}/\n", "${URL}", "http://${HOST:-h}/"),
        ("A=${B}\nB=later\n", "${A}", ""),  # at that line, B has no value
        ("A=1\nB=${A}\nA=2\n", "${B}${A}", "12"),  # one name, two values
        ("P=${P:-own}\n", "${P}", "own"),
        ("A='${B}'\n", "${A}", "${A}"),
        ("COLOUR=\n", "${COLOUR:-blue}", "${COLOUR:-blue}"),
        ("", "${UNSET}${UNSET:-x}", "${UNSET}${UNSET:-x}"),
    ],
)
def test_env_values_made_of_variables_are_expanded_in_place(dotenv: str, text: str, expected: str) -> None:
    assert for_site(environment(dotenv), text) == expected


def test_bound_and_given_names_have_their_value_of_today() -> None:
    found = environment("TAG=1\nOTHER=2\nURL=x${TAG}y${OTHER}\n", {"GIVEN": "g"})
    assert for_site(found, "${TAG}${OTHER}${GIVEN:-x}${URL}", ("TAG",)) == "1${OTHER}gx1y${OTHER}"
    assert for_site(found, "${NONE:-d}", ("NONE",)) == "d"


def test_variables_of_the_shell_are_refused() -> None:
    with pytest.raises(BundleError, match=r"compose\.yaml:1: \$\{HOME\} is a value of the shell"):
        for_site(environment(), "${HOME}/data")
    assert for_site(environment("", {"HOME": "/srv"}), "${HOME}/data") == "/srv/data"
    assert for_site(environment("COMPOSE_PROFILES=x"), "${COMPOSE_PROFILES}${DOCKER_SOCK:-y}") == "xy"


def test_included_documents_have_variables_of_their_own() -> None:
    outer = environment("A=1\nB=2\n")
    inner = outer.including(read_env_files(("i/.env",), lambda _: b"B=3\nC=4\nD=${A}${B}${C}\n", outer.today))
    assert [inner.today(name) for name in "ABCD"] == ["1", "2", "4", "124"]
    assert outer.today("C") is None
    assert for_site(inner, "${A}|${B}|${C}|${D}") == "${A}|${B}|${C-4}|${A}${B}${C-4}"
