"""Project files and services match the code: lock, CI, hooks, owners, license."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements-dev.txt").read_text()
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def names(requirements: list[str]) -> set[str]:
    """Return the names of packages, without versions and markers."""
    return {re.split(r"[^A-Za-z0-9-]", one)[0].lower() for one in requirements}


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


def test_the_lock_has_what_the_project_names_and_what_that_needs() -> None:
    entries = re.findall(r"^([a-z0-9-]+)==.*\n(?:    --hash.*\n)+((?:    #.*\n)+)", LOCK, flags=re.MULTILINE)
    direct = {name for name, reasons in entries if "bundler-airgap (pyproject.toml)" in reasons}
    wanted = names([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]])
    assert direct == wanted, "run: make lock"
    known = {name for name, _ in entries} | {"bundler-airgap"}
    for name, reasons in entries:
        parents = set(re.findall(r"(?:via|#  )\s+([a-z0-9-]+)", reasons))
        assert parents
        assert parents <= known, name


def test_the_lock_has_hashes_and_no_address() -> None:
    pinned = re.findall(r"^[a-z0-9-]+==", LOCK, flags=re.MULTILINE)
    assert len(pinned) > 50
    assert len(pinned) == len(
        re.findall(r"^\S+==\S+ (?:; .* )?\\\n    --hash=sha256:", LOCK, flags=re.MULTILINE)
    )
    assert not re.search(r"://|index-url|find-links|trusted-host", LOCK)


def test_lists_of_dependencies_are_in_alphabetical_order() -> None:
    for requirements in (PROJECT["dependencies"], PROJECT["optional-dependencies"]["dev"]):
        found = [re.split(r"[^a-z0-9-]", one)[0] for one in requirements]
        assert found == sorted(found)


def test_the_workflow_runs_make_on_every_supported_python_and_both_architectures() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    matrix = jobs["python"]["strategy"]["matrix"]
    assert matrix["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert PROJECT["requires-python"] == f">={matrix['python'][0]}"
    python = "Programming Language :: Python :: "
    assert [one for one in PROJECT["classifiers"] if one.startswith(python)] == [
        python + version for version in matrix["python"]
    ]
    for job in jobs.values():
        assert {one.endswith("-arm") for one in job["strategy"]["matrix"]["os"]} == {True, False}
        for step in job["steps"]:
            words = shlex.split(step.get("run", ""))
            if words[:1] == ["make"]:
                assert {word for word in words[1:] if "=" not in word} <= make_targets()
            elif words[:1] and words[0].startswith(".ci/"):
                assert (ROOT / words[0]).exists()


def test_actions_of_workflows_are_pinned_to_a_commit() -> None:
    assert WORKFLOWS
    for path in WORKFLOWS:
        used = re.findall(r"uses: (.*)", path.read_text())
        assert used
        assert [one for one in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}  # v[\d.]+", one)] == []


def test_the_hooks_before_a_commit_download_nothing() -> None:
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [one["repo"] for one in repositories] == ["local"]
    for hook in repositories[0]["hooks"]:
        assert hook["language"] == "system"
        program, *arguments = shlex.split(hook["entry"])
        assert program == "make" or program.startswith(".venv/bin/")
        if program == "make":
            assert set(arguments) <= make_targets()


def test_the_devcontainer_runs_commands_that_exist() -> None:
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    assert (ROOT / container["onCreateCommand"]).exists()
    program, *arguments = container["postCreateCommand"].split()
    assert program == "make"
    assert {one for one in arguments if "=" not in one} <= make_targets()


def test_owned_paths_exist() -> None:
    lines = (ROOT / ".github/CODEOWNERS").read_text().splitlines()
    owned = [line.split()[0] for line in lines if line and not line.startswith("#")]
    assert owned[0] == "*"
    assert [path for path in owned[1:] if not (ROOT / path.strip("/")).exists()] == []


def test_the_license_is_the_whole_text_of_apache_2() -> None:
    digest = hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest()
    assert digest == "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
    assert PROJECT["license"] == "Apache-2.0"


def test_the_version_is_in_one_place() -> None:
    assert "version" in PROJECT["dynamic"]
    version = re.search(r'^__version__ = "(.+)"$', (ROOT / "bundler/__init__.py").read_text(), re.MULTILINE)
    assert version
    assert f"\n## [{version[1]}] - " in (ROOT / "CHANGELOG.md").read_text()


def test_the_changelog_keeps_its_form() -> None:
    """Added, Changed, Fixed, Security under each version, in this order, and one line per entry."""
    text = (ROOT / "CHANGELOG.md").read_text()
    versions = re.split(r"^## \[", text, flags=re.MULTILINE)[1:]
    assert versions
    for version in versions:
        assert re.match(r"\d+\.\d+\.\d+\] - (unreleased|\d{4}-\d{2}-\d{2})\n", version)
        kinds = re.findall(r"^### (.*)$", version, re.MULTILINE)
        known = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
        assert kinds == [kind for kind in known if kind in kinds]
        entries = version.partition("\n### ")[2].splitlines()
        assert [line for line in entries if line.startswith(" ")] == []
