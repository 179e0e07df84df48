"""The picture of sizes: areas are proportional to bytes, and nothing overlaps."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.report.treemap import WHOLE, Rectangle, draw, squarify
from tests.support.report_samples import blob, image

SIZES = st.lists(st.integers(1, 10**11), min_size=1, max_size=60).map(lambda sizes: sorted(sizes)[::-1])
SPACE = WHOLE.width * WHOLE.height


def overlap(one: Rectangle, two: Rectangle) -> float:
    """Return the area that two rectangles have in common."""
    across = min(one.x + one.width, two.x + two.width) - max(one.x, two.x)
    down = min(one.y + one.height, two.y + two.height) - max(one.y, two.y)
    return max(0.0, across) * max(0.0, down)


@given(SIZES)
def test_areas_are_proportional_to_sizes(sizes: list[int]) -> None:
    found = squarify(sizes, WHOLE)
    assert len(found) == len(sizes)
    for size, each in zip(sizes, found, strict=True):
        assert each.width * each.height == pytest.approx(SPACE * size / sum(sizes), rel=1e-3, abs=1e-6)


@given(SIZES)
def test_rectangles_are_inside_and_do_not_overlap(sizes: list[int]) -> None:
    found = squarify(sizes, WHOLE)
    for number, each in enumerate(found):
        assert -1e-9 <= each.x <= each.x + each.width <= WHOLE.width + 1e-6
        assert -1e-9 <= each.y <= each.y + each.height <= WHOLE.height + 1e-6
        assert all(overlap(each, other) < 1e-6 for other in found[:number])


def test_the_example_of_the_paper() -> None:
    """Bruls et al., figure 4: 6, 6, 4, 3, 2, 2, 1 in a rectangle of 6 by 4."""
    found = squarify([6, 6, 4, 3, 2, 2, 1], Rectangle(0, 0, 6, 4))
    assert [(each.width, each.height) for each in found[:2]] == [(3, 2), (3, 2)]
    assert found[2].width == pytest.approx(12 / 7)
    assert found[2].height == pytest.approx(7 / 3)


def test_a_layer_of_several_images_is_drawn_once_and_apart() -> None:
    shared = blob("base", 5000)
    tiles = draw([image("a", shared, blob("a", 9000)), image("b", shared, blob("b", 100), blob("b2", 0))])
    assert [(tile.number, tile.name, tile.size) for tile in tiles] == [
        (1, "a", 9000),
        (2, None, 5000),
        (3, "b", 100),
    ]
    assert sum(tile.place.width * tile.place.height for tile in tiles) == pytest.approx(10_000, abs=5)


def test_an_image_without_known_layers_is_one_piece() -> None:
    (tile,) = draw([image("exported")])
    assert (tile.name, tile.size, len(tile.layers)) == ("exported", 1000, 1)


def test_layers_fill_their_tile_from_the_largest() -> None:
    (tile,) = draw([image("a", blob("x", 100), blob("y", 300), blob("z", 200))])
    assert [size for size, _ in tile.layers] == [300, 200, 100]
    areas = [place.width * place.height for _, place in tile.layers]
    assert sum(areas) == pytest.approx(10_000, abs=5)
    assert all(one > two for one, two in pairwise(areas))


def test_nothing_is_drawn_of_nothing() -> None:
    assert draw([]) == []
