r"""Values as texts write them: where a quoted or bare value ends, what it means, and its other spellings.

Sources: RFC 8259 section 7 (JSON), YAML 1.2.2 sections 7.3.1 and 7.3.2, POSIX XCU section 2.2 (shell),
RFC 3986 section 2.1. `''` is one quote inside single quotes, as in YAML and SQL; a shell writes it
`'\''` or `'"'"'`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

_DOUBLE: Final = re.compile(r'"([^"\\]*+(?:\\[\s\S][^"\\]*+)*+)"')
_SINGLE: Final = re.compile(r"""'((?:[^'\n\\]++|''|'\\''|'"'"'|\\'(?=[^'\n]*+')|\\)*+)'""")
_QUOTES: Final = re.compile(r"""(\\*+)(["'])""")
_BARE: Final = re.compile(r"""(?:[^\s"'`;&,|<>(){}\\]++|\\[^\n])++""")
_LINE: Final = re.compile(r"[^\n]*+")
_COMMENT: Final = re.compile(r"[ \t](?:#|;|//|--[ \t]|<!--)")
_BLOCK: Final = re.compile(r"[|>][+-]?\d?[+-]?")
"""What YAML has before the lines of a value."""
_MORE: Final = re.compile(r"[;&,][ \t]*[\w.-]++[ \t]*[=:]|&&|\|\||[ \t]\|[ \t]|`|\$\(|[{}]")
"""What shows that the rest of a line is more than one value."""
_ESCAPE: Final = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\x[0-9a-fA-F]{2}|\\[\s\S]")
_CONTROL: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_OPENING: Final = {'"': re.compile(r'(?<!\\)"'), "'": re.compile(r"(?<![\\\w])'|(?<!\\)'(?!\w)")}
"""Quotes that open or close: none of `don't`."""
_BACK: Final = 2000
"""Characters before a value that are looked at to tell whether it stands in quotes."""
_LONGEST: Final = 1 << 14
"""Length of the longest quoted value: the search takes linear time in texts of nothing but quotes."""
_LONGEST_BARE: Final = 1 << 13
"""Length of the longest value without quotes: a key of 4,096 bits in base64 and more."""


@dataclass(frozen=True)
class Literal:
    """A value in a text.

    Attributes:
        start: offset of its first character, after the quote.
        end: offset after its last character, before the quote.
        value: what it means.
        closed: whether its end is known: not for a quote that nothing closes.
    """

    start: int
    end: int
    value: str
    closed: bool = True


def read_literal(text: str, start: int, *, line: bool = False) -> Literal | None:
    """Return the value that begins at an offset, or None if none does.

    Args:
        text: any text: JSON, YAML, a shell command, a configuration file.
        start: offset of the quote or of the first character.
        line: whether a value without quotes goes to the end of its line, with the blanks in it.
    """
    opened = _QUOTES.match(text, start)
    if opened is None:
        return _read_line(text, start) if line else _read_bare(text, start)
    if opened[1]:
        return _read_nested(text, opened)
    pattern, decode = (_DOUBLE, decode_double) if opened[2] == '"' else (_SINGLE, _decode_single)
    found = pattern.match(text, start, start + _LONGEST)
    odd = found is None or "\n" in found[1] or found[1][:1] in {" ", ";", ",", ")", "&", "|"}
    if odd and _is_inside(text, start, opened[2]):
        return None  # it closes a quote
    if found is None:
        rest = _LINE.match(text, start, start + _LONGEST_BARE)
        end = rest.end() if rest else start
        return Literal(start, end, text[start:end].rstrip(), closed=False)
    whole = Literal(found.start(1), found.end(1), decode(found[1]))
    if text[found.end() : found.end() + 1].isalnum():
        return _join(text, found.start(), found.end(), whole.value)
    return whole


def _join(text: str, start: int, end: int, value: str) -> Literal:
    """Return a word of a shell that goes on after its quotes, such as `"ab"cd`."""
    last = start + _LONGEST
    while found := _BARE.match(text, end, last) or _DOUBLE.match(text, end, last):
        value += decode_double(found[1]) if found.re is _DOUBLE else _decode_bare(found[0])
        end = found.end()
    if text.startswith('"', end):  # a quote inside quotes that nobody escaped
        end += 1
    return Literal(start, end, value, closed=end < last)


