"""Every text of the installer exists in both languages and is used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import bundler_installer
from bundler_installer.assemble import KUBERNETES_SOURCES, SOURCES, catalogue, join_sources
from bundler_installer.tables import LANGUAGES
from tests.support.shell_code import parse

FOLDER = Path(bundler_installer.__file__).parent
SHELL = [path.read_text() for path in sorted((FOLDER / "shell").rglob("*.sh"))]
CODE = "\n".join(line for text in SHELL for line in text.splitlines() if not line.lstrip().startswith("#"))
ID = re.compile(r"^[a-z][a-z-]*\.[a-z0-9_.-]+$")
USED = re.compile(
    r"\b(?:say|warn|ask|refuse|mistake|format|print_line|fail\s+\S+)\s+\"?([a-z][a-z-]*\.[a-z0-9_.-]*)(\$?)"
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


FORMS = re.compile(r"\{([^{}|]*)\|([^{}|]*)\}")


def test_forms_follow_a_number_and_are_whole() -> None:
    for language in LANGUAGES:
        for key, text in catalogue(language).items():
            if "{" in text and "|" in text and not key.startswith("completion."):
                assert "%s" in text.partition("{")[0], f"{language} {key}"
                assert "%" not in "".join(map("".join, FORMS.findall(text))), f"{language} {key}"
    assert sum(bool(FORMS.search(text)) for text in catalogue("en").values()) > 10
    assert not any(FORMS.search(text) for text in catalogue("zh").values()), "Chinese has one form"


def test_a_counted_noun_has_two_forms() -> None:
    counted = "images|items|days|checks|warnings|failures|probes|files|processes|containers|signatures|keys"
    english = catalogue("en")
    assert [key for key, text in english.items() if re.search(rf"%s (?:{counted})\b", text)] == [
        "trust.too_few"
    ]


def test_both_languages_take_the_same_arguments() -> None:
    english, chinese = (catalogue(language) for language in LANGUAGES)
    differing = [key for key in english if english[key].count("%s") != chinese[key].count("%s")]
    assert differing == []


PRINTERS = {
    "say": 0,
    "warn": 0,
    "format": 0,
    "print_line": 0,
    "show_line": 0,
    "ask": 0,
    "refuse": 0,
    "mistake": 0,
    "fail": 1,
}
"""Functions that print a message, and the place of its ID among their arguments."""


def test_each_call_gives_a_text_as_many_arguments_as_it_takes() -> None:
    """`printf` would print the text again for those that are left over, or leave its places empty."""
    english = catalogue("en")
    wrong = []
    seen = 0
    of_compose = parse(join_sources(name for name in SOURCES if name not in KUBERNETES_SOURCES).decode())
    of_cluster = parse(join_sources(SOURCES, nested=False).decode())
    for function in (*of_compose.values(), *of_cluster.values()):
        for event in function.events:
            words = event.words[PRINTERS.get(event.name, 0) :]
            if event.kind != "call" or event.name not in PRINTERS or not words or '"$@"' in words:
                continue
            text = english.get(words[0])
            seen += text is not None
            if text is not None and text.count("%s") != len(words) - 1:
                wrong.append(f"{function.name}: {words[0]} takes {text.count('%s')}, not {len(words) - 1}")
    assert seen > 400
    assert wrong == []


def test_chinese_is_chinese() -> None:
    """Except for texts of only names, commands and values."""
    texts = {
        key: text for key, text in catalogue("zh").items() if re.search("[A-Za-z]", text.replace("%s", ""))
    }
    foreign = [key for key, text in texts.items() if not re.search("[\u4e00-\u9fff]", text)]
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
