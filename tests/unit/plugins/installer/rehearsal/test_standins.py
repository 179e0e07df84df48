"""Values of `document.tsv`, resolved as Compose does."""

from __future__ import annotations

import pytest

from bundler_installer.rehearsal.standins import resolve


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${A}", "a"),
        ("$A/x", "a/x"),
        ("${NONE}", ""),
        ("${NONE:-b}", "b"),
        ("${EMPTY:-b}", "b"),
        ("${EMPTY-b}", ""),
        ("${NONE:-${A}}/x", "a/x"),
        ("${A:+yes}", "yes"),
        ("${EMPTY:+yes}", ""),
        ("${EMPTY+yes}", "yes"),
        ("${A:?text}", "a"),
        ("$$A", "$A"),
    ],
)
def test_variables(text: str, expected: str) -> None:
    assert resolve(text, {"A": "a", "EMPTY": ""}) == expected
