"""Columns stand under each other on a terminal, whatever the language."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.installer import call, shells

shell = pytest.mark.parametrize("shell", shells())


def cells(text: str) -> int:
    """Return how many cells of a terminal the text takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def columns(shell: str, folder: Path, text: str, *arguments: int) -> list[str]:
    """Print the lines as columns."""
    (folder / "text").write_text(text)
    done = call(shell, f"print_columns {' '.join(map(str, arguments))} <{folder}/text", folder)
    assert done.stderr == ""
    return done.stdout.splitlines()


@shell
def test_chinese_and_latin_stand_under_each_other(shell: str, tmp_path: Path) -> None:
    lines = columns(
        shell, tmp_path, "服务\t期望\t状态\nweb\thealthy\trunning\n数据库\uff08主\uff09\t-\te\u0301é\n"
    )
    assert lines == [
        "服务          期望     状态",
        "web           healthy  running",
        "数据库\uff08主\uff09  -        e\u0301é",
    ]
    assert {
        cells(line[: line.index(end)])
        for line, end in zip(lines, ("状态", "running", "e\u0301"), strict=True)
    } == {23}


@shell
def test_long_texts_are_wrapped_under_their_column(shell: str, tmp_path: Path) -> None:
    text = (
        "status\tthe state of each service, and of the server\nlogs\t显示所有服务\uff0c或者所指定服务的日志\n"
    )
    assert columns(shell, tmp_path, text, 30, 2) == [
        "  status  the state of each",
        "          service, and of the",
        "          server",
        "  logs    显示所有服务\uff0c或者所",
        "          指定服务的日志",
    ]


@shell
def test_a_word_that_is_too_long_is_not_cut(shell: str, tmp_path: Path) -> None:
    assert columns(shell, tmp_path, f"a\t{'x' * 40} y\n", 20) == [f"a  {'x' * 40}", "   y"]


WIDE = "".join(
    chr(n)
    for first, last in (
        (0x20, 0x7E),
        (0xA1, 0x10FF),
        (0x2E80, 0x4DBF),  # the hexagrams between these two are wide since Unicode 16
        (0x4E00, 0xA4CF),
        (0xAC00, 0xD7A3),
        (0xF900, 0xFAFF),
        (0xFE30, 0xFE6B),
        (0xFF01, 0xFFE6),
    )
    for n in range(first, last + 1)
    if unicodedata.category(chr(n))[0] in "LNPS" and unicodedata.category(chr(n)) != "Cn"
    if not 0x3248 <= n <= 0x324F  # numbers in circles, of ambiguous width
)


@given(st.lists(st.text(st.sampled_from(WIDE), min_size=1, max_size=12), min_size=3, max_size=8))
@settings(max_examples=15, deadline=None)
def test_widths_are_those_of_unicode(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("columns")
    lines = columns("dash", folder, "".join(f"{text}\t|\n" for text in texts))
    assert [line[:-1].rstrip(" ") for line in lines] == [text.rstrip(" ") for text in texts]
    assert len({cells(line) for line in lines}) == 1
