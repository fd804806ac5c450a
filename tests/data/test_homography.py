"""From the picture to the floor and back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from videoflow.data import Homography
from videoflow.errors import ShapeError

IMAGE = [(100, 900), (900, 900), (700, 300), (300, 300)]
FLOOR = [(0, 0), (8, 0), (8, 20), (0, 20)]


def pinhole(tilt: float, height_m: float, focal_px: float) -> Homography:
    """Return the map of a camera that looks down by ``tilt``: the truth, by optics.

    Pixel (x, y) looks along (x / f, y / f, 1), x to the right, y down; turned by the tilt it
    meets the floor ``height_m`` below.
    """
    sin, cos = math.sin(tilt), math.cos(tilt)
    down = [0.0, cos / focal_px, sin]
    ahead = [0.0, -sin / focal_px, cos]
    right = [1 / focal_px, 0.0, 0.0]
    return Homography(np.array([np.array(right) * height_m, np.array(ahead) * height_m, down]))


@settings(max_examples=50, deadline=None)
@given(st.floats(0.2, 1.3), st.floats(2, 10), st.floats(300, 2000), st.integers(4, 12))
def test_points_go_to_the_floor_and_back(
    tilt: float, height_m: float, focal_px: float, num: int
) -> None:
    """From four or more pairs the camera is found again, and both ways are right."""
    camera = pinhole(tilt, height_m, focal_px)
    angles = np.arange(num) * 2 * np.pi / num + 0.3
    image = 0.15 * focal_px * np.stack([np.cos(angles), np.sin(angles)], axis=1)

    found = Homography.from_points(image, camera.to_floor(image))

    inside = image * 0.5
    assert found.to_floor(inside) == pytest.approx(camera.to_floor(inside), abs=1e-6)
    assert found.to_image(found.to_floor(inside)) == pytest.approx(inside, abs=1e-6)


def test_more_points_even_out_their_errors() -> None:
    """A fit through many shaken points is nearer to the truth than one through four."""
    camera = pinhole(0.8, 4.0, 1000)
    rng = np.random.default_rng(0)
    image = rng.uniform(-300, 300, (40, 2))
    floor = camera.to_floor(image) + rng.normal(0, 0.05, (40, 2))

    few, many = (Homography.from_points(image[:n], floor[:n]) for n in (6, 40))

    place = np.array([[0.0, 0.0], [200, 200], [-200, 100]])
    errors = [np.abs(h.to_floor(place) - camera.to_floor(place)).max() for h in (few, many)]
    assert errors[1] < errors[0]
    assert errors[1] < 0.05


@pytest.mark.parametrize(
    ("image", "floor"),
    [
        pytest.param(IMAGE[:3], FLOOR[:3], id="three"),
        pytest.param([], [], id="none"),
        pytest.param(IMAGE, FLOOR[:3], id="not as many"),
        pytest.param([(5, 5)] * 4, FLOOR, id="one place"),
        pytest.param([(0, 0), (1, 0), (2, 0), (3, 0)], FLOOR, id="one line"),
        pytest.param([(0, 0), (1, 0), (2, 0), (5, 9)], FLOOR, id="three on a line"),
        pytest.param(IMAGE, [(0, 0), (4, 0), (8, 0), (0, 20)], id="three in a row"),
        pytest.param([IMAGE[0], IMAGE[0], *IMAGE[2:]], FLOOR, id="one twice"),
        pytest.param([IMAGE[0], IMAGE[2], IMAGE[1], IMAGE[3]], FLOOR, id="wrong order"),
        pytest.param([(math.nan, 0), *IMAGE[1:]], FLOOR, id="nan"),
        pytest.param([(1, 2, 3)] * 4, FLOOR, id="three coordinates"),
        pytest.param("abcd", FLOOR, id="text"),
    ],
)
def test_points_that_say_too_little_are_refused(image: object, floor: object) -> None:
    """Degenerate points are refused with what came and what is wanted."""
    with pytest.raises(ShapeError, match="homography"):
        Homography.from_points(image, floor)  # type: ignore[arg-type]


def test_above_the_horizon_is_no_floor() -> None:
    """On and above the horizon there is no floor, and no warning; nor behind the camera."""
    camera = pinhole(0.5, 4.0, 1000)
    horizon = -1000 * math.tan(0.5)

    places = camera.to_floor(
        [(0, horizon + 1), (0, horizon), (0, horizon - 1), (0, -1e38), (math.inf, 0)]
    )

    assert np.isnan(places).any(axis=1).tolist() == [False, True, True, True, True]
    assert np.isnan(camera.to_image([(0.0, -50.0)])).all()
    assert camera.to_floor(np.zeros((0, 2))).shape == (0, 2)


@pytest.mark.parametrize(
    "matrix",
    [np.zeros((3, 3)), np.eye(2), np.eye(3, dtype=np.float32), np.diag([1, 1, math.inf])],
    ids=["no inverse", "shape", "dtype", "inf"],
)
def test_a_matrix_that_is_no_map_is_refused(matrix: np.ndarray) -> None:
    """A homography checks its matrix."""
    with pytest.raises(ShapeError, match="homography"):
        Homography(matrix)
