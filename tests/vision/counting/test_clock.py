"""Time that goes on with every frame, and never back."""

from __future__ import annotations

import math

import pytest

from videoflow.data import Stamp
from videoflow.vision.counting.clock import Clock


def tell(*stamps: tuple[int, float]) -> list[tuple[int, float]]:
    """Return (frame, seconds) of a clock after each (index, pts)."""
    clock, told = Clock(), []
    for index, pts in stamps:
        clock.tick(Stamp("cam", index, pts, (10, 10)))
        told.append((clock.frame, clock.seconds))
    return told


def test_time_goes_on_as_the_source_says() -> None:
    """Index and timestamp may jump ahead, and begin anywhere."""
    assert tell((70, 3.5), (71, 4.0), (90, 14.0)) == [(0, 0.0), (1, 0.5), (20, 10.5)]


def test_an_index_that_jumps_back_is_the_next_frame() -> None:
    """A frame is one more, whatever its index says."""
    told = tell((5, 0.0), (5, 0.1), (0, 0.2), (3, 0.3))

    assert [frame for frame, _ in told] == [0, 1, 2, 5]


@pytest.mark.parametrize(
    ("pts", "want"),
    [
        pytest.param([1, 1, 1], [0, 0, 0], id="stands"),
        pytest.param([5, 6, 0, 2], [0, 1, 1, 3], id="jumps back"),
        pytest.param([math.nan, 1, math.nan, 2], [0, 0, 0, 1], id="nan"),
        pytest.param([0, math.inf, 1], [0, 0, 1], id="inf"),
        pytest.param([-1.7e308, 1.7e308], [0, 0], id="too far"),
    ],
)
def test_seconds_never_run_back(pts: list[float], want: list[float]) -> None:
    """Only steps ahead count; a timestamp that is none is left out."""
    assert [seconds for _, seconds in tell(*enumerate(pts))] == want
