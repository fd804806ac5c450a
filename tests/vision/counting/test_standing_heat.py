"""The sentences of docs/counting.md on heat maps, in their order."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.walkers import Point, frame
from videoflow.data import HeatMap
from videoflow.errors import ShapeError
from videoflow.vision.counting import StandingHeat

SIZE = (40, 60)  # 4 rows and 6 columns of 10 px


def heat(*frames: tuple[float, dict[int, Point]], **options: float) -> HeatMap:
    """Return the map after frames of (pts_seconds, people)."""
    standing = StandingHeat(cell_px=10, **options)  # type: ignore[arg-type]
    for index, (pts, people) in enumerate(frames):
        standing.update(frame(index, people, pts_seconds=pts, size_hw=SIZE))
    told = standing.map()
    assert told is not None
    return told


def cells(told: HeatMap) -> dict[tuple[int, int], float]:
    """Return (row, column) to seconds, where there are any."""
    return {
        (int(r), int(c)): round(float(told.seconds[r, c]), 5)
        for r, c in np.argwhere(told.seconds)
    }


def test_seconds_go_to_the_cell_of_the_point() -> None:
    """The foot point says which cell, the time since the last frame how much."""
    told = heat((5.0, {1: (5, 5)}), (5.5, {1: (15, 25)}), (5.75, {1: (15, 25), 2: (59, 1)}))

    assert told.seconds.shape == (4, 6)
    assert cells(told) == {(2, 1): 0.75, (0, 5): 0.25}


def test_two_people_count_twice() -> None:
    """Seconds of several people in a cell add up."""
    assert cells(heat((0, {}), (0.5, {1: (5, 5), 2: (6, 6)}))) == {(0, 0): 1.0}


def test_a_gap_does_not_burn_a_hole() -> None:
    """After a minute without a frame nobody is taken to have stood there for a minute."""
    people: dict[int, Point] = {1: (5, 5)}

    assert cells(heat((0, people), (60, people))) == {(0, 0): 1.0}
    assert cells(heat((0, people), (60, people), max_step_seconds=5)) == {(0, 0): 5.0}


@pytest.mark.parametrize(
    ("point", "want"),
    [
        pytest.param((0, 0), (0, 0), id="upper left corner"),
        pytest.param((10, 5), (0, 1), id="between two columns"),
        pytest.param((5, 20), (2, 0), id="between two rows"),
        pytest.param((9.99, 5), (0, 0), id="just before"),
        pytest.param((60, 40), (3, 5), id="lower right corner"),
    ],
)
def test_a_point_on_the_rim_of_a_cell(point: Point, want: tuple[int, int]) -> None:
    """Each point of the picture, its rim included, belongs to one cell."""
    assert cells(heat((0, {}), (0.5, {1: point}))) == {want: 0.5}


@pytest.mark.parametrize("point", [(-1, 5), (5, -1), (61, 5), (5, 41), (1e30, 5)], ids=str)
def test_a_point_outside_is_not_on_the_map(point: Point) -> None:
    """Who is outside the picture is nowhere on the map."""
    assert cells(heat((0, {}), (0.5, {1: point}))) == {}


def test_half_life() -> None:
    """After its half-life a second counts for half, after twice that for a quarter."""
    person: dict[int, Point] = {1: (5, 5)}

    once = heat((0, {}), (1, person), (5, {}), half_life_seconds=4)
    twice = heat((0, {}), (1, person), (2, {}), (9, {}), half_life_seconds=4)

    assert (cells(once), cells(twice)) == ({(0, 0): 0.5}, {(0, 0): 0.25})


def test_another_size_begins_a_new_map() -> None:
    """What stood in pixels of another picture is not mixed in."""
    standing = StandingHeat(cell_px=10)
    for index in range(3):
        standing.update(frame(index, {1: (5, 5)}, size_hw=SIZE))
    standing.update(frame(3, {1: (5, 5)}, size_hw=(20, 25)))

    told = standing.map()

    assert told is not None
    assert (told.seconds.shape, cells(told)) == ((2, 3), {(0, 0): 0.1})


def test_a_flicker_costs_its_frame() -> None:
    """The time of a box in the wrong place is in the wrong place, and no more."""
    home: dict[int, Point] = {1: (5, 5)}

    told = heat((0, home), (0.1, home), (0.2, {1: (55, 35)}), (0.3, home))

    assert cells(told) == {(0, 0): 0.2, (3, 5): 0.1}


def test_a_map_stays_as_it_was() -> None:
    """What was handed out does not change when more is added."""
    standing = StandingHeat(cell_px=10)
    standing.update(frame(0, {}, size_hw=SIZE))
    standing.update(frame(1, {1: (5, 5)}, size_hw=SIZE))
    early = standing.map()

    standing.update(frame(2, {1: (5, 5)}, size_hw=SIZE))

    assert early is not None
    assert cells(early) == {(0, 0): 0.1}


def test_a_frame_still_counts_after_weeks() -> None:
    """A frame's share is not lost in the digits of a long sum."""
    standing = StandingHeat(cell_px=10, max_step_seconds=1e9)
    standing.update(frame(0, {}, pts_seconds=0, size_hw=SIZE))
    standing.update(frame(1, {1: (5, 5)}, pts_seconds=4e6, size_hw=SIZE))
    for index in range(100):
        pts = 4e6 + (index + 1) / 25
        standing.update(frame(index + 2, {1: (5, 5)}, pts_seconds=pts, size_hw=SIZE))

    told = standing.map()

    assert told is not None
    assert float(told.seconds[0, 0]) == 4_000_004


def test_no_map_before_a_frame() -> None:
    """Nothing is known of a picture that has not come; after a reset neither."""
    standing = StandingHeat()
    assert standing.map() is None
    standing.update(frame(0, {}))
    standing.reset()
    assert standing.map() is None


@pytest.mark.parametrize(
    "options",
    [{"cell_px": 0}, {"half_life_seconds": 0}, {"max_step_seconds": math.nan}],
    ids=str,
)
def test_senseless_options_are_refused(options: dict[str, float]) -> None:
    """A number out of range says so."""
    with pytest.raises(ShapeError, match="StandingHeat"):
        StandingHeat(**options)  # type: ignore[arg-type]
