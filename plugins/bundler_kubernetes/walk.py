"""Walks an object, so that a writer sees its leaves alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bundler_kubernetes.objects import Leaf


def walk(value: Any, write: Callable[[Leaf], Any]) -> Any:  # noqa: ANN401 any part of an object
    """Return an object, or a part of it, with each leaf replaced by what `write` returns for it."""
    if isinstance(value, Mapping):
        return {key: walk(item, write) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [walk(item, write) for item in value]
    return write(value)
