"""Values of Compose documents that know where they stand: mappings and lists with the place of each item."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from bundler.errors import BundleError

Value = Any
"""A YAML value: `Map`, `Items`, text, number, truth value or None."""
Path = tuple[str, ...]
"""Keys from the top of a document. An item of a list is `[]`."""
ITEM = "[]"
Keys = tuple[str | int, ...]
"""The same with the numbers of the items."""
_GO_SMALL, _GO_LARGE = 4, 6
"""Powers of ten from which Go prints a float with an exponent."""


class Place(NamedTuple):
    """Where a value stands.

    Attributes:
        file: path of the file, as messages show it.
        line: number of the line, from 1.
    """

    file: str
    line: int

    def __str__(self) -> str:
        """As in messages: `compose.yaml:7`."""
        return f"{self.file}:{self.line}"


class Map(dict[str, Any]):
    """A mapping, with the place of each key."""

    def __init__(
        self, values: Mapping[str, Any] | None = None, places: Mapping[str, Place] | None = None
    ) -> None:
        """Begin with values, whose places are those of `values` unless `places` says others."""
        super().__init__(values or {})
        self.places: dict[str, Place] = dict(values.places if isinstance(values, Map) else {})
        self.places.update(places or {})

    def put(self, key: str, value: Value, place: Place | None) -> None:
        """Set a value with its place."""
        self[key] = value
        if place is not None:
            self.places[key] = place


class Items(list[Any]):
    """A list, with the place of each item."""

    def __init__(self, values: Iterable[Any] = (), places: Iterable[Place | None] = ()) -> None:
        """Begin with values; items without a place have none."""
        super().__init__(values)
        known = list(values.places if isinstance(values, Items) else places)
        self.places: list[Place | None] = known + [None] * (len(self) - len(known))

    def add(self, value: Value, place: Place | None) -> None:
        """Append a value with its place."""
        self.append(value)
        self.places.append(place)

    def put(self, index: int, value: Value, place: Place | None) -> None:
        """Replace a value and its place."""
        self[index] = value
        self.places[index] = place

    def pairs(self) -> list[tuple[Any, Place | None]]:
        """Return the values with their places."""
        return list(zip(self, self.places, strict=True))


def clone(value: Value) -> Value:
    """Return a copy that shares no mapping or list."""
    if isinstance(value, Map):
        return Map({key: clone(item) for key, item in value.items()}, value.places)
    if isinstance(value, Items):
        return Items([clone(item) for item in value], value.places)
    return value


def place_of(root: Value, keys: Sequence[str | int]) -> Place | None:
    """Return the place of the value at `keys`, or of its nearest parent that has one."""
    place: Place | None = None
    value = root
    for key in keys:
        if isinstance(value, Mapping) and str(key) in value:
            place = (value.places.get(str(key)) if isinstance(value, Map) else None) or place
            value = value[str(key)]
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            place = (value.places[key] if isinstance(value, Items) else None) or place
            value = value[key]
        else:
            break
    return place


def describe(root: Value, keys: Sequence[str | int], file: str) -> str:
    """Return where a value stands, or its nearest parent: `compose.yaml:7: services.web.image`.

    Args:
        root: the document.
        keys: where the value stands; `ITEM` for an item whose number is not known.
        file: stands for the place if no parent has one.
    """
    return f"{place_of(root, keys) or file}: {shown(keys)}"


def shown(keys: Sequence[str | int]) -> str:
    """Return keys as messages show them; an item whose number is not known is left out."""
    return ".".join(str(key) for key in keys if key != ITEM)


class FormError(BundleError):
    """A value has a form that Compose refuses.

    Attributes:
        keys: of the value, for the caller, who knows its file and line; `ITEM` for an unknown item of a list.
    """

    def __init__(self, keys: Sequence[str | int], message: str, hint: str | None = None) -> None:
        """Say what is wrong with the value at `keys`."""
        super().__init__(message, hint=hint)
        self.keys = tuple(keys)

    def of_item(self, path: Path, index: int) -> FormError:
        """Return the error with the number of the item, where it is below an item of the list at `path`."""
        if self.keys[: len(path) + 1] != (*path, ITEM):
            return self
        return FormError((*path, index, *self.keys[len(path) + 1 :]), self.message, self.hint)

    def shown(self) -> str:
        """Return the message with the keys, without file and line."""
        return f"{shown(self.keys)}: {self.message}"


class Patterns:
    """A table of values by patterns of paths, in which `*` stands for any one key or item."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        """Take patterns such as `services.*.ports`; where several match, the first counts."""
        self._top = _Node()
        for order, (pattern, value) in enumerate(table.items()):
            node = self._top
            for part in pattern.split("."):
                node = node.below.setdefault(part, _Node())
            node.found = (order, value)

    def find(self, path: Path) -> Any:  # noqa: ANN401 what the table holds
        """Return the value of the first pattern that matches, or None."""
        nodes = [self._top]
        for key in path:
            nodes = _step(nodes, key)
            if not nodes:
                return None
        return _first(nodes)

    def find_above(self, path: Path) -> Any:  # noqa: ANN401 likewise
        """Return the value of the shortest beginning of a path that a pattern matches, or None."""
        nodes = [self._top]
        for key in path:
            nodes = _step(nodes, key)
            if (found := _first(nodes)) is not None or not nodes:
                return found
        return None


class _Node:
    """A place in the tree of patterns.

    Attributes:
        below: the places below it, by the part of the pattern.
        found: number and value of the pattern that ends here.
    """

    __slots__ = ("below", "found")

    def __init__(self) -> None:
        self.below: dict[str, _Node] = {}
        self.found: tuple[int, Any] | None = None


def _step(nodes: list[_Node], key: str) -> list[_Node]:
    return [node.below[part] for node in nodes for part in (key, "*") if part in node.below]


def _first(nodes: list[_Node]) -> Any:  # noqa: ANN401 likewise
    found = [node.found for node in nodes if node.found is not None]
    return min(found, key=lambda each: each[0])[1] if found else None


def go_text(value: Value) -> str:
    """Return a scalar as Go prints it with `%v`, which is how Compose makes texts of numbers."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "<nil>"
    return _float_text(value) if isinstance(value, float) else str(value)


def _float_text(value: float) -> str:
    """Return a float as Go prints it: few digits, and an exponent below 1e-4 and from 1e6 on."""
    if not math.isfinite(value):
        return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}[str(value)]
    _, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    power = len(digits) - 1 + int(exponent)
    if value and not -_GO_SMALL <= power < _GO_LARGE:
        fraction = "".join(map(str, digits[1:]))
        sign = "-" if value < 0 else ""
        return f"{sign}{digits[0]}{'.' + fraction if fraction else ''}e{power:+03d}"
    return f"{Decimal(repr(value)):f}".removesuffix(".0")
