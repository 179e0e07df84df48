"""A place of a secret in a text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """A place of a secret in a text.

    Attributes:
        start: offset of its first character.
        end: offset after its last character.
        value: the secret, without the encoding of the place.
        name: name that the place gives it: of the option, the key or the scheme; empty where it has none.
        host: host of the address that it stands in, else empty.
        closed: whether its end is known: not where a quote is never closed.
    """

    start: int
    end: int
    value: str
    name: str = ""
    host: str = ""
    closed: bool = True
