"""What people have to know about a key, and why one is refused: `texts.tsv`, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bundler.language import language


@dataclass(frozen=True)
class Note:
    """A note about keys.

    Attributes:
        en, zh: one sentence or two; for a refused key, the reason.
        remedy, remedy_zh: what to do about a refused key, in both languages; empty for others.
    """

    en: str
    zh: str
    remedy: str
    remedy_zh: str

    def refusal(self) -> tuple[str, str]:
        """Return the reason, to stand within a sentence, and the remedy, in the language of the run."""
        if language() == "zh":
            return self.zh.rstrip("\u3002"), self.remedy_zh
        return f"{self.en[0].lower()}{self.en[1:].rstrip('.')}", self.remedy


def _read() -> dict[str, Note]:
    lines = Path(__file__).with_name("texts.tsv").read_text("utf-8").splitlines()[1:]
    fields = (line.split("\t") for line in lines)
    return {name: Note(*texts) for name, *texts in fields}


NOTES: Final[Mapping[str, Note]] = _read()
"""By the name that `Key.note` has."""
