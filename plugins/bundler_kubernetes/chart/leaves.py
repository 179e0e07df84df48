"""What an object of a chart has beside plain values: expressions and conditions of Helm's templates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Expression:
    """A leaf that Helm computes.

    Attributes:
        text: the expression, such as `$.Values.image.registry`.
        bare: whether it is written as it is, as a number; else as a text in quotes.
    """

    text: str
    bare: bool = False


@dataclass(frozen=True)
class Tree:
    """A mapping or a list that stands in the values."""

    text: str


@dataclass(frozen=True)
class Only:
    """A part that is there on a condition: the value of a key, or an entry of a list.

    Attributes:
        condition: as it stands after `if`.
        value: any part of an object.
    """

    condition: str
    value: Any


@dataclass(frozen=True)
class Included:
    """Entries of a list that a helper writes."""

    text: str
