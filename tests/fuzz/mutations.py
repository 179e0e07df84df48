"""Mutations of bytes, texts, JSON and tar headers; all randomness comes from the argument `random`."""

from __future__ import annotations

import itertools
import json
import random as chance
import unicodedata
from collections.abc import Sequence
from typing import Any, Final

Random = chance.Random

NAMES: Final = (
    *("../x", "/etc/passwd", "-rf", "a\nb", "a\0b", "a\\b", "\x1b[2J", "\u202egnp", "e\u0301", "\ud800"),
    *("", ".", " ", "\t", "${X}", "~", "NUL", "a\x9b2J", "\ufeff", "A" * 300, "\u6587" * 90, "a/" * 600),
)
VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63), 10**400, 1.5, 1e308, float("nan"), float("inf")),
    *([], {}, [[]], [None], {"": None}, "0", "9" * 40, "x" * 5000),
    *NAMES,
)
TOKENS: Final = (
    *(b"{", b"}", b"[", b"]", b'"', b"'", b"\\", b"\n", b"\r\n", b"\0", b"\xff", b"\xed\xa0\x80", b"9" * 40),
    *(
        b"null",
        b"-1",
        b"1e999",
        b"../",
        b'{"a":' * 5,
        b"[" * 2000,
        b"*a",
        b"&a ",
        b"<<: ",
        b"!!python/name:x ",
    ),
    *(b"!x ", b": ", b"- ", b"? ", b"| \n", b"{{", b"%}", b"# ", b"---\n", b"...\n", b"\t", b" " * 40, b"%"),
    *(b"$", b"${", b"$$", b"@@X@@", b"\xc2\x85", b"\xe2\x80\xa8", b"\x1b[2J", b"\xef\xbb\xbf", b"  "),
    *(b"0x", b"0o9", b".inf", b"~", b"=", b",", b"/", b"x" * 5000),
)


def damage(random: Random, data: bytes, tokens: Sequence[bytes] = TOKENS) -> bytes:
    """Return the bytes with some flipped, removed, duplicated, inserted or truncated."""
    raw = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4, 12))):
        at = random.randrange(len(raw) + 1)
        match random.randrange(7):
            case 0 if at < len(raw):
                raw[at] ^= 1 << random.randrange(8)
            case 1 if at < len(raw):
                raw[at] = random.randrange(256)
            case 2:
                del raw[at : at + random.choice((1, 2, 8, 100))]
            case 3:
                other = random.randrange(len(raw) + 1)
                raw[at:at] = raw[other : other + random.choice((1, 4, 40, 512))]
            case 4:
                del raw[at:]
            case _:
                token = random.choice(tokens)
                raw[at : at + random.choice((0, len(token)))] = token
    return bytes(raw)


def damage_lines(random: Random, data: bytes) -> bytes:
    """Remove, duplicate or move lines; then perhaps damage bytes as well."""
    lines = data.split(b"\n")
    for _ in range(random.choice((0, 1, 2, 4))):
        at, other = random.randrange(len(lines)), random.randrange(len(lines))
        match random.randrange(4):
            case 0:
                del lines[at : at + 1]
            case 1:
                lines.insert(at, lines[other])
            case 2:
                lines[at], lines[other] = lines[other], lines[at]
            case _:
                lines[at] = lines[at] + lines[other]
        lines = lines or [b""]
    joined = b"\n".join(lines)
    return damage(random, joined) if random.randrange(3) else joined


def damage_json(random: Random, document: Any) -> Any:  # noqa: ANN401 any JSON value
    """Replace, remove, duplicate or rename one to four values of a document."""
    document = json.loads(json.dumps(document))
    for _ in range(random.choice((1, 1, 2, 4))):
        places = list(_places(document))
        if not places:
            break
        holder, key = random.choice(places)
        match random.randrange(6):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[random.choice(NAMES)] = holder.pop(key)
            case 1:
                holder.insert(key, holder[key])
            case 2:
                other, name = random.choice(places)
                if name in other if isinstance(other, dict) else name < len(other):
                    holder[key] = json.loads(json.dumps(other[name]))
            case _:
                holder[key] = random.choice(VALUES)
    return document


def _places(document: Any) -> Any:  # noqa: ANN401 any JSON value
    if isinstance(document, dict):
        keys: Any = list(document)
    elif isinstance(document, list):
        keys = range(len(document))
    else:
        return
    for key in keys:
        yield document, key
        yield from _places(document[key])


def dump_json(random: Random, document: Any) -> bytes:  # noqa: ANN401 any JSON value
    """Return the document as bytes, with one in four damaged as text."""
    raw = json.dumps(document, ensure_ascii=random.randrange(2) == 0).encode("utf-8", "surrogatepass")
    return raw if random.randrange(4) else damage(random, raw)


_BOUNDS: Final = (0, 100, 108, 116, 124, 136, 148, 156, 157, 257, 265, 297, 329, 345, 500, 512)
FIELDS: Final = tuple(itertools.pairwise(_BOUNDS))
"""Start and end of each field of a tar header (POSIX.1-1988, ustar)."""


def is_plain(text: str) -> bool:
    """Return whether a text is safe to print: no controls except newlines, no bidirectional marks."""
    marks = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    return not marks & set(text) and all(unicodedata.category(c) != "Cc" or c == "\n" for c in text)


def damage_header(random: Random, block: bytes) -> bytes:
    """Damage one field of a tar header; the checksum is nearly always corrected, so that later checks run."""
    raw = bytearray(block)
    start, end = random.choice(FIELDS)
    size = end - start
    value = random.choice(
        (
            random.getrandbits(8 * size).to_bytes(size),
            b"\xff" * size,
            b"\x80" + bytes(size - 1),
            b"\x80" + b"\xff" * (size - 1),
            b"\x80" + bytes(max(size - 9, 0)) + b"\x40" + bytes(7),
            bytes(size),
            b"7" * size,
            b" " * size,
            b"../" * 40,
            b"/etc/passwd",
            b"-1",
            b"\xff" * max(size - 2, 0) + b"\xfe\0",
            *(bytes([kind]) for kind in b"LKxgSNVM0123457\0"),
        )
    )[:size]
    raw[start : start + len(value)] = value
    if random.randrange(10):
        raw[148:156] = b"        "
        raw[148:156] = b"%06o\0 " % sum(raw[:512])
    return bytes(raw)
