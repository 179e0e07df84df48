"""The picture of services and networks: a row for each service, a vertical line for each network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bundler.report.model import Network, Port, Service
from bundler.terminal.table import width

ROW: Final = 44
HEAD: Final = 48
LEFT: Final = 150
"""Room for published ports, left of the boxes."""
BOX: Final = 190
STEP: Final = 120
"""Distance between two networks."""
LONGEST_BOX: Final = 22
LONGEST_HEAD: Final = 14
LONGEST_PORTS: Final = 17
"""Columns of text that the room allows; Chinese characters take two."""


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
    """The picture; all numbers are in units of its own coordinates."""

    width: int
    height: int
    rows: tuple[Row, ...]
    lines: tuple[Line, ...]


def draw(services: Sequence[Service], networks: Sequence[Network], ports: Sequence[Port]) -> Graph:
    """Return the picture, in the order of the document. Networks without a way out are dashed."""
    places = {network.name: LEFT + BOX + 70 + STEP * number for number, network in enumerate(networks)}
    published: dict[str, list[str]] = {}
    for port in ports:
        published.setdefault(port.service, []).append(port.port)
    rows = tuple(
        Row(
            HEAD + ROW * number + ROW // 2,
            shorten(service.name, LONGEST_BOX),
            shorten(", ".join(dict.fromkeys(published.get(service.name, ()))), LONGEST_PORTS),
            tuple(sorted(places[name] for name in service.networks if name in places)),
            shorten(service.mode, LONGEST_HEAD) if service.mode else None,
        )
        for number, service in enumerate(services)
    )
    lines = tuple(
        Line(places[each.name], shorten(each.name, LONGEST_HEAD), each.internal) for each in networks
    )
    return Graph(LEFT + BOX + 70 + STEP * max(1, len(lines)), HEAD + ROW * len(rows) + 12, rows, lines)


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
