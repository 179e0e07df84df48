"""Values of today for variables that only the site knows, `${NAME:?text}`: each fits its key."""

from __future__ import annotations

import re
from typing import Final

from bundler_compose.reading.scalars import is_wrong
from bundler_compose.reading.tree import Path, Patterns

ANY: Final = "sample"
"""Where any text fits."""
ADDRESS: Final = "127.0.0.1"
_PLAIN: Final = ("1", "1s", "64m")
"""A number, a duration, a size."""
_USE: Final = re.compile(r"\$\{[^{}]*\}")
_THREE_PARTS: Final = re.compile(r"[^:]*:[^:]*:[^:]*")
_PORTS: Final = Patterns(
    {
        "services.*.ports.*": "8080",
        "services.*.ports.*.target": "8080",
        "services.*.ports.*.published": "8080",
        "services.*.ports.*.host_ip": ADDRESS,
    }
)


def sample_for(name: str, text: str, path: Path) -> str:
    """Return a value of `name` with which Compose accepts `text` at `path`."""
    port: str | None = _PORTS.find(path)
    if port is not None:
        is_first = text.startswith(f"${{{name}") and _THREE_PARTS.fullmatch(_USE.sub("", text))
        return ADDRESS if is_first else port
    return next((each for each in (ANY, *_PLAIN, "true") if not is_wrong(path, each)), ANY)
