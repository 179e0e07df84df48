"""TOML with the line of each key, compared with tomllib."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bundler.errors import ProfileError
from bundler.profile.marked_toml import find_lines, read_file, read_text

TEXT = '''\
# a comment
platform = "linux/arm64"
keys = [
  "a",  # [not.a.header]
  "b",
]

[registries]
text = """
x = 1
[y]
"""
"quoted.key" = {deep = 1}
[registries.mirrors]
"docker.io" = "mirror:5000"
a.b = 1
[[list]]
name = 1
[[list]]
name = 2
'''


def test_values_are_those_of_tomllib() -> None:
    assert read_text(TEXT, "c.toml", Path("/x")).plain() == tomllib.loads(TEXT)


def test_each_key_has_its_line() -> None:
    lines = find_lines(TEXT)
    assert lines["platform",] == 2
    assert lines["keys",] == 3
    assert lines["registries",] == 8
    assert lines["registries", "text"] == 9
    assert lines["registries", "quoted.key", "deep"] == 13
    assert lines["registries", "mirrors"] == 14
    assert lines["registries", "mirrors", "docker.io"] == 15
    assert lines["registries", "mirrors", "a", "b"] == 16
    assert lines["list",] == 17
    tree = read_text(TEXT, "c.toml", Path("/x"))
    found = tree.find(("registries", "mirrors", "docker.io"))
    assert found is not None
    assert found.mark.where == "c.toml:15"
    inside = tree.find(("keys", 1))
    assert inside is not None
    assert inside.mark.where == "c.toml:3"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a = 1\nb = yes\n", "c.toml:2: not TOML: Invalid value"),
        ("a = 1\na = 2\n", "c.toml:2: not TOML: Cannot overwrite a value"),
        ("a = [1,\n2\n", "c.toml:2: not TOML: Unclosed array"),
    ],
)
def test_what_is_not_toml(text: str, says: str) -> None:
    with pytest.raises(ProfileError) as raised:
        read_text(text, "c.toml", Path("/x"))
    assert raised.value.message == says


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert read_file(tmp_path / "none.toml", "none.toml") is None
    with pytest.raises(ProfileError, match="folder: cannot be read: Is a directory"):
        read_file(tmp_path, "folder")
    (tmp_path / "latin.toml").write_bytes(b"a = 1\nb = '\xe4'\n")
    with pytest.raises(ProfileError, match="latin:2: not UTF-8"):
        read_file(tmp_path / "latin.toml", "latin")
    (tmp_path / "large.toml").write_bytes(b"#" * (1 << 20) + b"\n\n")
    with pytest.raises(ProfileError, match="larger than 1 MiB"):
        read_file(tmp_path / "large.toml", "large")
