"""The documentation matches the program: its example runs, and its references are complete."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import pytest
import yaml

from bundler.cli.main import COMMANDS
from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.console import Console, make_console

ROOT = Path(__file__).parents[4]
DOCS = ROOT / "docs"


@pytest.fixture
def console(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Console:
    monkeypatch.setenv("BUNDLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return make_console(capsys)


def examples(page: str) -> dict[str, str]:
    """Map names to contents of the examples that a page marks with `<!-- example: NAME -->`."""
    pattern = r"<!-- example: (\S+) -->\n```\w*\n(.*?)```"
    return dict(re.findall(pattern, (DOCS / page).read_text(), flags=re.DOTALL))


def test_the_plugin_of_the_documents_builds_a_bundle(console: Console, tmp_path: Path) -> None:
    found = examples("how-to/write-a-plugin.md")
    assert set(found) == {"greeter.py", "greeter.yaml"}
    (tmp_path / "my-plugins").mkdir()
    (tmp_path / "my-plugins/greeter.py").write_text(found["greeter.py"])
    (tmp_path / "greeter.yaml").write_text(found["greeter.yaml"])
    listed = console("plugins", "--plugins-dir", "my-plugins")
    assert "applications: greeter" in listed.out
    with SampleRegistry() as registry:
        registry.add_image("hello", "1.0", make_image({"bin/sh": b"\x7fELF"}))
        done = console(
            "build", "--profile", "./greeter.yaml", "--plugins-dir", "./my-plugins", "--unsigned",
            "--registry-mirror", f"registry.demo.example={registry.host}",
        )  # fmt: skip
    assert done.code == 0, done.err
    with tarfile.open(next((tmp_path / "dist").glob("greeter-1.0-*.tar"))) as archive:
        names = archive.getnames()
        member = archive.extractfile(next(name for name in names if name.endswith("config/compose.yaml")))
        assert member
        compose = yaml.safe_load(member.read())
        variables = archive.extractfile(next(name for name in names if name.endswith("/variables.tsv")))
        assert variables
        assert "good morning" in variables.read().decode()
    assert compose["services"]["greeter"]["environment"] == {"GREETING": "${GREETING}"}


def test_a_mistake_in_a_plugin_profile_is_reported_like_any_other(console: Console, tmp_path: Path) -> None:
    found = examples("how-to/write-a-plugin.md")
    (tmp_path / "my-plugins").mkdir()
    (tmp_path / "my-plugins/greeter.py").write_text(found["greeter.py"])
    (tmp_path / "greeter.yaml").write_text(found["greeter.yaml"].replace("greeting:", "greting:"))
    done = console("plan", "--profile", "./greeter.yaml", "--plugins-dir", "my-plugins")
    assert done.code == 2
    assert "greeter.yaml:5: settings.greting: unknown key" in done.err
    assert "did you mean `greeting`?" in done.err


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_reference_has_every_command_and_option(console: Console, command: str) -> None:
    page = (DOCS / "reference/commands.md").read_text()
    section = page.partition(f"## bundle {command}\n")[2].partition("\n## ")[0]
    assert section, "see docs/generate.py"
    for option in re.findall(r"^\s+(?:-\w, )?(--[\w-]+)", console(command, "--help").out, flags=re.MULTILINE):
        assert option in section, option


def test_the_exit_codes_of_the_reference_are_those_of_the_program(console: Console) -> None:
    page = " ".join((DOCS / "reference/commands.md").read_text().split())
    codes = " ".join(console("--help").out.partition("Exit codes:")[2].split())
    assert f"Exit codes: {codes}" in page


def test_links_between_documents_are_valid() -> None:
    for page in [*DOCS.rglob("*.md"), *ROOT.glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
