"""No module is too large to be read at once. Which package imports which is held by `make lint`."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[3]
LIMIT = 400


def test_modules_are_small() -> None:
    paths = [path for folder in ("bundler", "plugins") for path in (ROOT / folder).rglob("*.py")]
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in paths}
    assert len(lines) > 100
    assert {path: count for path, count in lines.items() if count > LIMIT} == {}
