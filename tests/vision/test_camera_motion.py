from __future__ import annotations

import numpy as np
import pytest

from videoflow.errors import ShapeError
from videoflow.vision.camera_motion import estimate_warp, shift_of_boxes


def scenery(seed: int = 0) -> np.ndarray:
    """A smooth random picture, uint8 [200, 300]."""
    noise = np.random.default_rng(seed).uniform(0, 255, (200, 300))
    for axis in (0, 1):
        for _ in range(4):
            noise = (noise + np.roll(noise, 1, axis)) / 2
    return noise.astype(np.uint8)


@pytest.mark.parametrize(
    "shift", [pytest.param(s, id=str(s)) for s in [(0, 0), (7, 0), (-12, 5), (3, -20)]]
)
def test_a_shift_is_found_in_the_pictures(shift: tuple[int, int]) -> None:
    """What the later picture shows further right and down is a positive shift."""
    x, y = shift
    big = scenery()
    before, after = big[40:160, 60:240], big[40 - y : 160 - y, 60 - x : 240 - x]

    warp = estimate_warp(before, after)

    np.testing.assert_allclose(warp, [[1, 0, x], [0, 1, y]], atol=0.35)


def test_pictures_without_anything_did_not_move() -> None:
    """Two flat pictures give the identity."""
    warp = estimate_warp(np.full((32, 32), 9, np.uint8), np.full((32, 32), 200, np.uint8))

    np.testing.assert_array_equal(warp, np.eye(2, 3))


@pytest.mark.parametrize(
    "shapes",
    [
        pytest.param(((20, 20), (20, 21)), id="two sizes"),
        pytest.param(((20, 20, 3), (20, 20, 3)), id="colour"),
        pytest.param(((8, 8), (8, 8)), id="too small"),
    ],
)
def test_other_than_two_planes_are_refused(shapes: tuple[tuple[int, ...], ...]) -> None:
    """Pictures that cannot be compared are an error that names their shapes."""
    with pytest.raises(ShapeError, match="want two planes"):
        estimate_warp(np.zeros(shapes[0]), np.zeros(shapes[1]))


def test_boxes_that_all_moved_tell_of_the_camera() -> None:
    """The shift of most is the camera's; the one who runs is not heard."""
    expected = np.random.default_rng(0).uniform(0, 500, (8, 4))
    noise = np.random.default_rng(1).normal(0, 0.5, (8, 4))
    seen = expected + np.array([12, -3, 12, -3]) + noise
    seen[0] += 80

    shift = shift_of_boxes(expected, seen)

    assert shift is not None
    np.testing.assert_allclose(shift, [12, -3], atol=1)


@pytest.mark.parametrize(
    "num",
    [
        pytest.param(n, id=n_id)
        for n, n_id in [(0, "none"), (1, "one"), (4, "few"), (30, "many")]
    ],
)
def test_boxes_that_went_their_own_ways_tell_nothing(num: int) -> None:
    """Without a common shift, or with too few boxes, there is nothing to say."""
    expected = np.zeros((num, 4))
    way = np.linspace(-9, 9, num)[:, None]

    assert shift_of_boxes(expected, expected + way) is None
