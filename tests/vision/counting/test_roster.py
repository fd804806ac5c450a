"""What is known of people, a row for each id, as long as it is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.walkers import frame
from videoflow.data import Homography, Line, Polygon
from videoflow.vision.counting import FloorSpeeds, LineCrossings, ZoneVisits
from videoflow.vision.counting.roster import Roster, blank_record


def roster(max_gap_frames: int = 10) -> Roster:
    return Roster(blank_record(num=(-1, np.int64, ())), max_gap_frames=max_gap_frames)


@given(st.lists(st.sets(st.integers(1, 12)), max_size=12))
def test_rows_stay_with_their_ids(frames: list[set[int]]) -> None:
    """Whoever comes and stays, each row holds what was written for its id."""
    known = roster(100)
    seen: dict[int, int] = {}

    for index, ids in enumerate(frames):
        places = known.meet(np.array(sorted(ids), np.int64), index)
        assert known.rows["num"][places].tolist() == [seen.get(i, -1) for i in sorted(ids)]
        known.rows["num"][places] = known.rows["id"][places] * 100 + index
        seen |= {i: i * 100 + index for i in ids}

    assert known.rows["id"].tolist() == sorted(seen)
    assert known.rows["num"].tolist() == [seen[i] for i in sorted(seen)]


def test_who_is_not_seen_for_long_is_forgotten() -> None:
    """After ``max_gap_frames`` frames a row is there, after one more it is handed out."""
    known = roster()
    known.meet(np.array([3, 4]), 0)
    known.meet(np.array([4]), 5)

    early, late = known.forget(10), known.forget(11)

    assert (early["id"].tolist(), late["id"].tolist(), len(known)) == ([], [3], 1)


def test_who_comes_back_after_that_is_new() -> None:
    """A forgotten id has a blank row."""
    known = roster()
    known.meet(np.array([3]), 0)
    known.rows["num"] = 7
    known.forget(50)

    places = known.meet(np.array([3]), 50)

    assert known.rows["num"][places].tolist() == [-1]


SQUARE = Polygon(((0, 0), (100, 0), (100, 100), (0, 100)))
COUNTERS = {
    "lines": lambda: LineCrossings({"line": Line((0, 50), (100, 50))}, max_gap_frames=30),
    "zones": lambda: ZoneVisits({"zone": SQUARE}),
    "speeds": lambda: FloorSpeeds(Homography(np.eye(3)), max_gap_frames=30),
}


@pytest.mark.parametrize("make", COUNTERS.values(), ids=COUNTERS)
@pytest.mark.parametrize("has_time", [True, False])
def test_memory_does_not_grow_with_the_ids_seen(
    make: Callable[[], Any], has_time: bool
) -> None:
    """With a new person in each frame no more are kept than a gap is long."""
    counter = make()
    for index in range(500):
        pts = index / 10 if has_time else 0.0
        counter.update(frame(index if has_time else 0, {index + 1: (50, 50)}, pts_seconds=pts))

    assert len(counter._roster) <= 31
