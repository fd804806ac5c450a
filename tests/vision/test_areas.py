"""Filled shapes."""

from __future__ import annotations

import numpy as np
import pytest

from videoflow.vision.areas import mask_area, polygon_area

SIZE = (60, 80)


@pytest.mark.parametrize(
    ("points", "want"),
    [
        pytest.param([(10, 10), (30, 10), (30, 25), (10, 25)], 300.0, id="whole pixels"),
        pytest.param([(10.5, 10.25), (30, 10.25), (30, 25), (10.5, 25)], 287.625, id="parts"),
        pytest.param([(5, 5), (75, 20), (40, 55)], 1487.5, id="triangle"),
        pytest.param([(-500, -500), (900, -500), (900, 900), (-500, 900)], 4800.0, id="around"),
        pytest.param([(60, 10), (200, 10), (200, 30), (60, 30)], 400.0, id="cut off"),
        pytest.param([(100, 10), (200, 10), (150, 30)], 0.0, id="outside"),
        pytest.param([(5, 5), (5, 5), (5, 5)], 0.0, id="a point"),
    ],
)
@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_polygon_covers_its_area(
    points: list[tuple[float, float]], want: float, is_reversed: bool
) -> None:
    """The shares add up to the area within the picture, at both scales, either way round."""
    area = polygon_area(points[::-1] if is_reversed else points, SIZE)

    assert area.shares[0].sum() / 256 == pytest.approx(want, rel=0.005)
    assert area.shares[1].sum() / 64 == pytest.approx(want, rel=0.005)


def test_a_polygon_has_soft_edges() -> None:
    """A slanted edge passes through many levels, the inside is full."""
    area = polygon_area([(5, 5), (75, 20), (40, 55)], SIZE)

    assert len(np.unique(area.shares[0])) > 20
    assert (area.shares[0] == 256).sum() > 1200


@pytest.mark.parametrize("corner", [(0, 0), (7, 4), (6, 5), (7, 5)])
def test_a_mask_covers_its_pixels(corner: tuple[int, int]) -> None:
    """Each pixel of a mask is full, each chroma sample has its share, at odd corners too."""
    crop = np.random.default_rng(1).random((9, 13)) > 0.5
    picture = np.zeros((30, 40))
    x, y = corner
    picture[y : y + 9, x : x + 13] = crop

    area = mask_area(crop, corner)

    height, width = area.shares[0].shape
    rows, columns = slice(area.top, area.top + height), slice(area.left, area.left + width)
    assert (area.shares[0] == 256 * picture[rows, columns]).all()
    halved = picture[rows, columns].reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    assert (area.shares[1] == 256 * halved).all()


def test_an_empty_mask() -> None:
    """A crop of no size covers nothing."""
    area = mask_area(np.zeros((0, 0), np.bool_), (4, 6))

    assert area.shares[0].size == area.shares[1].size == 0
