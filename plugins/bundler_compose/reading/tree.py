"""Values of Compose documents that know where they stand: mappings and lists with the place of each item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

Value = Any
"""A YAML value: `Map`, `Items`, text, number, truth value or None."""
Path = tuple[str, ...]
"""Keys from the top of a document. An item of a list is `[]`."""
ITEM = "[]"


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
    shown = ".".join(str(key) for key in keys if key != ITEM)
    return f"{place_of(root, keys) or file}: {shown}"


class Patterns:
    """A table of values by patterns of paths, in which `*` stands for any one key or item."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        """Take patterns such as `services.*.ports`."""
        self._by_length: dict[int, list[tuple[Path, Any]]] = {}
        for pattern, value in table.items():
            parts = tuple(pattern.split("."))
            self._by_length.setdefault(len(parts), []).append((parts, value))

    def find(self, path: Path) -> Any:  # noqa: ANN401 what the table holds
        """Return the value of the first pattern that matches, or None."""
        for pattern, value in self._by_length.get(len(path), ()):
            if all(part in ("*", key) for part, key in zip(pattern, path, strict=True)):
                return value
        return None


def go_text(value: Value) -> str:
    """Return a scalar as Go prints it with `%v`, which is how Compose makes texts of numbers."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "<nil>"
    if isinstance(value, float):
        text = repr(value)
        if "e" not in text and text.endswith(".0"):
            return text[:-2] if abs(value) < 1e21 else f"{value:e}"  # noqa: PLR2004 Go's limit for %g
        return text
    return str(value)
