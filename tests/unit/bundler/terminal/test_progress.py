"""Progress on a terminal, in a log, and as JSON."""

from __future__ import annotations

import io
import json
import logging
import re
import threading
import time

import pytest

from bundler.terminal import live, progress
from bundler.terminal.live import TerminalReporter
from bundler.terminal.progress import (
    JsonReporter,
    LogHandler,
    LogReporter,
    Reporter,
    format_bytes,
    format_seconds,
)
from bundler.terminal.table import format_table, width
from tests.support.terminal_text import Screen


def shown(screen: Screen) -> list[str]:
    return [re.sub(r"\d+\.\d s", "T", line) for line in screen.lines if line]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setattr(live, "REFRESH", 0.02)
    monkeypatch.setenv("COLUMNS", "100")
    return Screen()


def wait_for(screen: Screen, text: str) -> list[str]:
    deadline = time.monotonic() + 60
    while not any(text in line for line in screen.lines):
        assert time.monotonic() < deadline, screen.lines
        time.sleep(0.01)
    return shown(screen)


def test_a_terminal_shows_the_total_and_each_blob(screen: Screen) -> None:
    reporter = TerminalReporter(screen)
    with reporter.step("resolve"):
        pass
    with reporter.step("fetch"), reporter.transfer("fetch", 4_000_000) as transfer:
        transfer.expect("redis:7 0123", 3_000_000)
        transfer.expect("redis:7 4567", 1_000_000)
        transfer.advance("redis:7 0123", 1_000_000)
        transfer.advance("redis:7 4567", 1_000_000)
        lines = wait_for(screen, "1.0 MB of 3.0 MB")
        assert lines[0].startswith("✓ resolve")
        assert lines[1].startswith("· fetch")
        assert re.search(r"fetch  ━{12}╺━{11}  2\.0 MB of 4\.0 MB  .*/s  .* left", lines[2])
        assert lines[3:] == ["    redis:7 0123  1.0 MB of 3.0 MB"], "what is whole is not shown any more"
    assert shown(screen) == ["✓ resolve  T", "✓ fetch  T"], "the bars are gone"


def test_a_line_said_meanwhile_stands_above_the_bars(screen: Screen) -> None:
    reporter = TerminalReporter(screen)
    with reporter.transfer("fetch", 10) as transfer:
        transfer.advance("a", 5)
        wait_for(screen, "fetch  ━")
        reporter.warn("mirror x: down")
        reporter.info("on we go")
        lines = wait_for(screen, "fetch  ━")
        assert lines[:2] == ["warning: mirror x: down", "on we go"]
        assert sum("fetch  ━" in line for line in lines) == 1, "no bar is left behind"
    assert shown(screen) == ["warning: mirror x: down", "on we go"]


def test_a_line_said_before_the_first_frame_does_not_run_into_it(screen: Screen) -> None:
    reporter = TerminalReporter(screen)
    with reporter.step("resolve"):
        assert shown(screen) == ["· resolve  T"]
        reporter.warn("mirror x: down")
        assert shown(screen)[:1] == ["warning: mirror x: down"]


def test_a_failed_step_is_marked(screen: Screen) -> None:
    reporter = TerminalReporter(screen)
    with pytest.raises(ValueError, match="x"), reporter.step("fetch"):
        raise ValueError("x")
    assert shown(screen) == ["✗ fetch  T"]


