"""Lines and polygons: what is one, and how it is written."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from videoflow.data import HeatMap, Line, Polygon, Speeds, Stamp
from videoflow.data.homography import Homography
from videoflow.errors import ShapeError

SQUARE = ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0))


@pytest.mark.parametrize(
    "numbers",
    [[0, 5, 9, 5], ((0, 5), (9, 5)), [[0.0, 5.0], (9, 5)], np.array([[0, 5], [9, 5]])],
    ids=["flat", "points", "lists", "array"],
)
def test_a_line_is_four_numbers_or_two_points(numbers: Any) -> None:
    """However it is written, it is the same line; a line is itself."""
    assert Line.of(numbers) == Line((0, 5), (9, 5)) == Line.of(Line((0, 5), (9, 5)))


@pytest.mark.parametrize(
    "numbers",
    [
        [],
        [1, 2],
        [1, 2, 3],
        [1, 2, 1, 2],
        [1, 2, 3, 4, 5, 6],
        "abcd",
        7,
        None,
        [1, math.nan, 3, 4],
    ],
    ids=str,
)
def test_what_is_no_line_is_refused(numbers: Any) -> None:
    """The message says what came."""
    with pytest.raises(ShapeError, match=r"want|finite"):
        Line.of(numbers)


def test_a_polygon_is_its_corners() -> None:
    """Corners in a row or in pairs, either way round."""
    flat = [0, 0, 4, 0, 4, 4, 0, 4]

    assert Polygon.of(flat) == Polygon.of(SQUARE) == Polygon.of(Polygon(SQUARE))
    assert (Polygon(SQUARE).area, Polygon(SQUARE[::-1]).area) == (16, 16)
    assert Polygon(SQUARE).edges[-1] == ((0.0, 4.0), (0.0, 0.0))


@pytest.mark.parametrize(
    "corners",
    [
        pytest.param((), id="none"),
        pytest.param(SQUARE[:2], id="two"),
        pytest.param((*SQUARE, SQUARE[-1]), id="twice in a row"),
        pytest.param((*SQUARE, SQUARE[0]), id="closed by hand"),
        pytest.param((SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]), id="crossing edges"),
        pytest.param(((0.0, 0.0), (1.0, 1.0), (2.0, 2.0)), id="no area"),
        pytest.param(((0.0, 0.0), (1.0, math.inf), (2.0, 0.0)), id="inf"),
    ],
)
def test_a_polygon_that_is_none_is_refused(corners: tuple[tuple[float, float], ...]) -> None:
    """Corners that enclose no simple area are refused with what is wrong about them."""
    with pytest.raises(ShapeError, match="polygon"):
        Polygon(corners)


def test_arrays_that_do_not_fit_are_refused() -> None:
    """Heat maps and speeds check their shapes."""
    stamp = Stamp("cam", 0, 0.0, (40, 60))
    good, bad = np.zeros((2, 2), np.float32), np.zeros((1, 2), np.float32)
    floor = Homography(np.eye(3))

    assert HeatMap(stamp, np.zeros((3, 4), np.float32), 16).grid_hw((40, 60), 16) == (3, 4)
    with pytest.raises(ShapeError, match="seconds"):
        HeatMap(stamp, np.zeros((2, 4), np.float32), 16)
    with pytest.raises(ShapeError, match="cell_px"):
        HeatMap(stamp, good, 0)
    with pytest.raises(ShapeError, match="velocities_mps"):
        Speeds(stamp, np.array([1, 2]), good, good, bad, floor)
