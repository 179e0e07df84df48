"""Redaction of secrets in text for readers who may not know them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.installer import call, shells
from tests.support.secrets import forms

shell = pytest.mark.parametrize("shell", shells())
SECRETS = ("q7Vt2LmX9sRb4KdY", 'a"b\\c/d&e<f>+=?', "口令-密码", "****", "q7Vt2LmX")
KEY = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIObWhBMNnWbU\n-----END EC PRIVATE KEY-----\n"


def core(before: str, secret: str) -> str:
    """Return the characters of `base64(before + secret + more)` that depend on the secret alone."""
    text = base64.b64encode((before + secret).encode()).decode()
    length = len(before.encode())
    whole = (length + len(secret.encode())) * 8 // 6
    return text[(length * 8 + 5) // 6 : whole]


def redact(shell: str, folder: Path, text: str, secrets: tuple[str, ...] = SECRETS) -> str:
    (folder / "root").mkdir(exist_ok=True)
    lines = "".join(f"NAME_{number}={secret}\n" for number, secret in enumerate(secrets))
    (folder / "root" / "secrets.env").write_text(lines)
    (folder / "text").write_text(text)
    done = call(shell, f"redact <{folder}/text", folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


@shell
def test_no_form_of_a_secret_is_left(shell: str, tmp_path: Path) -> None:
    planted = [form for secret in SECRETS for form in forms(secret)]
    planted += [
        base64.b64encode(f"{before}{secret}{after}".encode()).decode()
        for secret in SECRETS[:2]
        for before in ("", "u:", "us:", "user:")
        for after in ("", "@", "!?")
    ]
    found = redact(shell, tmp_path, "".join(f"before {form} after\n" for form in planted))
    assert found.count("\n") == len(planted)
    assert found.count("before ") == found.count(" after") == len(planted)
    for secret in SECRETS[:3]:
        for form in forms(secret):
            assert form not in found
    for before in ("", "u:", "us:"):
        assert core(before, SECRETS[0]) not in found


@shell
def test_private_keys_and_passwords_in_addresses_are_masked(shell: str, tmp_path: Path) -> None:
    text = (
        f"db: postgres://shop:hunter2@db:5432/x redis://:hunter2@cache/0 http://host:80/a@b\n{KEY}after\n"
        + json.dumps({"key": KEY, "next": "kept"})
        + "\ncut off -----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n"
    )
    found = redact(shell, tmp_path, text)
    assert "hunter2" not in found
    assert "postgres://shop:******@db:5432/x redis://:******@cache/0 http://host:80/a@b" in found
    assert "MHcC" not in found
    assert "MIIE" not in found
    assert "\nafter\n" in found
    assert '"next": "kept"' in found


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40))
def test_random_secrets_are_masked(tmp_path: Path, secret: str) -> None:
    found = redact("dash", tmp_path, "".join(f"[{form}]\n" for form in forms(secret)), (secret,))
    lines = found.splitlines()
    assert len(lines) == len(forms(secret))
    for form, line in zip(forms(secret), lines, strict=True):
        assert form not in line or set(form) == {"*"}


@shell
def test_text_without_secrets_stays(shell: str, tmp_path: Path) -> None:
    text = "a & b \\n %s * 你好\n\n/path:80@x\nhttps://example.test/a?b=c\n"
    assert redact(shell, tmp_path, text) == text
    assert redact(shell, tmp_path, text, ()) == text
