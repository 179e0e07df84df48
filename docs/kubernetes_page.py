"""Makes the table of the page "The target kubernetes" from the keys of the renderer `kubernetes`."""

from __future__ import annotations

from typing import Final

from bundler.language import speaking, tr
from bundler_kubernetes.keys import SERVICE, Fate

_WORDS: Final[dict[str, dict[Fate, str]]] = {
    "en": {
        Fate.MAPPED: "mapped", Fate.REPORTED: "reported", Fate.NOTHING: "no effect", Fate.REFUSED: "refused",
    },
    "zh": {Fate.MAPPED: "映射", Fate.REPORTED: "列入报告", Fate.NOTHING: "不起作用", Fate.REFUSED: "拒绝"},
}  # fmt: skip
_HEADS: Final = {
    "en": "| key | what becomes of it | how, or why |",
    "zh": "| 键 | 处理方式 | 对应物或原因 |",
}


def mapping_table(language: str) -> list[str]:
    """Return the table in a language, as lines."""
    with speaking(language):
        rows = [
            f"| `{name}` | {_WORDS[language][key.fate]} | {tr(key.text)} |" for name, key in SERVICE.items()
        ]
    return [_HEADS[language], "|---|---|---|", *rows]
