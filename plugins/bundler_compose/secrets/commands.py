"""Secrets in options of programs that have names of their own for them, such as `-psecret` of mysql."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from bundler_compose.secrets.forms import is_secret_value
from bundler_compose.secrets.quoting import read_literal
from bundler_compose.secrets.span import Span

_COMMAND: Final = re.compile(r"[^;&|\n]++")
"""A command without the ones beside it. A separator in quotes ends it too: options stand before those."""
_OPTIONS: Final = (
    (r"redis-cli", r"-a[ \t]+"),
    (r"mysql|mysqladmin|mysqldump|mariadb|mariadb-admin|mysqlcheck", r"-p"),
    (r"curl|wget", r"(?:-u|--user)[ =]?(?=[\"']?[^\s:\"']+:)"),
    (r"mongo|mongosh|ldapsearch|ldapwhoami", r"-[pw][ \t]+"),
    (r"sshpass", r"-p[ \t]*"),
    (r"docker[ \t]+login|podman[ \t]+login|helm[ \t]+registry[ \t]+login", r"-p[ =]?"),
    (r"openssl", r"-k[ \t]+|-(?:pass|passin|passout)[ \t]+[\"']?pass:"),
    (r"htpasswd", r"-[A-Za-mo-z]*b[A-Za-mo-z]*[ \t]+\S+[ \t]+\S+[ \t]+"),
    (r"htpasswd", r"-(?=[A-Za-z]*n)[A-Za-z]*b[A-Za-z]*[ \t]+\S+[ \t]+"),
    (r"mc[ \t]+(?:alias[ \t]+set|config[ \t]+host[ \t]+add)(?=[ \t])", r"\S+[ \t]+\S+[ \t]+\S+[ \t]+"),
)
"""Names of programs, and what stands before a secret in their arguments."""
_PROGRAMS: Final = tuple(
    (re.compile(rf"\b(?:{programs})\b"), re.compile(rf"[ \t](?:{option})(?=\S)"))
    for programs, option in _OPTIONS
)

_CHPASSWD: Final = re.compile(
    r"\b(?:echo|printf)[ \t]+(?:-\w+[ \t]+)?[\"']?[\w.-]{1,64}:(?P<value>[^\s\"'|]{1,200})[\"']?"
    r"[ \t]*\|[ \t]*(?:sudo[ \t]+)?chpasswd\b"
)
_USER: Final = re.compile(
    r"(?<!\S)--user(?:name)?[ =][\"']?(?P<user>[\w.@-]{1,64}):(?P<value>[^\s\"':]{1,200})"
)


def option_spans(text: str) -> Iterator[Span]:
    """Yield the secrets of such options in a text of commands."""
    for found in _CHPASSWD.finditer(text):
        yield Span(*found.span("value"), found["value"])
    for found in _USER.finditer(text):
        if found["value"] != found["user"] and re.search(r"[^\d]\d|\d[^\d]|.{8}", found["value"]):
            yield from _checked(Span(*found.span("value"), found["value"]))
    for pattern, option in _PROGRAMS:
        end = 0
        while program := pattern.search(text, end):
            command = _COMMAND.match(text, program.end())
            end = program.end() if command is None else command.end()
            for found in option.finditer(text, program.end(), end):
                span = _value(text, found.end(), user="user" in option.pattern)
                if span is not None:
                    yield span


def _checked(span: Span) -> Iterator[Span]:
    if is_secret_value("PASSWORD", span.value):
        yield span


def _value(text: str, start: int, *, user: bool) -> Span | None:
    literal = read_literal(text, start)
    if literal is None:
        return None
    value, first = literal.value, literal.start
    if user:
        name, _, value = value.partition(":")
        first += len(name) + 1
    if not value or not is_secret_value("PASSWORD", value):
        return None
    return Span(first, literal.end, value, closed=literal.closed)


def short_options(arguments: Sequence[str]) -> Iterator[tuple[int, Span]]:
    """Yield the secrets of such options in a list of arguments, with the number of the argument."""
    text = " ".join(arguments)
    starts = [0]
    for argument in arguments:
        starts.append(starts[-1] + len(argument) + 1)
    for span in option_spans(text):
        index = bisect_right(starts, span.start) - 1
        start, end = span.start - starts[index], span.end - starts[index]
        if end <= len(arguments[index]):
            yield index, Span(start, end, span.value, closed=span.closed)
