"""The process that renders templates, driven directly: one request per line, one answer per line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[5]


def ask(*sources: str, largest: int = 1 << 20) -> list[Any]:
    """Return the answers to templates whose only value is `name`."""
    requests = [json.dumps({"name": f"{n}.j2", "source": source}) for n, source in enumerate(sources)]
    lines = "\n".join([json.dumps({"name": "bank"}), *requests, ""])
    with tempfile.TemporaryFile() as trace:
        done = subprocess.run(
            [
                sys.executable, "-X", "utf8", "-m", "bundler.api.templates.worker",
                str(trace.fileno()), str(1 << 30), "5", str(largest), "en",
            ],
            input=lines.encode(), stdout=subprocess.PIPE, check=True, pass_fds=[trace.fileno()],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_each_request_has_an_answer_and_an_error_ends_nothing() -> None:
    first, wrong, unknown, last = ask("{{ name }}\n", "{% if %}", "\n{{ nobody }}", "{{ name | upper }}")
    assert first == {"text": "bank\n"}
    assert wrong["error"].startswith("1.j2:1: ")
    assert wrong["hint"] == "Jinja2 syntax"
    assert unknown["error"].startswith("2.j2:2: ")
    assert "available: name" in unknown["hint"]
    assert last == {"text": "BANK"}


def test_an_answer_has_a_size_and_is_text() -> None:
    large, half = ask("{{ name * 1000 }}", r"{{ '\ud800' }}", largest=100)
    assert large == {"error": "0.j2: larger than 0 MiB when rendered", "hint": None}
    assert half["error"].startswith("1.j2")
    assert half.keys() == {"error", "hint"}


def test_calculations_that_fail_name_their_line() -> None:
    zero, endless, attribute = ask(
        "\n\n{{ 1 / 0 }}", "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "{{ name.nothing.more }}"
    )
    assert zero["error"].startswith("0.j2:3: ")
    assert "nested too deeply" in endless["error"]
    assert attribute["error"].startswith("2.j2:1: ")
