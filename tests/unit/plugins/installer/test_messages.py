"""Every text of the installer exists in both languages and is used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import bundler_installer
from bundler_installer.assemble import catalogue
from bundler_installer.tables import LANGUAGES

FOLDER = Path(bundler_installer.__file__).parent
SHELL = [path.read_text() for path in sorted((FOLDER / "shell").rglob("*.sh"))]
CODE = "\n".join(line for text in SHELL for line in text.splitlines() if not line.lstrip().startswith("#"))
ID = re.compile(r"^[a-z][a-z-]*\.[a-z0-9_.-]+$")
USED = re.compile(
    r"\b(?:say|warn|ask|refuse|format|print_line|fail\s+\S+)\s+\"?([a-z][a-z-]*\.[a-z0-9_.-]*)(\$?)"
)
"""A call with a message ID, or with the beginning of one: `check.$id`."""
CONTINUED = re.compile(r"(?<![\w./-])([a-z][a-z-]*\.[a-z0-9_-]+)(?![\w./-])")
"""Words that look like IDs, to find those that are first assigned to a variable."""


def test_the_same_ids_in_both_languages() -> None:
    english, chinese = (catalogue(language) for language in LANGUAGES)
    assert english.keys() == chinese.keys()


def test_each_noun_has_a_file_in_both_languages() -> None:
    files = [{path.name for path in (FOLDER / "messages" / language).iterdir()} for language in LANGUAGES]
    assert files[0] == files[1]
    for name in files[0]:
        keys = [
            [
                line.partition("\t")[0]
                for line in (FOLDER / "messages" / language / name).read_text().splitlines()
            ]
            for language in LANGUAGES
        ]
        assert sorted(keys[0]) == sorted(keys[1]), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_formats_that_every_printf_knows(language: str) -> None:
    for key, text in catalogue(language).items():
        assert ID.match(key), key
        rest = text.replace("%%", "").replace("%s", "")
        assert "%" not in rest, f"{language} {key}: only %s and %%"
        assert re.sub(r"\\[nt]", "", rest).count("\\") == 0, f"{language} {key}: only \\n and \\t"


def test_both_languages_take_the_same_arguments() -> None:
    english, chinese = (catalogue(language) for language in LANGUAGES)
    differing = [key for key in english if english[key].count("%s") != chinese[key].count("%s")]
    assert differing == []


def test_chinese_is_chinese() -> None:
    """Except for texts of only names and commands."""
    foreign = [key for key, text in catalogue("zh").items() if not re.search("[\u4e00-\u9fff]", text)]
    assert [key for key in foreign if re.search("[a-z]+ [a-z]+ [a-z]+", catalogue("zh")[key])] == []
    assert len(foreign) < 12, foreign


def test_every_id_that_the_shell_uses_stands_in_the_catalogues() -> None:
    known = catalogue("en")
    unknown = []
    for key, continued in USED.findall(CODE):
        if continued or key.endswith("."):
            if not any(one.startswith(key) for one in known):
                unknown.append(key + "$")
        elif key not in known:
            unknown.append(key)
    assert unknown == []


def test_every_id_of_the_catalogues_is_used() -> None:
    beginnings = {key for key, continued in USED.findall(CODE) if continued or key.endswith(".")}
    named = set(CONTINUED.findall(CODE)) | {key for key, _ in USED.findall(CODE)}
    unused = [
        key
        for key in catalogue("en")
        if key not in named and not any(key.startswith(one) for one in beginnings)
    ]
    assert unused == []
