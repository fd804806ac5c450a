from __future__ import annotations

import numpy as np
import pytest

from videoflow.vision.boxes import foot_points, height_modulated_iou, iou, usable


def test_usable_refuses_what_has_no_area() -> None:
    """A box counts when it is finite and its sides are positive."""
    nan = float("nan")
    boxes = np.array(
        [[0, 0, 1, 1], [0, 0, 0, 1], [0, 2, 1, 1], [nan, 0, 1, 1], [0, 0, np.inf, 1]]
    )

    assert usable(boxes).tolist() == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("other", "want"),
    [
        pytest.param([0, 0, 2, 2], 1.0, id="same"),
        pytest.param([1, 0, 3, 2], 1 / 3, id="half"),
        pytest.param([2, 0, 4, 2], 0.0, id="touching"),
        pytest.param([1, 1, 1, 1], 0.0, id="point"),
    ],
)
def test_iou(other: list[float], want: float) -> None:
    """Overlap is the shared area over the area of both."""
    assert iou(np.array([[0.0, 0, 2, 2]]), np.array([other]))[0, 0] == pytest.approx(want)


def test_nothing_overlaps_nothing() -> None:
    """No boxes give an empty table."""
    assert iou(np.zeros((0, 4)), np.zeros((3, 4))).shape == (0, 3)
    assert iou(np.zeros((1, 4)), np.zeros((1, 4))).tolist() == [[0.0]]


def test_foot_point_is_the_middle_of_the_lower_edge() -> None:
    """A person is the point where the feet are."""
    assert foot_points(np.array([[10.0, 0, 20, 50]])).tolist() == [[15.0, 50.0]]


def test_boxes_at_other_heights_overlap_less() -> None:
    """Half of the width shared leaves a third; half of the height shared, a ninth."""
    square = np.array([[0.0, 0, 2, 2]])

    assert height_modulated_iou(square, square).tolist() == [[1.0]]
    assert height_modulated_iou(square, square + np.array([1, 0, 1, 0]))[0, 0] == pytest.approx(
        1 / 3
    )
    assert height_modulated_iou(square, square + np.array([0, 1, 0, 1]))[0, 0] == pytest.approx(
        1 / 9
    )
    assert height_modulated_iou(square, square + np.array([0, 2, 0, 2])).tolist() == [[0.0]]
    assert height_modulated_iou(np.zeros((1, 4)), np.zeros((1, 4))).tolist() == [[0.0]]
