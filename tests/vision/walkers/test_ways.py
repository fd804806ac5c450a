"""Ways: where a walker is, and when it crosses a line."""

from __future__ import annotations

import math

import pytest

from videoflow.data import Line
from videoflow.errors import ShapeError
from videoflow.vision.walkers import Passage, Way

UP = Line(start=(50, 100), end=(50, 0))  # in is to the right


@pytest.mark.parametrize(
    ("places", "passages"),
    [
        pytest.param([(0, 50), (100, 50)], [(1.0, "in")], id="to the right"),
        pytest.param([(100, 50), (0, 50)], [(1.0, "out")], id="to the left"),
        pytest.param([(0, 20), (100, 60)], [(1.0, "in")], id="aslant"),
        pytest.param([(0, 120), (100, 120)], [], id="beside the line"),
        pytest.param([(0, 50), (40, 50)], [], id="not as far"),
        pytest.param([(0, 50), (40, 50), (0, 50)], [], id="turned back before it"),
        pytest.param(
            [(0, 50), (100, 50), (0, 50)], [(1.0, "in"), (3.0, "out")], id="to and fro"
        ),
        pytest.param([(0, 100), (100, 100)], [(1.0, "in")], id="over its end"),
        pytest.param([(0, 50), (50, 50), (0, 50)], [], id="touched from the left"),
    ],
)
def test_passages(places: list[tuple[float, float]], passages: list[tuple[float, str]]) -> None:
    """A way crosses a line between its ends, at the time when it meets it."""
    way = Way(tuple(2.0 * leg for leg in range(len(places))), tuple(places))

    found = way.passages(UP)

    assert found == [Passage(seconds, direction) for seconds, direction in passages]  # type: ignore[arg-type] # rows hold plain text


def test_who_stands_stays_and_turns() -> None:
    """Between two legs one stands still and turns evenly; before and after, one stands."""
    way = Way((0.0, 1.0, 2.0, 3.0), ((0.0, 5.0), (10.0, 5.0), (10.0, 5.0), (0.0, 5.0)))

    places = [way.at(seconds) for seconds in (-1.0, 1.5, 2.0, 9.0)]
    yaws = [way.yaw(seconds) for seconds in (0.5, 1.5, 2.5)]

    assert places == [(0.0, 5.0), (10.0, 5.0), (10.0, 5.0), (0.0, 5.0)]
    assert yaws == pytest.approx([0.0, math.pi / 2, math.pi])
    assert way.walked_px(1.5) == 10


@pytest.mark.parametrize(
    ("times", "places"),
    [
        pytest.param((0.0,), ((0.0, 0.0),), id="one place"),
        pytest.param((0.0, 0.0), ((0.0, 0.0), (1.0, 0.0)), id="times stand still"),
        pytest.param((0.0, 1.0), ((0.0, 0.0),), id="a place is missing"),
    ],
)
def test_no_way_is_refused(
    times: tuple[float, ...], places: tuple[tuple[float, float], ...]
) -> None:
    """Something that is no way is an error at once."""
    with pytest.raises(ShapeError, match="two or more"):
        Way(times, places)
