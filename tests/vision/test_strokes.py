"""Lines and dots."""

from __future__ import annotations

import numpy as np
import pytest

from videoflow.vision.strokes import along, rasterise

SIZE = (120, 160)


def test_a_stroke_covers_its_area() -> None:
    """The shares of a line add up to length x thickness and its round ends, at both scales."""
    points = np.array([[20.0, 20.0], [90.0, 71.0]])

    stroke = rasterise(along(points), thickness_px=4, size_hw=SIZE)

    want = 4 * np.hypot(70, 51) + np.pi * 4
    assert stroke.samples[0][2].sum() / 256 == pytest.approx(want, rel=0.02)
    assert 4 * stroke.samples[1][2].sum() / 256 == pytest.approx(want, rel=0.02)


@pytest.mark.parametrize("diameter", [3.0, 8.0, 21.0])
def test_a_dot_is_round(diameter: float) -> None:
    """A segment of no length is a disc with a soft rim."""
    dot = np.array([[[60.3, 50.7], [60.3, 50.7]]])

    stroke = rasterise(dot, thickness_px=diameter, size_hw=SIZE)

    rows, columns, shares = stroke.samples[0]
    assert shares.sum() / 256 == pytest.approx(np.pi * diameter**2 / 4, rel=0.05)
    assert (shares[shares < 256] > 0).any()
    assert np.hypot(rows + 0.5 - 50.7, columns + 0.5 - 60.3).max() < diameter / 2 + 0.5


def test_each_sample_comes_once() -> None:
    """Where segments overlap, a sample has the share of the one that covers it most."""
    cross = np.array([[[10.0, 10], [50, 50]], [[10, 50], [50, 10]], [[10, 10], [50, 50]]])

    stroke = rasterise(
        cross, thickness_px=5, size_hw=SIZE, opacities=np.array([0.5, 1.0, 0.25])
    )

    for rows, columns, _ in stroke.samples:
        assert len(np.unique(rows * 1000 + columns)) == len(rows)
    rows, columns, shares = stroke.samples[0]
    middle = (rows == 30) & (columns == 30)
    assert shares[middle].tolist() == [256]
    assert shares[(rows == 15) & (columns == 15)].tolist() == [128]


@pytest.mark.parametrize(
    "segment",
    [
        pytest.param([[-90.0, 5], [-40, 5]], id="beside"),
        pytest.param([[np.nan, 5], [40, 5]], id="not a number"),
        pytest.param([[np.inf, 5], [40, 5]], id="infinite"),
        pytest.param([[1e30, 5], [40, 5]], id="far"),
    ],
)
def test_what_is_outside_is_empty(segment: list[list[float]]) -> None:
    """What has no place in the picture covers nothing, and warns of nothing."""
    stroke = rasterise(np.array([segment]), thickness_px=4, size_hw=SIZE)

    assert [len(part) for samples in stroke.samples for part in samples] == [0] * 6


def test_no_segments() -> None:
    """No segments cover nothing."""
    stroke = rasterise(np.zeros((0, 2, 2)), thickness_px=4, size_hw=SIZE)

    assert not len(stroke.samples[0][0])


@pytest.mark.parametrize("size", [(8, 8), (9, 5), (16, 16), (121, 161)])
def test_a_stroke_stays_in_the_picture(size: tuple[int, int]) -> None:
    """No sample lies outside, however small or odd the picture."""
    points = np.array([[-20.0, -9], [200, 150], [3, 4]])

    stroke = rasterise(along(points), thickness_px=6, size_hw=size)

    for scale, (rows, columns, shares) in enumerate(stroke.samples, start=1):
        assert len(rows) > 0
        assert rows.min() >= 0
        assert columns.min() >= 0
        assert rows.max() < -(-size[0] // scale)
        assert columns.max() < -(-size[1] // scale)
        assert shares.max() <= 256
