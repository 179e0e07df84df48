"""Foreign text (tags, titles, names, texts of servers and plugins) never controls the terminal."""

from __future__ import annotations

import ast
import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.cli.main import show_error
from bundler.errors import BundleError
from bundler.terminal.console import clean, echo, prepare, to_json
from bundler.terminal.live import TerminalReporter
from bundler.terminal.progress import JsonReporter, LogHandler, LogReporter
from bundler.terminal.table import echo_table, format_table, width
from tests.support.console import make_console

ROOT = Path(__file__).parents[4]
CONTROLS = [chr(n) for n in (*range(0x20), *range(0x7F, 0xA0))]
MARKS = [*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)), "\u200e", "\u200f", "\u061c"]
HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eok\u2066\r\n\x7f\udcff"


@pytest.mark.parametrize("character", [*CONTROLS, *MARKS, "\u2028", "\udcff"], ids=ascii)
def test_control_characters_are_escaped(character: str) -> None:
    assert clean(f"a{character}b").isascii()
    assert character not in clean(f"a{character}b")
    kept = character in "\n\t"
    assert (character in clean(f"a{character}b", lines=True)) == kept
    document = to_json({"a": character, character: [character]})
    assert character not in document
    assert json.loads(document) == {"a": character, character: [character]}


@given(st.text())
def test_other_texts_stay_unchanged(text: str) -> None:
    if not set(text) & {*CONTROLS, *MARKS, "\u2028", "\u2029"}:
        assert clean(text) == text
    assert json.loads(to_json(text)) == text


def test_chinese_stays_readable() -> None:
    assert clean("部署成功 é") == "部署成功 é"
    assert to_json({"标题": "财务"}, indent=1) == '{\n "标题": "财务"\n}'


OWN = "31m 32m 33m 2m 0m 2K 1A ?25l ?25h"
"""Colours, and the cursor movements of rich."""


def harmless(text: str, *, own: str = "") -> bool:
    for colour in own.split():
        text = text.replace(f"\033[{colour}", "")
    return not set(text) & ({*CONTROLS, *MARKS} - {"\n"}) and "\udcff" not in text


@pytest.mark.parametrize("make", [LogReporter, TerminalReporter, JsonReporter])
def test_progress_is_clean(make: Callable[[io.StringIO], LogReporter]) -> None:
    out = io.StringIO()
    reporter = make(out)
    with reporter.step(f"download {HOSTILE}"):
        reporter.info(HOSTILE)
        reporter.warn(HOSTILE)
        with reporter.transfer(HOSTILE, 10) as transfer:
            transfer.expect(HOSTILE, 10)
            transfer.advance(HOSTILE, 5)
    record = logging.LogRecord("a", logging.WARNING, "", 1, "%s", (HOSTILE,), None)
    LogHandler(reporter).handle(record)
    drawn = out.getvalue().replace("\r", "") if make is TerminalReporter else out.getvalue()
    assert harmless(drawn, own=OWN), ascii(drawn)
    assert "owned" in drawn
    if make is TerminalReporter:
        assert "\033[32m✓\033[0m download" in drawn, "our own colours stay"


def test_what_a_bar_shows_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bundler.terminal.live.REFRESH", 0.01)
    out = io.StringIO()
    reporter = TerminalReporter(out)
    with reporter.transfer("fetch", 10) as transfer:
        transfer.expect(HOSTILE, 10)
        transfer.advance(HOSTILE, 5)
        reporter.info("redraws")
    drawn = out.getvalue().replace("\r", "")
    assert "owned" in drawn
    assert harmless(drawn, own=OWN), ascii(drawn)


def test_tables_are_clean_and_straight() -> None:
    table = format_table(("image", "size"), [(HOSTILE, "1 B"), ("short", "22 B")])
    assert harmless(table)
    lines = table.splitlines()
    assert len(lines) == 3, "a cell is one line"
    assert len({width(line[: line.rindex("  ")]) for line in lines[1:]}) == 1