def _read_nested(text: str, opened: re.Match[str]) -> Literal | None:
    r"""Return a value whose quotes are escaped themselves, as in `"{\"password\": \"x\"}"`."""
    depth, mark = len(opened[1]), opened[2]
    for found in _QUOTES.finditer(text, opened.end(), opened.end() + _LONGEST):
        count = len(found[1]) % (2 * depth + 2)  # those before it that the value has itself are escaped
        if found[2] != mark or count > depth:
            continue
        start, end = opened.end(), found.start(2) - count
        value = text[start:end]
        for _ in range(depth.bit_length() + 1):
            value = decode_double(value)
        return Literal(start, end, value, closed=count == depth)
    return _read_bare(text, opened.start())


def _read_bare(text: str, start: int) -> Literal | None:
    """Return a value that ends at a blank or a separator; a quote in it ends it if it stands in quotes."""
    if text[start : start + 1] in {"", "[", "]", "#"}:
        return None
    last = start + _LONGEST_BARE
    found = _BARE.match(text, start, last)
    if found is None:
        return None
    end, value = found.end(), _decode_bare(found[0])
    while (mark := text[end : end + 1]) in {'"', "'"} and mark and not _is_inside(text, start, mark):
        piece = (_DOUBLE if mark == '"' else _SINGLE).match(text, end, end + _LONGEST)
        if piece is not None and "\n" not in piece[1]:
            value += decode_double(piece[1]) if mark == '"' else _decode_single(piece[1])
            end = piece.end()
        else:
            value += mark
            end += 1
        if more := _BARE.match(text, end, last):
            value += _decode_bare(more[0])
            end = more.end()
    return Literal(start, end, value, closed=end < last)


def _is_inside(text: str, start: int, mark: str) -> bool:
    """Whether a quote is open where a value begins; in a very long line it is taken to be."""
    first = max(start - _BACK, 0)
    line = text.rfind("\n", first, start) + 1
    if first and not line:
        return True
    return len(_OPENING[mark].findall(text, line, start)) % 2 == 1


def _read_line(text: str, start: int) -> Literal | None:
    """Return the rest of a line without a comment, or less where the line has more than one value."""
    found = _LINE.match(text, start, start + _LONGEST_BARE)
    line = "" if found is None else found[0]
    comment = _COMMENT.search(line)
    line = (line[: comment.start()] if comment else line).rstrip().rstrip(";,")
    if _BLOCK.fullmatch(line):
        return None
    if not line or len(line) == _LONGEST_BARE or line[0] in "[]#" or _MORE.search(line):
        return _read_bare(text, start)
    return Literal(start, start + len(line), line)


def decode_double(text: str) -> str:
    """Return what stands between double quotes; an escape that only some languages know stays."""
    return _ESCAPE.sub(_unescape, text) if "\\" in text else text


def _unescape(found: re.Match[str]) -> str:
    code = found[0][1:]
    if code[0] == "u" and len(code) > 1:
        decoded: str = json.loads(f'"{found[0]}"')
        return found[0] if any("\ud800" <= char <= "\udfff" for char in decoded) else decoded
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code == "\n":
        return ""
    return _CONTROL.get(code) or (found[0] if code.isalnum() else code)


def _decode_single(text: str) -> str:
    for written in (r"'\''", "'\"'\"'", "''", r"\'"):
        text = text.replace(written, "'")
    return text


def _decode_bare(text: str) -> str:
    return re.sub(r"\\([^\w\s]| )", r"\1", text)


@lru_cache(maxsize=4096)
def written_forms(value: str) -> tuple[str, ...]:
    """Return how a value may be written in a text: as it is first, then in each encoding that changes it."""
    if value.isalnum() and value.isascii():
        return (value,)
    plain = json.dumps(value, ensure_ascii=False)[1:-1]
    page = "".join(f"\\u{ord(char):04x}" if char in "&<>'" else char for char in plain)
    quoted = escape(value, {'"': "&quot;"})
    forms = (
        value, quote(value, safe=""), quote_plus(value), plain, json.dumps(value)[1:-1], page,
        json.dumps(page)[1:-1], plain.replace("/", r"\/"), json.dumps(plain)[1:-1],
        value.replace("'", "''"), value.replace("'", r"'\''"), value.replace("'", "'\"'\"'"),
        value.replace("'", r"\'"), value.replace('"', '""'), value.replace("$", "$$"),
        re.sub(r'([\\"$`])', r"\\\1", value), re.sub(r"([^\w@%+=:,./-])", r"\\\1", value),
        escape(value), quoted, quoted.replace("'", "&#39;"), quoted.replace("'", "&apos;"),
    )  # fmt: skip
    return tuple(dict.fromkeys(forms))
