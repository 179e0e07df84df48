"""What the installer shows and logs of a service's output: its words, without secrets and terminal codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.installer import call, shells

SECRETS = "A=****\nB=s3cr[et.*x\nC=ab\nD=$HOME`id`\nE=密码密码\n"


@pytest.mark.parametrize("shell", shells())
def test_secrets_are_left_out(shell: str, tmp_path: Path) -> None:
    lines = (
        "x ****** y\ns3cr[et.*x s3crXetZZx\nab stays, too short to tell\n$HOME`id`$HOME`id`\n密码密码 密码\n"
    )
    (tmp_path / "root").mkdir()
    (tmp_path / "root/secrets.env").write_text(SECRETS)
    (tmp_path / "lines").write_text(lines)
    result = call(shell, f"redact <'{tmp_path}/lines'", tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout == (
        "x ******** y\n****** s3crXetZZx\nab stays, too short to tell\n************\n****** 密码\n"
    )


@pytest.mark.parametrize("shell", shells())
def test_terminal_codes_are_left_out(shell: str, tmp_path: Path) -> None:
    result = call(shell, r"printf '\033[2Kready\033[0m\n\033[1;31mred [2K stays\n' | redact", tmp_path)
    assert result.stdout == "ready\nred [2K stays\n"
