"""YAML from outside: the line of each value."""

from __future__ import annotations

import pytest

from bundler.io.yaml import BoundedLoader, find_line

TEXT = """\
services:
  web:
    ports:
      - "80:80"
      - target: 443
"""


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ((), 1),
        (("services", "web"), 2),
        (("services", "web", "ports", 1), 5),
        (("services", "web", "ports", 1, "target"), 5),
        (("services", "web", "image"), 2),
        (("services", "web", "ports", 2), 3),
        (("volumes",), 1),
    ],
)
def test_the_line_of_a_value_or_of_its_nearest_parent(keys: tuple[str | int, ...], line: int) -> None:
    assert find_line(BoundedLoader(TEXT).get_single_node(), keys) == line
