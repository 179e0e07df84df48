"""Compose's `${NAME}` in its forms, as parts of a text."""

from __future__ import annotations

import pytest

from bundler_kubernetes.text import Choice, SiteText, Value, join, names_in, parse, parse_template


@pytest.mark.parametrize(
    ("text", "literal"), [("", ""), ("plain", "plain"), ("$$1 and $$$$", "$1 and $$"), ("a $ b", "a $ b")]
)
def test_a_text_without_variables_is_a_text(text: str, literal: str) -> None:
    assert parse(text) == literal


@pytest.mark.parametrize(
    ("text", "values", "gives"),
    [
        ("${A}", {"A": "x"}, "x"),
        ("$A/b", {"A": "x"}, "x/b"),
        ("${A:?must be said}", {"A": "x"}, "x"),
        ("${A:-d}", {}, "d"),
        ("${A:-d}", {"A": ""}, "d"),
        ("${A-d}", {"A": ""}, ""),
        ("${A-d}", {}, "d"),
        ("${A:+set}", {"A": "x"}, "set"),
        ("${A:+set}", {"A": ""}, ""),
        ("${A+set}", {"A": ""}, "set"),
        ("${A:-${B:-in}}-$$x", {}, "in-$x"),
        ("${A:-${B:+${C}, indeed}}", {"B": "b", "C": "c"}, "c, indeed"),
    ],
)
def test_values_are_filled_as_compose_does(text: str, values: dict[str, str], gives: str) -> None:
    found = parse(text)
    assert isinstance(found, SiteText)
    assert found.fill(values) == gives
    assert parse(found.expression) == found


def test_parts_are_what_a_writer_needs() -> None:
    assert parse("postgres://${USER:-shop}:${PW}@db") == SiteText(
        ("postgres://", Choice("USER", ":-", SiteText(("shop",))), ":", Value("PW"), "@db")
    )
    assert names_in({"a": [parse("${A}"), 3], "b": {"c": parse("${B:-${C}}")}}) == {"A", "B", "C"}
    assert join("a", parse("${A}"), "b") == SiteText(("a", Value("A"), "b"))


def test_templates_have_marks_and_dollars_are_theirs() -> None:
    assert parse_template("user $1 @@NAME@@ ${X}") == SiteText(("user $1 ", Value("NAME"), " ${X}"))
    assert parse_template("no marks: a@@b") == "no marks: a@@b"
