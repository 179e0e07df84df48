"""A server that has Podman, but no program that responds as Docker does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.installer import call, shells


@pytest.mark.parametrize("shell", shells())
@pytest.mark.parametrize(
    ("there", "language", "said"),
    [
        ("podman", "en", "systemctl enable --now podman.socket"),
        ("podman", "zh", "没有提供 Docker API 的服务"),
        ("podman dockerd", "en", "The Docker engine does not respond"),
        ("", "en", "The Docker engine does not respond"),
    ],
)
def test_podman_without_docker_gets_instructions(
    there: str, language: str, said: str, shell: str, tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    fake = f'have() {{ case " {there} " in *" $1 "*) return 0 ;; esac; return 1; }}\n'
    done = call(shell, f"NAME=shop; {fake}require_engine", tmp_path, language=language)
    assert done.returncode == 1
    assert said in done.stderr
