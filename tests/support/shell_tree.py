"""Shell code as a tree, by shfmt's parser."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.programs import run

SHFMT = Path(sys.executable).with_name("shfmt")
"""From the package shfmt-py."""

Node = dict[str, Any]


@cache
def parse_tree(text: str) -> Node:
    """Return the tree of `shfmt --to-json`.

    Raises:
        AssertionError: it is not POSIX shell code.
    """
    tree: Node = json.loads(run(SHFMT, "-ln", "posix", "--to-json", input=text))
    return tree


def walk(node: object) -> Iterator[Node]:
    """Yield a node and all nodes below it."""
    if isinstance(node, list):
        for each in node:
            yield from walk(each)
    elif isinstance(node, dict):
        yield node
        for each in node.values():
            yield from walk(each)
