"""`.env` files: the forms that Compose reads, and how values are found and replaced in them."""

from __future__ import annotations

import pytest

from bundler.errors import BundleError
from bundler_compose.env_files import parse_assignments, read_env_file, replace_values
from tests.support.env_forms import READ, REFUSED


@pytest.mark.parametrize("text", READ)
def test_forms_that_compose_accepts_are_read(text: str) -> None:
    found = read_env_file(text, ".env")
    assert {name: value for name, value in found.items() if name in {"A", "B"}} == READ[text]


@pytest.mark.parametrize("text", REFUSED)
def test_forms_that_compose_refuses_are_refused(text: str) -> None:
    with pytest.raises(BundleError, match=r"^\.env:1: "):
        read_env_file(text, ".env")


def test_env_files_are_read_as_compose_does() -> None:
    text = "# c\n\nexport A=1\nB='x # y'\nC=\"z\" # c\nD=a b # c\nE=\nF\nG=a#b\n"
    assert read_env_file(text, ".env") == {
        "A": "1", "B": "x # y", "C": "z", "D": "a b", "E": "", "G": "a#b",
    }  # fmt: skip
    with pytest.raises(BundleError, match=r"\.env:2: not NAME=VALUE"):
        read_env_file("A=1\nnot a line\n", ".env")


def test_lines_are_counted_over_values_of_several_lines() -> None:
    text = 'A="x\ny"\n\n# c\n\nB=1\nC="${D?gone}"\n'
    assert [found.line for found in parse_assignments(text, ".env")] == [1, 6, 7]
    with pytest.raises(BundleError, match=r"\.env:7: '?\$\{D\?gone\}'? has no value: gone"):
        read_env_file(text, ".env")


def test_the_environment_of_the_build_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "of the build machine")
    assert read_env_file("A=${SECRET}", ".env") == {"A": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=secret # c", "A=${N} # c"),
        ('A="secret" # c', 'A="${N}" # c'),
        ("A='secret'\n", 'A="${N}"\n'),
        ("A='pg://u:secret@h/\"$x\"'", 'A="pg://u:${N}@h/\\"$$x\\""'),
        ('A="a\\\\ secret"', 'A="a\\\\ ${N}"'),
        ("\ufeff# c\nB=1\nexport A : secret\nC='x'", "\ufeff# c\nB=1\nexport A : ${N}\nC='x'"),
    ],
)
def test_a_value_is_replaced_so_that_compose_replaces_the_variable(text: str, expected: str) -> None:
    """In single quotes it would remain a literal `${N}`."""
    changed = replace_values(text, ".env", lambda value: value.replace("secret", "${N}"))
    assert changed == expected
    before, after = (
        read_env_file(text, ".env"),
        read_env_file(f"N=secret\n{changed.lstrip(chr(0xFEFF))}", ".env"),
    )
    assert after == {"N": "secret", **before}
