"""The words of reports, in each language: `words/<language>.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

TAGS: Final = {"en": "en", "zh": "zh-Hans"}
"""Language -> BCP 47 tag, for the page's `lang`."""
Words = dict[str, str]
"""Key -> text, with `{names}` for `str.format`."""


def load_words(language: str) -> Words:
    """Return the catalogue of one of the languages of `TAGS`. All of them have the same keys."""
    path = Path(__file__).parent / "words" / f"{language}.toml"
    return tomllib.loads(path.read_text("utf-8"))
