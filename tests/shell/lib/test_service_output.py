"""Service output as the installer shows and logs it: the text, without secrets and terminal codes."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest

from tests.support.filling import fill
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


PLACES = {
    "json": ['{"a": "@@V0@@"}'],
    "yaml": ['a: "@@V0@@"', "a: '@@V0@@'", "a: @@V0@@", "a: |\n  @@V0@@"],
    "toml": ['a = "@@V0@@"', "a = @@V0@@"],
    "nginx": ['a "@@V0@@";', "a '@@V0@@';", "a @@V0@@;"],
    "shell": ["a=@@V0@@", "a='@@V0@@'", 'a="@@V0@@"', "cat <<E\n@@V0@@\nE"],
    "properties": ["a=@@V0@@", "a=b @@V0@@"],
    "env": ["A=@@V0@@", "A='@@V0@@'"],
    "xml": ['<a b="@@V0@@"/>', "<a>@@V0@@</a>"],
    "text": ["a @@V0@@"],
}
EMPTY = re.compile(
    r"""[{]"a": ""}|a[:=]? ?(?:""|''|[|]|b )?;?|  |a = ""|cat <<E|E|A=(?:""|'')?|<a b=""/>|<a></a>|""|"""
)
"""Matches the templates without their values."""
SECRETS_OF_FORMS = [
    "p\"w'd$x", 'a\\b"c', "it's `x`", "密码'\"$&<>", "a&b<c>d", "=:#! a", " lead", "tab\there", "$$HOME$",
    "x/y\\'z\\", "\x1b0\x7f;{}", "\U0001f600key",
]  # fmt: skip


@pytest.mark.parametrize("shell", shells())
def test_secrets_as_templates_and_compose_quote_them(shell: str, tmp_path: Path) -> None:
    made = b""
    for form, templates in PLACES.items():
        lines = [
            template.replace("@@V0@@", f"@@V{number}@@") + "\n"
            for template in templates
            for number in range(len(SECRETS_OF_FORMS))
        ]
        filled = fill(shell, form, "".join(lines), SECRETS_OF_FORMS, tmp_path / form)
        made += filled.content
    for secret in SECRETS_OF_FORMS:
        others = (json.dumps(secret), json.dumps(secret, ensure_ascii=False), html.escape(secret))
        made += "".join(f"{other}\n" for other in others).encode()
    (tmp_path / "root").mkdir()
    kept = "".join(f"A{number}={secret}\n" for number, secret in enumerate(SECRETS_OF_FORMS))
    (tmp_path / "root/secrets.env").write_bytes(kept.encode())
    (tmp_path / "lines").write_bytes(made)
    (tmp_path / "secrets").write_bytes("".join(f"{secret}\n" for secret in SECRETS_OF_FORMS).encode())
    script = f"""
    LC_ALL=C
    export LC_ALL
    draft=$SCRATCH
    begin_pairs
    while IFS= read -r secret; do write_pair A "$secret"; done <{tmp_path}/secrets
    {{ cat {tmp_path}/lines && sed 1,3d "$draft/compose.env"; }} | redact
    """
    result = call(shell, script, tmp_path)
    assert result.returncode == 0, result.stderr
    left = {line.replace("******", "") for line in result.stdout.splitlines()}
    assert result.stdout.count("******") > 200
    assert {line for line in left if not EMPTY.fullmatch(line)} == set()