def test_errors_and_lines_are_clean(capsys: pytest.CaptureFixture[str]) -> None:
    show_error(BundleError(f"image {HOSTILE}", hint=HOSTILE))
    show_error(BundleError(f"image {HOSTILE}", hint=HOSTILE), as_json=True)
    echo(f"title {HOSTILE}")
    out, err = capsys.readouterr()
    assert harmless(out)
    assert harmless(err)
    assert out.count("\n") == 1, "a title cannot begin a line of its own"
    assert json.loads(err.splitlines()[-1])["message"] == f"image {HOSTILE}"


def test_an_import_error_of_a_plugin_contains_no_control_characters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "evil.py").write_text(f"raise ImportError({HOSTILE!r})\n")
    found = make_console(capsys)("plugins", "--plugins-dir", tmp_path)
    assert (found.code, found.out) == (1, "")
    assert "owned" in found.err
    assert harmless(found.err)


def test_a_traceback_contains_no_control_characters() -> None:
    program = f"""
from bundler.terminal import console
import threading
console.prepare()
threading.Thread(target=lambda: int({HOSTILE!r})).start()
raise RuntimeError({HOSTILE!r})
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False, cwd=ROOT, env={"LC_ALL": "C.UTF-8"}
    )
    said = result.stderr.decode()
    assert result.returncode == 1
    assert said.count("Traceback") == 2
    assert "RuntimeError" in said
    assert harmless(said), ascii(said)


def test_terminals_without_unicode_work() -> None:
    program = "from bundler.terminal import console; console.prepare(); console.echo('标题 \\udcff')"
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env={"PYTHONIOENCODING": "ascii"},
    )
    assert result.stdout == b"\\u6807\\u9898 \\udcff\n"


def test_streams_that_cannot_be_set_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr("threading.excepthook", None)
    prepare()
    echo("still here")
    assert out.getvalue() == "still here\n"


@pytest.mark.parametrize("path", sorted((ROOT / "bundler").rglob("*.py")), ids=lambda p: p.name)
def test_nothing_else_prints(path: Path) -> None:
    """Only `console` and the reporters of `progress` and `live` write to standard output and error."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    names = {f.id for f in calls if isinstance(f, ast.Name)} | {
        f.attr for f in calls if isinstance(f, ast.Attribute)
    }
    if path.name not in {"console.py", "progress.py", "live.py"}:
        assert not names & {"print", "print_exc", "secho"}
        assert "click.echo" not in path.read_text()
        assert "sys.stdout.write" not in path.read_text()


# ---------------------------------------------------------------- tables


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_table_on_a_terminal_is_clean_and_keeps_to_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text that looks like rich's markup is printed literally."""
    monkeypatch.setattr("sys.stdout", out := Terminal())
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    echo_table(
        ("image", "what"), [(HOSTILE, "[red]x[/red] :smile:"), ("registry.bank.example/" * 4, "数据库")]
    )
    shown = out.getvalue()
    assert harmless(shown, own="1m 0m"), ascii(shown)
    plain = re.sub(r"\033\[\d*m", "", shown).splitlines()
    assert plain[0].split() == ["IMAGE", "WHAT"]
    assert "[red]x[/red] :smile:" in shown
    assert "数据库" in shown
    assert all(width(line) <= 60 for line in plain)


@pytest.mark.parametrize("term", ["dumb", None])
def test_a_table_elsewhere_is_plain_and_rich_is_not_imported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], term: str | None
) -> None:
    monkeypatch.setitem(sys.modules, "bundler.terminal.live", None)
    rows = [("registry.bank.example/" * 10, "1 B")]
    if term is not None:
        monkeypatch.setattr("sys.stdout", out := Terminal())
        monkeypatch.setenv("TERM", term)
        echo_table(("image", "size"), rows)
        assert out.getvalue() == format_table(("image", "size"), rows) + "\n"
        return
    echo_table(("image", "size"), rows)
    assert capsys.readouterr().out == format_table(("image", "size"), rows) + "\n"
