"""Squarified treemaps: rectangles whose areas are proportional to sizes, as square as possible.

Source: Bruls, Huizing, van Wijk: Squarified Treemaps, 2000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bundler.report.model import Image, shared_layers


@dataclass(frozen=True)
class Rectangle:
    """A rectangle; the unit is that of the area that it divides."""

    x: float
    y: float
    width: float
    height: float


WHOLE: Final = Rectangle(0, 0, 160, 90)
"""The picture's area; its sides have the ratio of 16 to 9."""


def squarify(sizes: Sequence[int], area: Rectangle) -> list[Rectangle]:
    """Divide `area` into a rectangle for each of `sizes`, which are positive and in descending order."""
    found: list[Rectangle] = []
    left = area
    rest = list(sizes)
    while rest:
        if min(left.width, left.height) <= 0:  # rounding: what is left is smaller than a float can tell
            return found + [Rectangle(left.x, left.y, 0, 0)] * len(rest)
        scale = left.width * left.height / sum(rest)
        side = min(left.width, left.height)
        count = 1
        while count < len(rest) and _worst(rest[: count + 1], scale, side) <= _worst(
            rest[:count], scale, side
        ):
            count += 1
        row, left = _lay(rest[:count], sum(rest), left)
        found += row
        rest = rest[count:]
    return found


def _worst(row: Sequence[int], scale: float, side: float) -> float:
    """Return the largest ratio of long to short sides if `row` is laid along `side`."""
    total = sum(row) * scale
    return max(side**2 * max(row) * scale / total**2, total**2 / (side**2 * min(row) * scale))


def _lay(row: Sequence[int], total: int, area: Rectangle) -> tuple[list[Rectangle], Rectangle]:
    """Lay `row` along the shorter side of `area`, which is for `total`; return it and what is left."""
    share = sum(row) / total
    along, found = 0.0, []
    if area.width >= area.height:
        width = area.width * share
        for size in row:
            height = area.height * size / sum(row)
            found.append(Rectangle(area.x, area.y + along, width, height))
            along += height
        return found, Rectangle(area.x + width, area.y, max(0.0, area.width - width), area.height)
    height = area.height * share
    for size in row:
        width = area.width * size / sum(row)
        found.append(Rectangle(area.x + along, area.y, width, height))
        along += width
    return found, Rectangle(area.x, area.y + height, area.width, max(0.0, area.height - height))


@dataclass(frozen=True)
class Tile:
    """A group of layers in the picture.

    Attributes:
        number: from 1; the table beside the picture has it too.
        name: image whose own layers these are; None for layers of several images.
        size: bytes.
        place: in percent of the picture.
        layers: sizes and places of the layers, in percent of this tile.
    """

    number: int
    name: str | None
    size: int
    place: Rectangle
    layers: tuple[tuple[int, Rectangle], ...]


def draw(images: Sequence[Image]) -> list[Tile]:
    """Return a tile for the own layers of each image, and one for shared layers, the largest first.

    Images without known layers are one piece. Nothing without bytes is drawn.
    """
    shared = {each.layer: each.layer.size for each in shared_layers(images)}
    groups: list[tuple[str | None, list[int]]] = [(None, list(shared.values()))]
    for image in images:
        own = [layer.size for layer in dict.fromkeys(image.layers) if layer not in shared]
        groups.append((image.name, own if image.layers else [image.size]))
    filled = [(name, sorted((size for size in sizes if size), reverse=True)) for name, sizes in groups]
    order = sorted(
        ((name, sizes) for name, sizes in filled if sizes), key=lambda each: (-sum(each[1]), each[0] or "")
    )
    tiles = []
    places = squarify([sum(sizes) for _, sizes in order], WHOLE)
    for number, ((name, sizes), place) in enumerate(zip(order, places, strict=True), 1):
        inner = zip(sizes, squarify(sizes, place), strict=True)
        layers = tuple((size, _percent(each, place)) for size, each in inner)
        tiles.append(Tile(number, name, sum(sizes), _percent(place, WHOLE), layers))
    return tiles


def _percent(place: Rectangle, area: Rectangle) -> Rectangle:
    """Return `place` in percent of `area`, to a ten-thousandth of it."""
    across, down = 100 / (area.width or 1), 100 / (area.height or 1)
    return Rectangle(
        round((place.x - area.x) * across, 2),
        round((place.y - area.y) * down, 2),
        round(place.width * across, 2),
        round(place.height * down, 2),
    )
