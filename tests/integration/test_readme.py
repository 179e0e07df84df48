"""Run the commands of the README and of the page about building."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.kiosk import Host

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BUILD = (ROOT / "docs/how-to/build.md").read_text()
DIFY = (ROOT / "docs/how-to/dify.md").read_text()
COMPOSE = """
services:
  web:
    image: {registry}/shop/web:1.0
    environment:
      DB_PASSWORD: ${{DB_PASSWORD}}
      GREETING: ${{GREETING:-hello}}
    ports: ["18090:80"]
    volumes: ["./web.conf:/etc/web.conf:ro"]
"""


def commands(section: str, number: int) -> str:
    """Return a section's block of commands with this number."""
    text = BUILD.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return str(re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)[number])


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a machine after `pipx install .`, with a fake docker."""
    host = Host("dash", tmp_path / "site", tmp_path, tmp_path)
    host.prepare()
    bundle = tmp_path / "site/bin/bundle"
    bundle.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bundler "$@"\n')
    bundle.chmod(0o755)
    python_path = os.pathsep.join(str(ROOT / name) for name in ("", "plugins"))
    variables = {**host.variables(), "BUNDLE_CACHE": str(tmp_path / "cache"), "PYTHONPATH": python_path}
    return {**variables, "PATH": f"{bundle.parent}:{os.environ['PATH']}"}


def type_in(lines: str, folder: Path, environment: dict[str, str]) -> str:
    result = subprocess.run(
        ["sh", "-exc", lines], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_from_a_compose_project_to_a_running_site(machine: dict[str, str], tmp_path: Path) -> None:
    shop = tmp_path / "work/shop"
    shop.mkdir(parents=True)
    (shop / "web.conf").write_text("a = b\n")
    build = commands("From a Compose project to a running site", 0)
    assert build.startswith("pipx install .")
    # a rehearsal needs an engine: tests/e2e/test_rehearsal.py
    assert "\nsudo bundle rehearse " in build
    build = build.replace("sudo bundle rehearse ", "bundle rehearse --help ")
    with SampleRegistry() as registry:
        registry.add_image("shop/web", "1.0", make_image({"bin/web": b"#!/bin/sh\n"}))
        (shop / "compose.yaml").write_text(COMPOSE.format(registry=registry.host))
        type_in(build.partition("\n")[2], tmp_path / "work", machine)
    names = {path.name for path in (tmp_path / "work/dist").iterdir()}
    assert {"shop-1.0-shop-linux-amd64.tar", "shop-1.0-shop-linux-amd64.tar.sha256"} <= names
    site = tmp_path / "there"
    (tmp_path / "work/dist").rename(site)
    (tmp_path / "work/bundle.pub").rename(site / "bundle.pub")
    root = tmp_path / "opt/shop"
    install = commands("From a Compose project to a running site", 1)
    assert "/opt/shop/shopctl status" in install
    install = install.replace("/opt/shop", str(root)).replace("sh install", f"sh install --root {root}")
    said = type_in(install, site, machine)
    assert "Preflight passed" in said
    assert "All services are healthy" in said
    assert "All services are in the expected state" in said


def test_the_unattended_line() -> None:
    unattended = re.search(r"Unattended: `(sh install [^`]+)`", BUILD)
    assert unattended
    for option in re.findall(r"--[a-z]+", unattended[1]):
        assert f"`{option}" in (ROOT / "docs/reference/installer.md").read_text()


def test_the_profile_of_your_own(machine: dict[str, str], tmp_path: Path) -> None:
    text = BUILD.partition("## A profile of your own\n")[2]
    profile = re.findall(r"```yaml\n# (\S+)\n(.*?)```", text, flags=re.DOTALL)[0]
    shop = tmp_path / "work/shop"
    shop.mkdir(parents=True)
    (shop / "web.conf").write_text("a = b\n")
    with SampleRegistry() as registry:
        registry.add_image("shop/web", "1.0", make_image({"bin/web": b"#!/bin/sh\n"}, platform="linux/arm64"))
        (shop / "compose.yaml").write_text(COMPOSE.format(registry=registry.host))
        type_in("bundle init --from ./shop/compose.yaml", tmp_path / "work", machine)
        (tmp_path / "work" / profile[0]).write_text(profile[1])
        said = type_in("bundle plan --profile branch-office", tmp_path / "work", machine)
    assert "shop/web:1.0" in said


def test_the_commands_of_the_finance_bundle_exist(machine: dict[str, str], tmp_path: Path) -> None:
    """With `--help`, a command checks its options and does nothing else."""
    section = README.partition("## Dify for a bank")[2].partition("\n## ")[0]
    build, site = re.findall(r"```sh\n(.*?)```", section, flags=re.DOTALL)
    lines = [line for line in build.splitlines() if line.startswith("bundle ")]
    assert len(lines) == 4
    for line in lines:
        assert "Usage: bundle" in type_in(line.partition(" #")[0] + " --help", tmp_path, machine)
    assert (ROOT / "profiles/finance.yaml").exists()
    reference = (ROOT / "docs/reference/installer.md").read_text()
    options = re.findall(r" (--[a-z-]+)", site)
    assert len(options) == 3
    assert [option for option in options if f"`{option}" not in reference] == []
    assert [name for name in re.findall(r"^([A-Z_]+)=", site, re.MULTILINE) if name not in DIFY] == []
