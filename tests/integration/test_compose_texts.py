"""Texts with variables, `.env` and `env_file`: the real Compose reads the same values, or refuses too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bundler.errors import BundleError
from bundler_compose.reading.environment import read_environment
from bundler_compose.reading.interpolation import Interpolation
from bundler_compose.reading.service_files import EnvFile, resolve_environment
from bundler_compose.site_text import Marks
from tests.support.compose import Compose, running_compose
from tests.support.templates import VALUES, dotenv_texts, template_texts

MANY: Final = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def compose() -> Iterator[Compose]:
    with running_compose() as running:
        yield running


def config(
    compose: Compose, folder: Path, document: object, values: dict[str, str]
) -> dict[str, str | None] | None:
    """Return the environment that Compose reads for the service; None if it refuses the project."""
    (folder / "compose.yaml").write_text(json.dumps(document))
    answer = compose.call(folder, "--project-name", "p", "config", "--format", "json", environment=values)
    if answer.failed:
        return None
    found = json.loads(answer.out)["services"]["x"].get("environment", {})
    return {name: value and value.replace("$$", "$") for name, value in found.items()}


@MANY
@given(st.lists(template_texts(), min_size=1, max_size=30))
def test_texts_have_the_values_of_compose(compose: Compose, tmp_path: Path, texts: list[str]) -> None:
    read: dict[str, str] = {}
    refused = []
    for number, text in enumerate(texts):
        try:
            read[f"V{number}"] = Interpolation(VALUES.get, Marks()).text(text, "")
        except BundleError:
            refused.append(text)
    environment = {f"V{number}": text for number, text in enumerate(texts) if f"V{number}" in read}
    document = {"services": {"x": {"image": "x", "environment": environment}}}
    assert config(compose, tmp_path, document, VALUES) == read
    for text in refused[:2]:
        document = {"services": {"x": {"image": "x", "environment": {"V": text}}}}
        assert config(compose, tmp_path, document, VALUES) is None, text


@MANY
@given(dotenv_texts(), dotenv_texts())
def test_files_have_the_values_of_compose(compose: Compose, tmp_path: Path, first: str, second: str) -> None:
    """The first is `.env`, the second an `env_file`; variables of both are seen where Compose sees them."""
    (tmp_path / ".env").write_text(first)
    (tmp_path / "x.env").write_text(second)
    uses = {f"U_{name}": f"${{{name}-unset}}" for name in ("A", "B", "NONE")}
    document = {"services": {"x": {"image": "x", "environment": uses, "env_file": "x.env"}}}
    answer = config(compose, tmp_path, document, {})
    expected = None
    try:
        marks = Marks()
        found = read_environment({}, {".env": first.encode()}.get)
        interpolation = Interpolation(found.today, marks)
        own = {name: interpolation.text(text, "") for name, text in uses.items()}
        read = {"x.env": second.encode()}.get
        expected = resolve_environment(own, [EnvFile("x.env", "")], read, interpolation, found.today)
    except BundleError as error:
        if "does not end: Compose reads no name" in error.message or "without a name" in error.message:
            return  # Compose makes a variable without a name, which no engine takes
    assert answer == expected
