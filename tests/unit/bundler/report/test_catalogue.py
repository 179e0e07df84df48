"""The words of reports: the same in each language."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from bundler.report.catalogue import TAGS, load_words
from bundler.report.difference import FACTS
from bundler.report.hardening import CHECKS
from bundler.report.page import REPORT_SECTIONS
from tests.unit.project.test_pages import ROOT

ENGLISH = load_words("en")


@pytest.mark.parametrize("language", TAGS)
def test_languages_have_the_same_keys_and_places(language: str) -> None:
    words = load_words(language)
    assert list(words) == list(ENGLISH)
    for key, text in words.items():
        assert text.strip() == text != "", key
        places = [
            {name for _, name, _, _ in Formatter().parse(each[key]) if name} for each in (words, ENGLISH)
        ]
        assert places[0] == places[1], key


def test_no_key_is_hidden_by_a_method_of_dictionaries() -> None:
    """Templates write `w.key`, which finds methods first."""
    assert [key for key in ENGLISH if hasattr(dict, key)] == []


def test_every_word_is_used() -> None:
    folder = ROOT / "bundler/report"
    files = [*folder.glob("*.py"), *folder.glob("templates/*.html"), ROOT / "bundler/cli/diff.py"]
    text = "\n".join(path.read_text() for path in files)
    built = re.compile("(expect|mount|packed)_")
    used = {name or quoted for name, quoted in re.findall(r"""\bw\.(\w+)|["'](\w+)["']""", text)}
    assert [key for key in ENGLISH if key not in used and not built.match(key)] == []


def test_keys_that_code_builds_exist() -> None:
    names = ["healthy", "running", "started", "completed"]
    kinds = ["configuration", "data", "initial", "host"]
    keys = [f"expect_{name}" for name in names] + [f"mount_{kind}" for kind in kinds]
    assert {*keys, *FACTS, *CHECKS, *REPORT_SECTIONS} <= ENGLISH.keys()
