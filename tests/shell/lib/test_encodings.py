"""Terminals whose encoding is not UTF-8 see texts in theirs, or English and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.installer import call, shells
from tests.support.programs import need_program

shell = pytest.mark.parametrize("shell", shells())
TIMES = "\N{MULTIPLICATION SIGN}"
NO_ICONV = "iconv() { return 127; }\n"
SAY = """
{{ LANG={locale} LC_ALL='' LC_MESSAGES=''; }} 2>/dev/null # bash may not have it
choose_language
{option}
LC_ALL=C
{{
    explain_language
    say inspect.troubled 2
    warn inspect.troubled 1
    result=pass; choose_mark; print_mark() {{ printf '%s\\n' "$mark"; }}; show print_mark
    result=fail; choose_mark; show print_mark
    (fail 1 inspect.troubled 3)
    readable=""; convert_text "$(format inspect.troubled 4)"; printf "%s" "$readable"
}} >"$ROOT/said" 2>&1
"""


def said(shell: str, folder: Path, locale: str, *, option: str = "", before: str = "") -> bytes:
    done = call(shell, before + SAY.format(locale=locale, option=option), folder)
    assert done.stderr == ""
    return (folder / "root/said").read_bytes()


@shell
@pytest.mark.parametrize("locale", ["zh_CN.GBK", "zh_CN.gb2312", "zh_CN.GB18030", "zh_CN.eucCN"])
def test_chinese_is_converted(shell: str, locale: str, tmp_path: Path) -> None:
    need_program("iconv", "libc-bin")
    lines = said(shell, tmp_path, locale).decode("gb18030").splitlines()
    assert lines == [
        "有 2 项需要处理。", "有 1 项需要处理。", "√", TIMES, "有 3 项需要处理。", "有 4 项需要处理。"
    ]  # fmt: skip


@shell
@pytest.mark.parametrize(
    ("locale", "before", "why"),
    [
        ("zh_CN.GBK", NO_ICONV, "GBK, and this server has no iconv"),
        ("zh_TW.Big5", "", "BIG5, has no simplified"),
        ("zh_TW.EUC-TW", "", "EUC-TW, has no simplified"),
    ],
)
@pytest.mark.parametrize("option", ["", "take_language zh"])
def test_what_cannot_be_shown_is_english_and_says_why(
    shell: str, locale: str, before: str, why: str, option: str, tmp_path: Path
) -> None:
    text = said(shell, tmp_path, locale, option=option, before=before).decode("ascii")
    first, *rest = text.splitlines()
    assert first.startswith("Messages are in English: ")
    assert why.casefold() in first.casefold()
    assert rest[0] == "2 items need attention."
    assert rest[2:4] == ["+", "x"]


@shell
@pytest.mark.parametrize(
    ("locale", "option"),
    [
        ("zh_CN.UTF-8", ""), ("zh_CN", ""), ("C.UTF-8", "take_language zh"), ("C", "take_language zh"),
        ("zh_CN.GBK", "take_language zh.UTF-8"), ("zh_TW.Big5", "take_language zh.UTF-8"),
    ],
)  # fmt: skip
def test_utf_8_stays_where_it_is_right_or_asked_for(
    shell: str, locale: str, option: str, tmp_path: Path
) -> None:
    lines = said(shell, tmp_path, locale, option=option).decode().splitlines()
    assert lines[:4] == ["有 2 项需要处理。", "有 1 项需要处理。", "✓", "✗"]


@shell
def test_english_on_such_a_terminal_has_its_marks(shell: str, tmp_path: Path) -> None:
    need_program("iconv", "libc-bin")
    lines = said(shell, tmp_path, "en_US.GBK").decode("gbk").splitlines()
    assert lines[0] == "2 items need attention."
    assert lines[2:4] == ["√", TIMES]


@shell
def test_what_is_typed_is_read_in_that_encoding(shell: str, tmp_path: Path) -> None:
    need_program("iconv", "libc-bin")
    script = """
{ LANG=zh_CN.GBK LC_ALL=''; } 2>/dev/null
choose_language
LC_ALL=C
typed_text "$(printf '\\312\\307')" >"$ROOT/said"
"""
    assert call(shell, script, tmp_path).stderr == ""
    assert (tmp_path / "root/said").read_text("utf-8").strip() == "是"