def test_no_line_is_wider_than_the_terminal(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrapped line would take two rows, and the bars would move up the screen."""
    monkeypatch.setenv("COLUMNS", "40")
    reporter = TerminalReporter(screen)
    with reporter.transfer("fetch", 10_000_000) as transfer:
        transfer.expect("registry.bank.example:5000/a/very/long/name/of/an/image:1.2.3 0123456789ab", 9)
        lines = wait_for(screen, "registry")
    assert all(width(line) < 40 for line in lines)


def test_many_threads_and_a_bar(screen: Screen) -> None:
    reporter = TerminalReporter(screen)
    with reporter.transfer("fetch", 80_000) as transfer:

        def work(name: str) -> None:
            transfer.expect(name, 10_000)
            for _ in range(1000):
                transfer.advance(name, 10)

        threads = [threading.Thread(target=work, args=(f"blob{n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_for(screen, "80.0 kB of 80.0 kB")
    assert shown(screen) == []


def test_a_log_has_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LOG_EVERY", 0.0)
    out = io.StringIO()
    reporter = LogReporter(out, verbose=True)
    with reporter.step("fetch"), reporter.transfer("fetch", 2000) as transfer:
        transfer.expect("redis:7 0123", 2000)
        transfer.advance("redis:7 0123", 500)
        transfer.advance("redis:7 0123", 1500)
    reporter.warn("careful")
    lines = out.getvalue().splitlines()
    assert lines[0] == "fetch ..."
    assert re.match(r"  fetch: 500 B of 2\.0 kB  .*/s  .* left", lines[1])
    assert lines[2] == "  redis:7 0123: 2.0 kB of 2.0 kB"
    assert re.match(r"  fetch: 2\.0 kB at .*/s", lines[-3])
    assert re.match(r"fetch: \d+\.\d s", lines[-2])
    assert lines[-1] == "warning: careful"
    assert "\033" not in out.getvalue()


def test_a_machine_gets_one_object_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "JSON_EVERY", 0.0)
    out = io.StringIO()
    reporter = JsonReporter(out)
    with reporter.step("fetch"), reporter.transfer("fetch", 2000) as transfer:
        transfer.expect("redis:7 0123", 2000)
        transfer.advance("redis:7 0123", 500)
        transfer.advance("redis:7 0123", 1500)
    reporter.info("a\nb")
    reporter.warn("careful 你好")
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["step", *["progress"] * 3, "step", "info", "warning"]
    assert events[0] == {"event": "step", "name": "fetch", "state": "started"}
    assert events[1]["items"] == [{"name": "redis:7 0123", "done": 500, "total": 2000}]
    assert (events[3]["done"], events[3]["total"], events[3]["items"]) == (2000, 2000, [])
    assert events[4]["state"] == "done"


def test_the_rate_is_that_of_the_last_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resumed bytes and stalls must not distort the estimated time left."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    out = io.StringIO()
    monkeypatch.setattr(progress, "JSON_EVERY", 0.0)
    with JsonReporter(out).transfer("fetch", 10_000_000) as transfer:
        transfer.advance("a", 5_000_000)  # bytes of an earlier run are reported at once
        for _ in range(20):
            now[0] += 1
            transfer.advance("a", 1000)
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert events[-1]["rate"] == pytest.approx(1000, rel=0.3)


@pytest.mark.parametrize("kind", [JsonReporter, LogReporter, TerminalReporter])
def test_log_records_go_through_the_reporter(
    kind: type[LogReporter | JsonReporter], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Screen()
    reporter: Reporter = kind(out)
    monkeypatch.setattr(logging.root, "handlers", [])
    logging.basicConfig(handlers=[LogHandler(reporter)])  # as the commands do: it must add no format
    logging.getLogger("bundler.test").warning("mirror %s: down", "x")
    expected = (
        '{"event": "warning", "text": "mirror x: down"}'
        if kind is JsonReporter
        else "warning: mirror x: down"
    )
    assert shown(out) == [expected]


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_500_000, "1.5 MB"), (5e12, "5000.0 GB")],
)
def test_sizes(size: float, text: str) -> None:
    assert format_bytes(size) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0.0 s"), (59.9, "59.9 s"), (185, "3 min 05 s")])
def test_times(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_tables_align_chinese() -> None:
    table = format_table(("name", "what"), [("数据库", "db"), ("web", "网")])
    assert table.splitlines() == ["NAME    WHAT", "数据库  db", "web     网"]
