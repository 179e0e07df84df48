"""Where in a text a secret stands: in addresses, options, assignments, and as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote

from bundler_compose.secrets.forms import is_secret_value
from bundler_compose.secrets.names import is_pair_name, is_secret_name

_USERINFO: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://[^\s:/?#'\"`@<>]*:(?P<value>[^\s/?#'\"`<>]+)@(?P<host>[\w.\[-]+)"
)
_ASSIGNED: Final = re.compile(
    r"""(?<![\w.-])(?<!\$\{)(?P<q>["']?)-{0,2}(?P<key>[A-Za-z][\w.-]*)(?P=q)[ \t]*(?::=|=>|[:=])[ \t]*"""
    r"""(?:"(?P<double>[^"\n]*)"|'(?P<single>[^'\n]*)'|(?P<bare>[^\s"'`;&,|<>(){}\[\]#][^\s"'`;&,|<>(){}]*))"""
)
"""`key=value`, `key: value`, `"key": "value"`, `--key=value`; a bare value ends at a blank or a separator."""
_OPTION: Final = re.compile(
    r"""(?<![\w.-])-{0,2}(?P<key>[A-Za-z][\w.-]*)[ \t]+"""
    r"""(?:"(?P<double>[^"\n]+)"|'(?P<single>[^'\n]+)'|(?P<bare>[^\s"'`;&|<>()-][^\s"'`;&|<>()]*))"""
)
"""`--key value`, and `requirepass value` of a configuration file."""
_SHORT: Final = (
    re.compile(r"\bredis-cli\b[^;&|\n]*?\s-a\s+[\"']?(?P<value>[^\s\"';&|]+)"),
    re.compile(
        r"\b(?:mysql|mysqladmin|mysqldump|mariadb|mariadb-admin|mysqlcheck)\b"
        r"[^;&|\n]*?\s-p(?P<value>[^\s\"';&|]+)"
    ),
    re.compile(r"\b(?:curl|wget)\b[^;&|\n]*?\s(?:-u|--user)[ =]?[\"']?[^\s:\"']+:(?P<value>[^\s\"';&|]+)"),
    re.compile(
        r"\b(?:mongo|mongosh|ldapsearch|ldapwhoami)\b[^;&|\n]*?\s(?:-p|-w)\s+[\"']?(?P<value>[^\s\"';&|]+)"
    ),
    re.compile(
        r"\bmc\s+(?:alias\s+set|config\s+host\s+add)\s+\S+\s+\S+\s+\S+\s+[\"']?(?P<value>[^\s\"';&|]+)"
    ),
)
_SHELL_DEFAULT: Final = re.compile(r"\$\{(?P<key>\w+):?-(?P<value>[^}$]+)\}")
_SQL: Final = re.compile(
    r"(?i)\b(?:identified\s+(?:with\s+\w+\s+)?by|(?:encrypted\s+)?password|set\s+password\s*=?)\s+'(?P<value>[^'\n]+)'"
)
_MARKUP: Final = re.compile(r"<(?P<key>[A-Za-z][\w.-]*)>(?P<value>[^<>\n]+)</(?P=key)>")
_HEADER: Final = re.compile(
    r"(?i)\bauthorization[\"']?\s*[:=]\s*[\"']?(?:bearer|token)\s+(?P<value>[^\s\"';]+)"
)


@dataclass(frozen=True)
class Span:
    """A place of a secret in a text.

    Attributes:
        start: offset of its first character.
        end: offset after its last character.
        value: the secret, without the encoding of the place.
        name: name that the place gives it: of the option, the key or the scheme; empty where it has none.
        host: host of the address that it stands in, else empty.
    """

    start: int
    end: int
    value: str
    name: str = ""
    host: str = ""


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
        found += _pairs(name, text)
    found += _patterns(text)
    found += _assignments(text, is_file=is_file)
    return merge_spans(found)


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in their order; where two overlap, the one that was found first remains."""
    kept: list[Span] = []
    for span in spans:
        if all(span.end <= other.start or span.start >= other.end for other in kept):
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)


def extend_spans(spans: Sequence[Span], text: str, known: Iterable[str]) -> list[Span]:
    """Return the spans; one that is the beginning of a known secret in the text goes to that secret's end.

    A position ends at the first separator, which a password may have too.
    """
    extended = []
    for span in spans:
        longer = [
            value for value in known if len(value) > len(span.value) and text.startswith(value, span.start)
        ]
        best = max(longer, key=len, default=span.value)
        end = span.start + len(best) if longer else span.end
        extended.append(replace(span, end=end, value=best))
    return merge_spans(extended)


def _addresses(name: str, text: str) -> Iterator[Span]:
    for found in _USERINFO.finditer(text):
        value = found["value"]
        if not re.fullmatch(r"[*x.]+|\$.*|\{.*", value):
            key = f"{name}_PASSWORD" if name else ""
            yield Span(*found.span("value"), unquote(value), key, found["host"].strip("["))


def _pairs(name: str, text: str) -> Iterator[Span]:
    if is_pair_name(name):
        found = re.fullmatch(r"[\w.@-]+[:/](?P<value>[^\s:/]+)", text)
        if found is not None and not found["value"].isdigit():
            yield Span(*found.span("value"), found["value"], f"{name}_PASSWORD")


def _patterns(text: str) -> Iterator[Span]:
    for pattern in (*_SHORT, _SQL, _HEADER):
        for found in pattern.finditer(text):
            if is_secret_value("PASSWORD", found["value"]):
                yield Span(*found.span("value"), found["value"])
    for pattern in (_MARKUP, _SHELL_DEFAULT):
        for found in pattern.finditer(text):
            if is_secret_name(found["key"]) and is_secret_value(found["key"], found["value"]):
                yield Span(*found.span("value"), found["value"], found["key"])


def _assignments(text: str, *, is_file: bool) -> Iterator[Span]:
    for pattern in (_ASSIGNED, _OPTION):
        for found in pattern.finditer(text):
            key = found["key"]
            group = next((part for part in ("double", "single", "bare") if found[part]), None)
            if group is None or not is_secret_name(key) or not is_secret_value(key, found[group]):
                continue
            if pattern is _OPTION and not _is_option(found[0], key, is_file=is_file):
                continue
            yield Span(*found.span(group), found[group], key)


def _is_option(written: str, key: str, *, is_file: bool) -> bool:
    """Whether `key value` is an option rather than two words of a sentence."""
    if written.startswith("-"):
        return True
    return is_file and key in {"requirepass", "masterauth", "sentinel-pass"}


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


def short_options(arguments: Sequence[str]) -> Iterator[tuple[int, Span]]:
    """Yield the secrets of short options, such as `-psecret` of mysql, with the number of the argument."""
    text = " ".join(arguments)
    starts = [sum(len(argument) + 1 for argument in arguments[:index]) for index in range(len(arguments))]
    for pattern in _SHORT:
        for found in pattern.finditer(text):
            index = max(number for number, start in enumerate(starts) if start <= found.start("value"))
            start, end = (offset - starts[index] for offset in found.span("value"))
            if end <= len(arguments[index]) and is_secret_value("PASSWORD", found["value"]):
                yield index, Span(start, end, found["value"])
