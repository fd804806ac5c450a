from __future__ import annotations

import numpy as np
import pytest

from videoflow.vision.assignment import assign
from videoflow.vision.boxes import foot_points, iou, usable


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


def test_the_gate_takes_part_in_the_optimum() -> None:
    """Two pairs below the gate beat one cheap pair and one above it."""
    cost = np.array([[0.1, 0.6], [0.6, 2.0]])

    rows, columns = assign(cost, max_cost=0.9)

    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 0)]
    rows, columns = assign(cost, max_cost=2.0)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 1), (1, 0)]


@pytest.mark.parametrize(
    "cost",
    [
        pytest.param(np.zeros((0, 0)), id="empty"),
        pytest.param(np.zeros((0, 3)), id="no rows"),
        pytest.param(np.array([[np.inf, np.nan]]), id="never"),
        pytest.param(np.array([[0.5]]), id="at the gate"),
    ],
)
def test_nobody_is_paired(cost: np.ndarray) -> None:
    """Empty, infinite and gated costs pair nobody."""
    rows, columns = assign(cost, max_cost=0.5)

    assert len(rows) == len(columns) == 0
