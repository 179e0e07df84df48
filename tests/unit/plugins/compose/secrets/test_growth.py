"""The search takes linear time in texts of any characters."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import pytest

from bundler_compose.secrets.forms import is_secret_value, obstacle
from bundler_compose.secrets.material import find_material
from bundler_compose.secrets.names import is_secret_name
from bundler_compose.secrets.positions import find_spans

SMALL = 10_000
FACTOR = 10
MOST = 45
"""Quadratic time grows by 100 in a text that is ten times as long."""
CLOCK = 0.01
"""CPU time in seconds that a small text is taken to need at least."""


def search(text: str) -> None:
    find_spans("", text, is_file=True)
    find_spans("X_PASSWORD", text)
    list(find_material("a.conf", text, set()))
    obstacle(text)
    is_secret_value("A_TOKEN", text)
    is_secret_name(text)


def cpu(work: Callable[[str], None], text: str) -> float:
    gc.collect()
    start = time.process_time()
    work(text)
    return time.process_time() - start


@pytest.mark.parametrize(
    "unit",
    [
        "x", "0f", "\n", " \n", "\t", "A_", "a-b.", "a://", "password ", 'password: "', "password=a1 ",
        "key=", "key=$x/", 'key="', "key='", 'key=\\"', "redis-cli ", "mysql -u ", "eyJ-",
        "authorization ", "set password ", "machine x ", "default\n",
        "-----BEGIN A ", "${a:-", "<password>", "\\", "'", '"',
    ],
)  # fmt: skip
def test_ten_times_the_text_takes_about_ten_times_the_time(unit: str) -> None:
    small = max(cpu(search, unit * (SMALL // len(unit))), CLOCK)
    assert cpu(search, unit * (SMALL * FACTOR // len(unit))) < MOST * small
