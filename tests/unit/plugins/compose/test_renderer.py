"""The rendered compose.yaml: every YAML reader reads each value as intended."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bundler.api.application import ApplicationModel, ConfigFile
from bundler.api.output import PinnedService
from bundler_compose.renderer import ComposeRenderer


def render(compose: dict[str, object], *files: ConfigFile) -> dict[str, bytes]:
    application = ApplicationModel(name="shop", version="1", title="Shop", compose=compose, files=files)
    members = ComposeRenderer().render(application, [PinnedService("web", "web:1")])
    return {member.path: member.read() for member in members}


def test_services_run_the_pinned_image_and_never_pull() -> None:
    found = yaml.safe_load(
        render({"version": "3", "services": {"web": {"image": "x", "init": True}}})["config/compose.yaml"]
    )
    assert found == {"services": {"web": {"image": "web:1", "init": True, "pull_policy": "never"}}}


@pytest.mark.parametrize("text", ["yes", "NO", "off", "0o17", "1e3", "-1", ".5", "+1", "22:30"])
def test_ambiguous_texts_are_quoted(text: str) -> None:
    document = render({"services": {"web": {"environment": {"A": text}}}})["config/compose.yaml"].decode()
    assert f'A: "{text}"' in document


def test_a_text_of_several_lines_stays_readable_and_the_same() -> None:
    text = "first\nsecond\n"
    document = render({"services": {"web": {"command": text}}})["config/compose.yaml"].decode()
    assert "command: |\n" in document
    assert yaml.safe_load(document)["services"]["web"]["command"] == text


def test_nothing_is_written_as_an_alias() -> None:
    shared = {"driver": "json-file"}
    document = render({"services": {"web": {"logging": shared}}, "x-logging": shared})["config/compose.yaml"]
    assert b"*" not in document
    assert b"&" not in document


def test_files_lie_beside_it_with_their_modes(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("from a file")
    files = (ConfigFile("a", b"bytes", 0o600), ConfigFile("b", tmp_path / "b", 0o755))
    found = render({"services": {"web": {}}}, *files)
    assert found["config/a"] == b"bytes"
    assert found["config/b"] == b"from a file"
