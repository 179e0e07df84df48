"""What an operator who is not root is told first."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.support.installer import call, shells

shell = pytest.mark.parametrize("shell", shells())
USER = """
id() { case $* in -u) echo 4321 ;; -un) echo kim ;; *) command id "$@" ;; esac; }
ROOT='' HOME=/home/kim
"""


@shell
def test_root_is_told_nothing(shell: str, tmp_path: Path) -> None:
    done = call(shell, "id() { echo 0; }\nexplain_user", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@shell
def test_a_user_without_an_engine_is_told_what_is_needed(shell: str, tmp_path: Path) -> None:
    script = f"{USER}XDG_RUNTIME_DIR=/run/user/4321\nDOCKER_HOST=unix://{tmp_path}/none.sock\nexplain_user"
    done = call(shell, script, tmp_path)
    assert done.returncode == 0
    first, *rest = done.stderr.splitlines()
    assert first.startswith("You are kim, not root.")
    assert "sudo usermod -aG docker kim" in rest[0]
    assert "DOCKER_HOST=unix:///run/user/4321/docker.sock" in rest[1]
    assert "--root /home/kim/FOLDER" in rest[2]
    assert "--install-engine" in rest[3]


@shell
def test_a_member_of_the_group_docker_needs_only_a_folder(shell: str, tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        done = call(shell, f"{USER}DOCKER_HOST=unix://{path}\nexplain_user", tmp_path)
    assert "usermod" not in done.stderr
    assert f"Engine: {path} can be used." in done.stderr
    given = call(shell, f"{USER}ROOT=/srv/shop DOCKER_HOST=unix://{path}\nexplain_user", tmp_path)
    assert "Folder:" not in given.stderr


@shell
def test_an_engine_of_the_user_is_known_by_its_folder(shell: str, tmp_path: Path) -> None:
    script = f"{USER}XDG_RUNTIME_DIR={tmp_path}\nDOCKER_HOST=unix://{tmp_path}/docker.sock\nexplain_user"
    done = call(shell, script, tmp_path)
    assert "(rootless)" in done.stderr
    assert "usermod" not in done.stderr
