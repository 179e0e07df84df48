"""Makes the tables of the page "What of Compose is supported" from the keys of the application `compose`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bundler_compose.keys.document import TOP
from bundler_compose.keys.model import Fate, Key, Level
from bundler_compose.keys.texts import NOTES


@dataclass(frozen=True)
class _Words:
    header: str
    fates: dict[Fate, str]
    top: str


_EN: Final = _Words(
    "| key | what becomes of it | Compose | engine | remark |",
    {Fate.CARRIED: "carried", Fate.BOUND: "bound", Fate.IGNORED: "ignored", Fate.REFUSED: "refused"},
    "Top level",
)
_ZH: Final = _Words(
    "| 键 | 处理方式 | Compose | 引擎 | 说明 |",
    {Fate.CARRIED: "携带", Fate.BOUND: "构建时确定", Fate.IGNORED: "忽略", Fate.REFUSED: "拒绝"},
    "顶层",
)
_SECTIONS: Final = ("services", "networks", "volumes", "configs", "secrets")


def key_tables(*, chinese: bool = False) -> list[str]:
    """Return the sections of the page, each a heading and its table, as lines."""
    words = _ZH if chinese else _EN
    lines = [f"## {words.top}", "", *_table(words, TOP, deep=False)]
    for name in _SECTIONS:
        key = TOP.find(name)
        if key is not None and key.below is not None:
            lines += ["", f"## {name}", "", *_table(words, key.below)]
    return lines


def _table(words: _Words, level: Level, *, deep: bool = True) -> list[str]:
    rows = [words.header, "|---|---|---|---|---|"]
    for path, key in _rows(level, "", deep=deep):
        note = NOTES.get(key.note)
        remark = "" if note is None else note.en if words is _EN else note.zh
        rows.append(f"| `{path}` | {words.fates[key.fate]} | {key.compose} | {key.engine} | {remark} |")
    return rows


def _rows(level: Level, prefix: str, *, deep: bool) -> Iterator[tuple[str, Key]]:
    for key in sorted(level.keys, key=lambda key: key.name):
        path = f"{prefix}{key.name}"
        yield path, key
        # what is said of a key that does not travel holds for all below it; hooks repeat the keys of services
        if (
            key.below is None
            or not deep
            or key.fate in {Fate.IGNORED, Fate.REFUSED}
            or key.name == "pre_start"
        ):
            continue
        each = {"": ".", "*": ".*.", "[]": "[]."}[key.below.each]
        yield from _rows(key.below, f"{path}{each}", deep=deep)
