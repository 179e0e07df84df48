"""Forms of `.env` files, checked against the real Compose."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.env_forms import READ, REFUSED

PROJECT = 'services: {x: {image: x, environment: {A: "${A-unset}", B: "${B-unset}"}}}\n'


def ask(docker_compose: str, folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "compose.yaml").write_text(PROJECT)
    (folder / ".env").write_bytes(text.encode())
    return subprocess.run(
        [docker_compose, "--project-name", "p", "config", "--format", "json"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.peer
@pytest.mark.root
@pytest.mark.parametrize("text", READ)
def test_compose_reads_the_same_values(docker_compose: str, tmp_path: Path, text: str) -> None:
    answer = ask(docker_compose, tmp_path, text)
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)["services"]["x"]["environment"]
    # Compose prints a dollar sign escaped, as a Compose file requires
    assert {name: value.replace("$$", "$") for name, value in found.items() if value != "unset"} == READ[text]


@pytest.mark.peer
@pytest.mark.root
@pytest.mark.parametrize("text", REFUSED)
def test_compose_refuses_the_same_files(docker_compose: str, tmp_path: Path, text: str) -> None:
    assert ask(docker_compose, tmp_path, text).returncode != 0
