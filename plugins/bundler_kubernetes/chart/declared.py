"""What stands in the values of a chart: each is declared once, for values.yaml, its schema and README.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
LINE: Final[Schema] = {"type": "string", "pattern": "^[^\\n]*$"}
SWITCH: Final[Schema] = {"type": "boolean"}
MAP: Final[Schema] = {"type": "object"}
MAPS: Final[Schema] = {"type": "array", "items": {"type": "object"}}
TEXTS: Final[Schema] = {"type": "object", "additionalProperties": {"type": "string"}}
QUANTITY: Final[Schema] = {"type": ["string", "number"], "pattern": "^[0-9]+(\\.[0-9]+)?([EPTGMk]i?|m)?$"}
QUANTITIES: Final[Schema] = {"type": "object", "additionalProperties": QUANTITY}


def number(minimum: int, maximum: int | None = None) -> Schema:
    """Return the schema of a number."""
    return {"type": "integer", "minimum": minimum, **({} if maximum is None else {"maximum": maximum})}


def nullable(schema: Schema) -> Schema:
    """Return the schema of a value, or of null."""
    return {"anyOf": [{"type": "null"}, schema]}


@dataclass(frozen=True)
class Declared:
    """A value.

    Attributes:
        path: its place.
        default: what applies if the site says nothing.
        schema: JSON Schema.
        about: what it is for, in one line.
    """

    path: tuple[str, ...]
    default: Any = field(hash=False)
    schema: Schema = field(hash=False)
    about: str


@dataclass(frozen=True)
class Group:
    """A mapping of the values.

    Attributes:
        about: what it is for; empty if its name says it.
        members: what is in it.
    """

    about: str
    members: dict[str, Group | Declared] = field(default_factory=dict)


class Declarations:
    """All values of a chart, in the order of values.yaml."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, ...], Declared] = {}
        self._groups: dict[tuple[str, ...], str] = {}
        self._order: list[tuple[str, ...]] = []

    def group(self, path: Sequence[str], about: str) -> None:
        """Say what a mapping is for; it is there even if nothing is in it."""
        self._groups[tuple(path)] = about
        self._order.append(tuple(path))

    def add(self, path: Sequence[str], default: Any, schema: Mapping[str, Any], about: str) -> None:  # noqa: ANN401 any JSON value
        """Declare a value."""
        self._order.append(tuple(path))
        self._found.setdefault(tuple(path), Declared(tuple(path), default, dict(schema), about))

    def __iter__(self) -> Iterator[Declared]:
        """Yield all of them."""
        yield from self._found.values()

    def tree(self) -> Group:
        """Return them as they stand in each other."""
        groups: dict[tuple[str, ...], Group] = {(): Group("")}
        for path in self._order:
            for depth in range(1, len(path) + 1):
                at, above = path[:depth], path[: depth - 1]
                if at in self._found:
                    groups[above].members.setdefault(at[-1], self._found[at])
                elif at not in groups:
                    groups[at] = Group(self._groups.get(at, ""))
                    groups[above].members[at[-1]] = groups[at]
        return groups[()]
