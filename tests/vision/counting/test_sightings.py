"""Who counts in a frame, and where."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.walkers import frame, tracks_of
from videoflow.data import Stamp, Tracks
from videoflow.vision.counting.sightings import Sightings, label_array

STAMP = Stamp("cam", 0, 0.0, (100, 100))


def boxed(*boxes: list[float]) -> Tracks:
    num = len(boxes)
    return Tracks(
        STAMP,
        np.arange(1, num + 1),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.ones(num, np.float32),
        np.zeros(num, np.int64),
    )


def test_the_point_is_where_the_feet_are() -> None:
    """The point is the middle of the lower edge."""
    seen = Sightings.of(boxed([10, 20, 30, 60]), None)

    assert (seen.feet.tolist(), seen.heights.tolist()) == ([[20, 60]], [40])


def test_a_point_may_lie_outside_the_picture() -> None:
    """A box that reaches outside keeps its point."""
    seen = Sightings.of(boxed([-40, 50, -20, 150]), None)

    assert seen.feet.tolist() == [[-30, 150]]


def test_ids_below_1_are_passed_over() -> None:
    """Unconfirmed people do not count."""
    seen = Sightings.of(frame(0, {0: (1, 50), -1: (2, 50), 5: (3, 50)}), None)

    assert (seen.ids.tolist(), seen.rows.tolist()) == ([5], [2])


@pytest.mark.parametrize(
    "box",
    [
        pytest.param([math.nan, 0, 10, 10], id="nan"),
        pytest.param([0, 0, math.inf, 10], id="inf"),
        pytest.param([-math.inf, 0, math.inf, 10], id="both inf"),
        pytest.param([5, 0, 5, 10], id="no width"),
        pytest.param([0, 10, 10, 10], id="no height"),
        pytest.param([0, 20, 10, 10], id="upside down"),
    ],
)
def test_a_box_that_is_no_box_is_passed_over(box: list[float]) -> None:
    """A broken box is as if the person had not been seen; the others count."""
    seen = Sightings.of(boxed([0, 0, 10, 10], box), None)

    assert seen.ids.tolist() == [1]


def test_the_first_of_two_equal_ids_counts() -> None:
    """An id that comes twice in a frame is one person, at the first of its rows."""
    seen = Sightings.of(
        tracks_of(STAMP, [(7, 30, 60, 40), (2, 5, 50, 40), (7, 90, 60, 40)]), None
    )

    assert (seen.ids.tolist(), seen.rows.tolist()) == ([2, 7], [1, 0])


@pytest.mark.parametrize(
    ("labels", "want"), [(None, [1, 2]), ([0], [1]), ([2, 0], [1, 2]), ([], [])]
)
def test_only_asked_classes_count(labels: list[int] | None, want: list[int]) -> None:
    """With ``labels`` others are passed over."""
    both = boxed([0, 0, 10, 10], [20, 0, 30, 10])
    mixed = Tracks(STAMP, both.ids, both.boxes_xyxy, both.scores, np.array([0, 2]))

    assert Sightings.of(mixed, label_array(labels)).ids.tolist() == want


def test_nobody() -> None:
    """An empty frame has no sightings."""
    assert len(Sightings.of(Tracks.empty(STAMP), label_array([0]))) == 0
