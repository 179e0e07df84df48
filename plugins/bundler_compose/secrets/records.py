"""Secrets in the lines and records of configuration files: pairs, columns, headers, user lists.

Sources of the forms: npm, "Auth related configuration" (npm/cli, configuring-npm/npmrc.md,
commit 0d06c0bea4fb); Redis, "The ACL rules that describe what a user can do" (redis/redis, redis.conf, commit
001730cb9656); PostgreSQL, "The Password File" (postgres/postgres, doc/src/sgml/libpq.sgml, commit
00298ad9d8c9); PHP manual, "define" (php/doc-en, reference/misc/functions/define.xml, commit 162acb839902);
YAML 1.2.2 section 6.9, production 96. The directives of nginx, Apache, HAProxy and Caddy that set a header
are all written as name and value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bundler_compose.secrets.forms import is_secret_value
from bundler_compose.secrets.names import is_secret_name
from bundler_compose.secrets.quoting import Literal, read_literal
from bundler_compose.secrets.span import Span

_PAIR: Final = re.compile(
    r"""(?<![\w.-])(?:name|key|Name|Key)\\*+["']?[ \t]*[:=][ \t]*"""
    r"""\\*+["']?(?P<key>[^\W\d][\w.-]{0,99})\\*+["']?"""
    r"""[ \t]*,?\s{0,200}\\*+["']?[vV]alue\\*+["']?[ \t]*[:=][ \t]*"""
)
"""`{"name": "DB_PASSWORD", "value": ...}`, `- name:` with `value:` below, `<add key="..." value="..."`."""
_CALL: Final = re.compile(
    r"""\b(?:define|setenv|putenv)\([ \t]*["'](?P<key>[^\W\d][\w.-]{0,99})["'][ \t]*,[ \t]*"""
)
_SETS: Final = re.compile(
    r"""(?<![\w-])(?:proxy_set_header|add_header|grpc_set_header|RequestHeader[ \t]+set"""
    r"""|http-request[ \t]+set-header|header_up|fastcgi_param|uwsgi_param|--header|-H)"""
    r"""[ =]?[ \t]*["']?(?P<key>[\w-]{1,100})["']?[ \t]*:?[ \t]*"""
)
_BEARER: Final = re.compile(
    r"(?i)\bauthorization[\"']?(?:[ \t]*[:=][ \t]*|[ \t]+)[\"']?(?:bearer|token|apikey|key)[ \t]+"
    r"(?P<value>[^\s\"';$<{][^\s\"';]*)"
)
_COLUMNS: Final = re.compile(r"(?m)^[ \t]*+(?P<key>[^\W\d][\w.-]{0,99})(?P<gap>[ \t]++)(?![:=])")
_REST: Final = re.compile(r"[\"']?;?[ \t]*+(?:[#;][^\n]*+)?(?:\r?\n|\Z)")
_BELOW: Final = re.compile(
    r"""(?m)^(?P<indent>[ \t]*+)(?:-[ \t]++)?["']?(?P<key>[^\W\d][\w.-]{0,99})["']?[ \t]*+:[ \t]*+"""
    r"""(?:[&!][^\s,]++[ \t]*+)?(?:[|>][+-]?\d?[ \t]*+)?\r?\n(?=(?P<inner>(?P=indent)[ \t]++)[^\s#-])"""
)
_KEY_AGAIN: Final = re.compile(r"[\"']?[\w./-]{1,100}[\"']?[ \t]*:(?:[ \t]|\r?$)", re.MULTILINE)
_NPM: Final = re.compile(r"(?m)^[ \t]*+(?://\S*:)?_auth[ \t]*+=[ \t]*+(?P<value>[^\s$]\S*)")
_ACL: Final = re.compile(r"(?m)^[ \t]*+user[ \t]++\S++[ \t]++[^\n]*+")
_ACL_PASSWORD: Final = re.compile(r"[ \t]>(?P<value>\S++)")
_FIELD: Final = r"(?:[^:\s\\]|\\[^\n])++"
_PGPASS: Final = re.compile(
    rf"(?m)^(?!#){_FIELD}:(?:\d{{2,5}}|\*):{_FIELD}:{_FIELD}:(?P<value>{_FIELD})[ \t]*+\r?$"
)


def record_spans(text: str, *, is_file: bool) -> Iterator[Span]:
    """Yield the places of secrets in pairs and headers, and in the lines of a file."""
    for pattern in (_PAIR, _CALL, _SETS):
        for found in pattern.finditer(text):
            lines = pattern is _PAIR and "\n" in found[0]
            yield from _value(found["key"], read_literal(text, found.end(), line=lines), text)
    for found in _BEARER.finditer(text):
        if is_secret_value("PASSWORD", found["value"]):
            yield Span(*found.span("value"), found["value"], "TOKEN")
    if is_file or "\n" in text:
        yield from _lines(text)


def _value(key: str, literal: Literal | None, text: str) -> Iterator[Span]:
    if literal is None or not literal.value or literal.value.startswith("$") or not is_secret_name(key):
        return
    end = literal.end
    if is_secret_value(key, literal.value) and end <= len(text):
        yield Span(literal.start, end, literal.value, key, closed=literal.closed)


def _lines(text: str) -> Iterator[Span]:
    for found in _COLUMNS.finditer(text):
        if is_secret_name(found["key"]):
            literal = read_literal(text, found.end())
            if literal is not None and _is_column(text, found["gap"], literal):
                yield from _value(found["key"], literal, text)
    for found in _BELOW.finditer(text):
        if is_secret_name(found["key"]) and not _KEY_AGAIN.match(text, found.end("inner")):
            literal = read_literal(text, found.end("inner"), line=True)
            yield from _value(found["key"], literal, text)
    for found in _NPM.finditer(text):
        yield Span(*found.span("value"), found["value"], "NPM_AUTH")
    for found in _PGPASS.finditer(text):
        yield Span(*found.span("value"), re.sub(r"\\(.)", r"\1", found["value"]))
    for line in _ACL.finditer(text):
        for found in _ACL_PASSWORD.finditer(text, line.start(), line.end()):
            yield Span(*found.span("value"), found["value"])


def _is_column(text: str, gap: str, literal: Literal) -> bool:
    """Whether a word is the value of the first on its line, rather than the second word of a sentence."""
    if not _REST.match(text, literal.end):
        return False
    quoted = text[literal.start - 1 : literal.start] in {'"', "'"}
    return quoted or len(gap) > 1 or gap == "\t" or not literal.value.isalpha()
