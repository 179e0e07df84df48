"""What people have to know about a key, and why one is refused: `texts.tsv`, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class Note:
    """A note about keys.

    Attributes:
        en, zh: one sentence or two; for a refused key, the reason.
        remedy: what to do about a refused key, in English; empty for others.
    """

    en: str
    zh: str
    remedy: str


def _read() -> dict[str, Note]:
    lines = Path(__file__).with_name("texts.tsv").read_text("utf-8").splitlines()[1:]
    fields = (line.split("\t") for line in lines)
    return {name: Note(en, zh, remedy) for name, en, zh, remedy in fields}


NOTES: Final[Mapping[str, Note]] = _read()
"""By the name that `Key.note` has."""
