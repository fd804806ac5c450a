"""Inside or outside, and how far from the rim."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.walkers import F64
from videoflow.data import Polygon
from videoflow.vision.counting.rim import Rims

L_SHAPE = Polygon(((0, 0), (10, 0), (10, 4), (4, 4), (4, 10), (0, 10)))


@pytest.mark.parametrize(
    ("point", "want"),
    [
        pytest.param((2, 2), 2.0, id="inside"),
        pytest.param((3, 3), math.sqrt(2), id="nearest to the hollow corner"),
        pytest.param((7, 7), -3.0, id="in the hollow"),
        pytest.param((13, 14), -math.hypot(9, 4), id="outside"),
        pytest.param((13, -4), -5.0, id="nearest to a corner"),
        pytest.param((4, 7), 0.0, id="on an edge"),
        pytest.param((10, 4), 0.0, id="on a corner"),
        pytest.param((-5, 4), -5.0, id="level with two corners"),
    ],
)
@pytest.mark.parametrize("is_turned", [False, True])
def test_inside_and_outside(point: tuple[float, float], want: float, is_turned: bool) -> None:
    """A hollow shape has one inside, whichever way round its corners are given."""
    zone = Polygon(L_SHAPE.points[::-1]) if is_turned else L_SHAPE

    distances = Rims([zone]).signed_distances(np.array([point], np.float64))

    assert distances[0, 0] == pytest.approx(want, abs=1e-12)


def test_several_zones_and_nobody() -> None:
    """There is a column for each zone, and a row for each point, if any."""
    rims = Rims([L_SHAPE, Polygon(((20, 0), (30, 0), (25, 9)))])

    assert rims.signed_distances(np.zeros((0, 2))).shape == (0, 2)
    assert (rims.signed_distances(np.array([[25.0, 2.0], [1, 1]])) > 0).tolist() == [
        [False, True],
        [True, False],
    ]


def winding(corners: F64, point: F64) -> int:
    """Return how often the rim goes round ``point``: the sum of the angles, by whole turns."""
    rays = corners - point
    angles = np.arctan2(rays[:, 1], rays[:, 0])
    steps = np.diff(np.append(angles, angles[0]))
    return round(float(((steps + np.pi) % (2 * np.pi) - np.pi).sum() / (2 * np.pi)))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(1, 50), min_size=3, max_size=12),
    st.floats(-60, 60),
    st.floats(-60, 60),
)
def test_inside_is_where_the_rim_goes_round(radii: list[float], x: float, y: float) -> None:
    """The side is that of the winding number, and the distance that to the nearest point."""
    angles = np.arange(len(radii)) * 2 * np.pi / len(radii)
    corners = np.array(radii)[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    zone = Polygon(tuple((float(a), float(b)) for a, b in corners))
    share = np.linspace(0, 1, 2000)[:, None, None]
    points = (corners + share * (np.roll(corners, -1, axis=0) - corners)).reshape(-1, 2)
    place = np.array([x, y])
    nearest = float(np.hypot(*(points - place).T).min())

    distance = float(Rims([zone]).signed_distances(place[None])[0, 0])

    assert abs(distance) == pytest.approx(nearest, abs=0.05)
    if nearest > 1e-6:
        assert (distance > 0) == (abs(winding(corners, place)) == 1)
