"""Parses the `WWW-Authenticate` header: RFC 9110, 11.6.1."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_GAP = re.compile(r"[ \t,]*")


@dataclass(frozen=True)
class Challenge:
    """One way to authenticate that a server offers.

    Attributes:
        scheme: name of the scheme, in lower case.
        parameters: parameters by name, names in lower case.
        token: the `token68` value, or empty.
    """

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    token: str = ""


def parse_challenges(header: str) -> list[Challenge]:
    """Return the challenges in one header, or in several headers joined by commas.

    Parsing stops at the first invalid text; the challenges before it are returned.
    """
    challenges: list[Challenge] = []
    parameters: dict[str, str] = {}
    at = _skip(_GAP, header, 0)
    while word := _TOKEN.match(header, at):
        name, at = word.group(), word.end()
        equals = _EQUALS.match(header, at)
        if equals:  # name=value: a parameter of the scheme before it
            value, at = _value(header, equals.end())
            if value is None or not challenges:
                break
            parameters.setdefault(name.lower(), value)
        else:
            parameters = {}
            after = _skip(re.compile(r"[ \t]+"), header, at)
            token = _TOKEN68.match(header, after) if after > at else None
            # `Bearer realm=` without a value also matches a token; no server is known to send either
            challenges.append(Challenge(name.lower(), parameters, token.group() if token else ""))
            at = token.end() if token else at
        at = _skip(_GAP, header, at)
    return challenges


def _skip(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _value(text: str, at: int) -> tuple[str | None, int]:
    quoted = _QUOTED.match(text, at)
    if quoted:
        return re.sub(r"\\(.)", r"\1", quoted.group(1), flags=re.DOTALL), quoted.end()
    word = _TOKEN.match(text, at)
    if word:
        return word.group(), word.end()
    return None, at
