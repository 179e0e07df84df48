"""Reads values of documents that may have any shape: what has another shape than expected is empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def mapping(value: object) -> Mapping[str, Any]:
    """Return a mapping with text keys; empty if `value` is none."""
    if not isinstance(value, Mapping):
        return {}
    return {str(key): each for key, each in value.items()}


def mappings(value: object) -> list[Mapping[str, Any]]:
    """Return the mappings in a list; empty if `value` is none."""
    return [mapping(each) for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def entries(value: object) -> list[str]:
    """Return the texts of a list, or the keys of a mapping."""
    if isinstance(value, Mapping):
        return [str(key) for key in value]
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [text(each) for each in value]
    return []


def text(value: object) -> str:
    """Return a scalar as the document writes it; empty for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""
