"""Texts with numbers: the noun has the form that fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.installer import call, shells

SCRIPT = """
print_line inspect.troubled 1
print_line inspect.troubled 2
print_line inspect.troubled 0
print_line preflight.passed 1 0 2
print_line preflight.passed 21 1 0
print_line trust.require 1 2
print_line adopt.found '{a|b}' 'x%sy' 1 1
LANGUAGE=zh
print_line inspect.troubled 1
"""


@pytest.mark.parametrize("shell", shells())
def test_one_and_many(shell: str, tmp_path: Path) -> None:
    done = call(shell, SCRIPT, tmp_path)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "1 item needs attention.",
        "2 items need attention.",
        "0 items need attention.",
        "Preflight passed: 1 check passed, 0 warnings, 2 accepted.",
        "Preflight passed: 21 checks passed, 1 warning, 0 accepted.",
        "1 signature is required, but only 2 different keys were given. Repeat --key for each key.",
        "Found in {a|b}: project x%sy, 1 container, 1 of them running.",
        "有 1 项需要处理。",
    ]
