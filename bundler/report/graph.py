"""The picture of services and networks: a row for each service, a vertical line for each network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bundler.report.model import Network, Port, Service
from bundler.terminal.table import width

ROW: Final = 44
HEAD: Final = 48
COLUMN: Final = 8.6
"""Width of one column of text; Chinese characters take two columns."""
SMALL_COLUMN: Final = 7.2
"""The same in small text: ports, modes."""
ARROW: Final = 36
"""Room between the ports and the boxes."""
GAP: Final = 12
"""Room between the boxes and the first network, and around what stands there."""
LONGEST_BOX: Final = 22
LONGEST_HEAD: Final = 14
LONGEST_PORTS: Final = 17
"""Most columns of text; what is longer is shortened."""


@dataclass(frozen=True)
class Row:
    """A service: its line in the picture.

    Attributes:
        y: middle of the row.
        label: name, shortened to the box.
        ports: published ports, shortened; empty if there are none.
        joined: x of each network that it joins.
        mode: `network_mode` if it joins none.
    """

    y: int
    label: str
    ports: str
    joined: tuple[int, ...]
    mode: str | None


@dataclass(frozen=True)
class Line:
    """A network: its line in the picture, from the first to the last row."""

    x: int
    label: str
    dashed: bool


@dataclass(frozen=True)
class Graph:
    """The picture, as narrow as its texts allow; all numbers are in units of its own coordinates.

    Attributes:
        left: left edge of the boxes.
        box: width of the boxes.
    """

    width: int
    height: int
    left: int
    box: int
    rows: tuple[Row, ...]
    lines: tuple[Line, ...]


def draw(services: Sequence[Service], networks: Sequence[Network], ports: Sequence[Port]) -> Graph:
    """Return the picture, in the order of the document. Networks without a way out are dashed."""
    published: dict[str, list[str]] = {}
    for port in ports:
        published.setdefault(port.service, []).append(port.port)
    names = [shorten(each.name, LONGEST_BOX) for each in services]
    numbers = [
        shorten(", ".join(dict.fromkeys(published.get(each.name, ()))), LONGEST_PORTS) for each in services
    ]
    modes = [shorten(each.mode, LONGEST_HEAD) if each.mode else None for each in services]
    heads = [shorten(each.name, LONGEST_HEAD) for each in networks]
    room = _widest(numbers, SMALL_COLUMN)
    left = room + ARROW if room else 4
    box = max(60, _widest(names, COLUMN) + 20)
    step = max(56, _widest(heads, COLUMN) + 14)
    beside = _widest(filter(None, modes), SMALL_COLUMN)
    right = left + box + GAP + (beside + GAP if beside and networks else beside)
    places = {each.name: right + step // 2 - GAP + step * number for number, each in enumerate(networks)}
    rows = tuple(
        Row(
            HEAD + ROW * number + ROW // 2,
            names[number],
            numbers[number],
            tuple(sorted(places[name] for name in service.networks if name in places)),
            modes[number],
        )
        for number, service in enumerate(services)
    )
    lines = tuple(
        Line(places[each.name], head, each.internal) for each, head in zip(networks, heads, strict=True)
    )
    return Graph(right + step * len(lines), HEAD + ROW * len(rows) + 12, left, box, rows, lines)


def _widest(texts: Iterable[str], column: float) -> int:
    return round(max((width(text) for text in texts), default=0) * column)


def shorten(text: str, columns: int) -> str:
    """Return `text` with at most this many columns, ended by an ellipsis if something is left out."""
    if width(text) <= columns:
        return text
    kept, used = "", 1
    for character in text:
        used += width(character)
        if used > columns:
            break
        kept += character
    return kept + "…"
