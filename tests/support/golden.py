"""Golden files: what a test expects, as a file to read. `BUNDLE_TESTS_REWRITE_GOLDEN=1` rewrites them."""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "golden"
REWRITE = "BUNDLE_TESTS_REWRITE_GOLDEN"


def is_rewritten() -> bool:
    """Whether golden files are written instead of only compared."""
    return bool(os.environ.get(REWRITE))


def compare(name: str, text: str) -> None:
    """Compare a text with a golden file; `name` is its path below `tests/golden`, without `.txt`.

    Raises:
        AssertionError: they differ.
    """
    golden = GOLDEN / f"{name}.txt"
    if is_rewritten():
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text(), f"{REWRITE}=1 rewrites it"
