"""Files in other encodings than UTF-8 are searched, and refused where a value cannot be replaced."""

from __future__ import annotations

import base64

import pytest

from bundler.api.application import ConfigFile
from bundler_compose.secrets.encodings import read_other, read_utf8
from bundler_compose.secrets.follow import Followed, follow_secrets
from bundler_compose.secrets.layout import Today
from bundler_compose.secrets.project import Project, Rules
from bundler_compose.site_text import Marks

ENVIRONMENT = {"services": {"web": {"environment": {"DB_PASSWORD": "hunter22"}}}}
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAabcdefghijkl\n-----END RSA PRIVATE KEY-----\n"
BINARY = bytes(range(32)) * 8


def follow(content: bytes, *, secrets: bool = False, carry: bool = False) -> Followed:
    document = {**ENVIRONMENT, "secrets": {"own": {"file": "./a.conf"}} if secrets else {}}
    rules = Rules("generate", carry={"a.conf"} if carry else ())
    files = {"a.conf": ConfigFile("a.conf", content)}
    return follow_secrets(Project(document, Today(Marks(), {}), files, str, rules))


@pytest.mark.parametrize("encoding", ["latin-1", "cp1251", "gbk", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\n" + KEY, "has a private key"),
        ("# a\npassword = other44\n", "has a secret in plain text (password)"),
    ],
)
def test_keys_and_passwords_are_found_in_every_encoding(encoding: str, text: str, message: str) -> None:
    first = {"latin-1": "# é\n", "cp1251": "# яй\n", "gbk": "# 密码\n"}.get(encoding, "# a\n")
    content = (first + text).encode(encoding)
    (problem,) = follow(content).problems
    assert (problem.where, problem.message) == ("a.conf:3", message)
    assert not follow(content, carry=True).problems


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        ("# é\nany hunter22\n".encode("latin-1"), "save the file as UTF-8"),
        ("any hunter22\n".encode("utf-16"), "save the file as UTF-8"),
        (b"any hunter22\n\0", "save the file as UTF-8"),
        (BINARY + b"hunter22" + BINARY, "is no UTF-8"),
        (BINARY + "hunter22".encode("utf-16-le"), "is no UTF-8"),
    ],
)
def test_a_value_that_cannot_be_replaced_is_refused(content: bytes, remedy: str) -> None:
    (problem,) = follow(content).problems
    assert problem.message.startswith("has the value of the secret DB_PASSWORD")
    assert remedy in problem.message
    assert problem.setting == "carry"


@pytest.mark.parametrize("content", ["pässword1".encode("latin-1"), BINARY])
def test_a_file_of_secrets_that_is_no_utf8_is_refused(content: bytes) -> None:
    (problem,) = follow(content, secrets=True).problems
    assert "is a secret that is no UTF-8 text" in problem.message
    assert not follow(content, secrets=True, carry=True).problems


def test_a_private_key_in_base64_is_found() -> None:
    encoded = base64.b64encode(KEY.encode())
    (problem,) = follow(b"a: 1\nb: " + encoded + b"\n").problems
    assert (problem.where, problem.message) == ("a.conf:2", "has a private key in base64")
    certificate = base64.b64encode(KEY.replace("RSA PRIVATE KEY", "CERTIFICATE").encode())
    assert not follow(b"a: 1\nb: " + certificate + b"\n").problems


def test_programs_and_pictures_travel() -> None:
    assert read_other(BINARY) is None
    assert read_utf8(BINARY) is None
    assert not follow(BINARY + b"password=%s token=abc1 -----BEGIN RSA PRIVATE KEY-----\0").problems
    assert not follow("# é\nuser = a\n".encode("latin-1")).problems
