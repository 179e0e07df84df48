"""Every listing is also available as JSON, and `init` reports the files that it wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.errors import ExitCode
from tests.support.console import Console, make_console


@pytest.fixture
def console(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Console:
    monkeypatch.setenv("BUNDLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return make_console(capsys)


def test_profiles(console: Console) -> None:
    listed = {row["name"]: row for row in console("profiles", "--json").json}
    assert {"demo", "dev", "standard", "finance"} <= listed.keys()
    assert listed["demo"]["origin"] == "built-in"
    assert Path(listed["demo"]["path"]).is_file()
    shown = console("profiles").out
    assert all(name in shown for name in listed)


def test_plugins(console: Console) -> None:
    listed = {row["name"]: row["provides"] for row in console("plugins", "--json").json}
    assert listed["compose"]["applications"] == ["compose"]
    shown = console("plugins").out
    assert "applications: compose" in shown
    assert all(name in shown for name in listed)


def test_schema(console: Console) -> None:
    schema = console("schema").json
    assert {"compose", "dify"} <= set(schema["properties"]["application"]["examples"])


def test_init_says_what_it_made_and_what_comes_next(console: Console, tmp_path: Path) -> None:
    project = tmp_path / "shop"
    project.mkdir()
    (project / "compose.yaml").write_text(
        "services: {web: {image: 'web:1', environment: {DB_PASSWORD: written-here, L: '${LEVEL:-info}'}}}\n"
    )
    (project / "compose.override.yaml").write_text("services: {web: {labels: {over: ridden}}}\n")
    done = console("init", "--from", "shop")
    assert done.code == 0, done.err
    for said in (
        "wrote profiles/shop.yaml",
        "image web:1",
        "DB_PASSWORD: a secret, generated at each site",
        "LEVEL: info unless the operator sets another value",
        "bundle build --profile shop",
    ):
        assert said in done.out
    assert "literal_secrets: generate" in (tmp_path / "profiles/shop.yaml").read_text()


def test_init_tells_what_is_wrong_with_a_project(console: Console, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("name: shop\nservices: {web: {build: .}}\n")
    done = console("init", "--from", ".")
    assert "to be decided: compose.yaml:2: services.web: `build:` without `image:`" in done.out
    [profile] = (tmp_path / "profiles").iterdir()
    assert "  # images:\n" in profile.read_text()


def test_init_refuses_what_is_no_compose_file(console: Console, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: [\n")
    done = console("init", "--from", ".")
    assert (done.code, "compose.yaml:2" in done.err) == (1, True)
    assert not (tmp_path / "profiles").exists()


def test_an_application_that_cannot_write_profiles_says_so(console: Console, tmp_path: Path) -> None:
    done = console("init", "--from", ".", "--application", "dify")
    assert done.code == ExitCode.USAGE
    assert "the application dify cannot create profiles" in done.err
