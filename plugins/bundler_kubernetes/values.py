"""Reads values of the Compose document: durations, bytes, numbers."""

from __future__ import annotations

import re
from typing import Any, Final

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|d|w)")
_SECONDS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_BYTES: Final = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?", re.IGNORECASE)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def seconds(value: object) -> float | None:
    """Return a duration such as `1m30s` in seconds; None if it is none."""
    text = str(value)
    if not _DURATION.fullmatch(text) and not re.fullmatch(rf"(?:{_DURATION.pattern})+", text):
        return 0.0 if text == "0" else None
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text))


def whole_seconds(value: object, lowest: int = 1) -> int | None:
    """Return a duration in whole seconds, rounded up."""
    found = seconds(value)
    return None if found is None else max(lowest, int(-(-found // 1)))


def size(value: object) -> int | None:
    """Return a number of bytes such as `64m`, whose units are powers of 1024; None if it is none."""
    found = _BYTES.fullmatch(str(value).strip())
    return None if found is None else int(float(found[1]) * 1024 ** _POWERS[found[2].lower()])


def quantity(number: int) -> str:
    """Return a number of bytes as a quantity of Kubernetes, exactly: `512Mi`."""
    for unit, factor in (("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)):
        if number and number % factor == 0:
            return f"{number // factor}{unit}"
    return str(number)


def cpu(value: object) -> str | None:
    """Return a number of processors as a quantity: `1500m`; None if it is none."""
    try:
        milli = round(float(str(value)) * 1000)
    except ValueError:
        return None
    return f"{milli // 1000}" if milli % 1000 == 0 else f"{milli}m"


def pairs(value: Any) -> dict[str, str | None]:  # noqa: ANN401 a list of `NAME=value`, or a mapping
    """Return `environment`, `labels` and the like as a mapping; None where a name has no value."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return {str(name): _text(item) for name, item in value.items()}
    found: dict[str, str | None] = {}
    for item in value:
        name, equals, text = str(item).partition("=")
        found[name] = text if equals else None
    return found


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
