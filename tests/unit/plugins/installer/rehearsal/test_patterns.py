"""Texts for patterns: grep decides whether they match."""

from __future__ import annotations

import subprocess

import pytest

from bundler_installer.rehearsal.patterns import matches, sample


@pytest.mark.parametrize(
    "pattern",
    [
        "[a-z]{3,5}-[0-9]+",
        "(a|b)c?d*",
        "[[:alpha:]][[:alnum:]_]{7,}",
        "^https?://[^/ ]+(/.*)?$",
        "x{2}[]a]",
        "[^]a-z]+",
        "(sk|pk)_(live|test)_[A-Za-z0-9]{24}",
        r"[a-z]+\.[a-z]+@[a-z.]+",
        "()|long",
        "UTC|[A-Z][a-z]+/[A-Z][a-z]+",
        "([0-9]{1,3}[.]){3}[0-9]{1,3}/[0-9]{1,2}",
        "[[:upper:]][[:lower:]]*[[:punct:]]{2}",
    ],
)
def test_a_text_is_made_that_grep_matches(pattern: str) -> None:
    text = sample(pattern)
    grep = subprocess.run(["grep", "-qxE", "--", pattern], input=f"{text}\n", text=True, check=False)
    assert grep.returncode == 0, text
    assert matches(pattern, text)


@pytest.mark.parametrize("pattern", ["(a", "[a", "[[:none:]]"])
def test_what_is_no_expression_is_said(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"closed|class|text|index|substring"):
        sample(pattern)
