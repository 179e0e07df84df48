"""Where in a text a secret stands: in addresses, options, assignments, and as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

from bundler_compose.secrets.commands import option_spans
from bundler_compose.secrets.forms import is_random, is_secret_value
from bundler_compose.secrets.names import is_pair_name, is_secret_name, is_suggestive_name
from bundler_compose.secrets.overlaps import Ranges
from bundler_compose.secrets.quoting import decode_double, read_literal, written_forms
from bundler_compose.secrets.records import record_spans
from bundler_compose.secrets.span import Span
from bundler_compose.secrets.tokens import find_tokens

_USERINFO: Final = re.compile(
    r"(?<=[A-Za-z0-9+.-])://[^\s:/?#'\"`@<>]*:(?P<value>(?:[^\s/?#'\"`<>\\]|\\[^\s/])+)@(?P<host>[\w.\[-]+)"
)
_KEY: Final = re.compile(r"(?<![\w.-])(?<!\$\{)(?P<dash>-{0,2})(?P<key>[^\W\d][\w.-]*+)")
_SEPARATOR: Final = re.compile(r"""(?P<close>\\*+["'])?[ \t]*+(?P<mark>:=|=>|[:=])(?![=:])[ \t]*+""")
"""`key=value`, `key: value`, `"key": "value"`, `--key=value`, and `\\"key\\": \\"value\\"`."""
_ANCHOR: Final = re.compile(r"(?:&[\w-]++[ \t]++|!!str[ \t]++)++")
_BLANKS: Final = re.compile(r"[ \t]++")
_BEFORE_KEY: Final = re.compile(r"[ \t]*+(?:-[ \t]++)?(?:export[ \t]++|set[ \t]++)?[\"']?")
_LONGEST_KEY: Final = 100
_FILE_OPTIONS: Final = frozenset({"requirepass", "masterauth", "sentinel-pass"})
_SHELL_DEFAULT: Final = re.compile(r"\$\{(?P<key>\w+):?-(?P<value>[^}$]+)\}")
_SQL: Final = re.compile(
    r"(?i)\b(?:identified\s+(?:with\s+\w+\s+)?by|(?:encrypted\s+)?password|set\s+password(?:\s*=)?)\s+"
    r"'(?P<value>(?:[^'\n]|'')+)'"
)
_MARKUP: Final = re.compile(r"<(?P<key>[A-Za-z][\w.-]*)>(?P<value>[^<>\n]+)</(?P=key)>")


def find_spans(name: str, text: str, *, is_file: bool = False) -> list[Span]:
    """Return the places of secrets in a text that is the value of `name`, in their order, without overlaps.

    Args:
        name: name of the variable or key, or empty.
        text: its value of today.
        is_file: whether the text is a file, or a script, in which words follow each other.
    """
    found = list(_addresses(name, text))
    whole = name and not is_file
    if whole and not found:
        if is_secret_name(name) and is_secret_value(name, text):
            start = len(text) - len(text.lstrip())
            return [Span(start, len(text.rstrip()), text.strip(), name)]
        if is_suggestive_name(name) and is_random(text):
            return [Span(0, len(text), text, name)]
        found += _pairs(name, text)
    found += find_tokens(text)
    found += _patterns(text)
    found += record_spans(text, is_file=is_file)
    found += _assignments(text, is_file=is_file)
    return merge_spans(found)


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in their order; where two overlap, the one that was found first remains."""
    taken = Ranges()
    kept = [span for span in spans if taken.take(span.start, span.end)]
    return sorted(kept, key=lambda span: span.start)


def extend_spans(spans: Sequence[Span], text: str, known: Iterable[str]) -> list[Span]:
    """Return the spans; one that is the beginning of a known secret in the text goes to that secret's end.

    A position ends at the first separator, which a password may have too, as it is or in an encoding.
    """
    by_first: dict[str, list[tuple[str, str]]] = {}
    for value in known if spans else ():
        for written in written_forms(value):
            by_first.setdefault(written[:1], []).append((written, value))
    extended = []
    for span in spans:
        longer = [
            (written, value)
            for written, value in by_first.get(text[span.start : span.start + 1], ())
            if len(written) > span.end - span.start and text.startswith(written, span.start)
        ]
        if longer:
            written, value = max(longer, key=lambda form: len(form[0]))
            extended.append(replace(span, end=span.start + len(written), value=value, closed=True))
        else:
            extended.append(span)
    return merge_spans(extended)


def _addresses(name: str, text: str) -> Iterator[Span]:
    for found in _USERINFO.finditer(text):
        value = found["value"]
        if not re.fullmatch(r"[*x.]+|\$.*|\{.*", value):
            key = f"{name}_PASSWORD" if name else ""
            yield Span(*found.span("value"), unquote(decode_double(value)), key, found["host"].strip("["))


def _pairs(name: str, text: str) -> Iterator[Span]:
    if is_pair_name(name):
        found = re.fullmatch(r"[\w.@-]+[:/](?P<value>[^\s:/]+)", text)
        if found is not None and not found["value"].isdigit():
            yield Span(*found.span("value"), found["value"], f"{name}_PASSWORD")


def _patterns(text: str) -> Iterator[Span]:
    yield from option_spans(text)
    for found in _SQL.finditer(text):
        value = found["value"].replace("''", "'")
        if is_secret_value("PASSWORD", value):
            yield Span(*found.span("value"), value)
    for pattern in (_MARKUP, _SHELL_DEFAULT):
        for found in pattern.finditer(text):
            if is_secret_name(found["key"]) and is_secret_value(found["key"], found["value"]):
                yield Span(*found.span("value"), found["value"], found["key"])


def _assignments(text: str, *, is_file: bool) -> Iterator[Span]:
    """Yield the values of `key=value` and `--key value` whose key is the name of a secret."""
    end = 0
    for found in _KEY.finditer(text):
        key = found["key"]
        if found.start() < end or len(key) > _LONGEST_KEY or not is_secret_name(key):
            continue
        separator = _SEPARATOR.match(text, found.end())
        if separator is not None and not _has_no_opening(text, found.start(), separator["close"]):
            wide = (is_file or "\n" in text) and _has_line(text, found, separator)
            anchor = _ANCHOR.match(text, separator.end()) if wide else None
            literal = read_literal(text, (anchor or separator).end(), line=wide)
        elif (blanks := _BLANKS.match(text, found.end())) and _is_option(found, is_file=is_file):
            literal = None if text.startswith("-", blanks.end()) else read_literal(text, blanks.end())
        else:
            continue
        if literal is not None and literal.value and is_secret_value(key, literal.value):
            yield Span(literal.start, literal.end, literal.value, key, closed=literal.closed)
            end = literal.end


def _has_no_opening(text: str, start: int, close: str | None) -> bool:
    """Whether a quote after a key closes one that began before the key: that of a text, not of the key."""
    return close is not None and not text.startswith(close, max(start - len(close), 0))


def _has_line(text: str, key: re.Match[str], separator: re.Match[str]) -> bool:
    """Whether the value of a key goes to the end of its line: the key begins it, as in YAML and INI."""
    start = text.rfind("\n", max(key.start() - _LONGEST_KEY, 0), key.start()) + 1
    if (start == 0 and key.start() > _LONGEST_KEY) or key["dash"]:
        return False
    before = _BEFORE_KEY.fullmatch(text, start, key.start())
    return before is not None and separator[0].endswith((" ", "\t"))


def _is_option(found: re.Match[str], *, is_file: bool) -> bool:
    """Whether `key value` is an option rather than two words of a sentence."""
    return bool(found["dash"]) or (is_file and found["key"] in _FILE_OPTIONS)


def find_value(text: str, value: str, *, bounded: bool = True) -> Iterator[tuple[int, int]]:
    """Yield where `value` stands in `text`; bounded: where it is no part of a longer word."""
    start = text.find(value)
    while start >= 0:
        end = start + len(value)
        before = text[start - 1 : start] if start else ""
        after = text[end : end + 1]
        if not bounded or not (_glued(before, value[0]) or _glued(value[-1], after)):
            yield start, end
        start = text.find(value, end)


def _glued(left: str, right: str) -> bool:
    return bool(left and right) and (left.isalnum() or left == "_") and (right.isalnum() or right == "_")
