"""Lines of a given width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.terminal.table import pad, width
from bundler.terminal.wrap import wrap


@pytest.mark.parametrize(
    ("text", "columns", "lines"),
    [
        ("", 10, []),
        ("one two three", 8, ["one two", "three"]),
        ("\u955c\u50cf\u6458\u8981", 4, ["\u955c\u50cf", "\u6458\u8981"]),
        ("\u955c\u50cf\u3002\u6458", 4, ["\u955c", "\u50cf\u3002", "\u6458"]),
        ("\u955c\uff08\u50cf\uff09", 4, ["\u955c", "\uff08\u50cf\uff09"]),
        ("\u7528 --lang \u9009\u62e9", 9, ["\u7528 --lang", "\u9009\u62e9"]),
        ("longerthanthat a", 5, ["longerthanthat", "a"]),
        ("\u7528 `bundle plan`\u3002", 12, ["\u7528", "`bundle plan`\u3002"]),
        ("\u914d\u7f6e\u6863 [\u5fc5\u9700]", 9, ["\u914d\u7f6e\u6863", "[\u5fc5\u9700]"]),
    ],
)
def test_lines(text: str, columns: int, lines: list[str]) -> None:
    assert wrap(text, columns) == lines


@given(st.text(alphabet="ab \u955c\u50cf\u3002\uff0c\uff08\uff09", max_size=60), st.integers(8, 40))
def test_no_character_is_lost(text: str, columns: int) -> None:
    assert "".join("".join(wrap(text, columns)).split()) == "".join(text.split())


def test_chinese_takes_two_columns() -> None:
    assert pad("\u5927\u5c0f", 6) == "\u5927\u5c0f  "
    assert width(pad("a\u5927", 6)) == 6
