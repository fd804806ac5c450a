"""Whatever comes, counters answer, keep their books and stay silent; warnings are errors."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from videoflow.data import Homography, Line, Polygon, Stamp, Tracks, ZoneEvent
from videoflow.vision.counting import FloorSpeeds, LineCrossings, StandingHeat, ZoneVisits

COORDINATES = st.one_of(
    st.sampled_from(
        [0.0, 50.0, 100.0, -1.0, math.nan, math.inf, -math.inf, 3e38, -3e38, 1e-40]
    ),
    st.floats(-500, 500, width=32),
)
ROWS = st.lists(
    st.tuples(st.integers(-1, 6), st.tuples(*[COORDINATES] * 4), st.integers(0, 2)), max_size=6
)
STAMPS = st.builds(
    Stamp,
    st.just("cam"),
    st.integers(0, 400),
    st.one_of(st.floats(0, 100), st.sampled_from([math.nan, math.inf, -5.0, 1e300])),
    st.sampled_from([(100, 100), (100, 100), (31, 17)]),
)
FRAMES = st.lists(st.tuples(STAMPS, ROWS), min_size=1, max_size=25)


def tracks(stamp: Stamp, rows: list[tuple[int, tuple[float, ...], int]]) -> Tracks:
    return Tracks(
        stamp,
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.float32).reshape(-1, 4),
        np.ones(len(rows), np.float32),
        np.array([row[2] for row in rows], np.int64),
    )


@settings(max_examples=100, deadline=None)
@given(FRAMES)
def test_counters_take_anything(
    frames: list[tuple[Stamp, list[tuple[int, tuple[float, ...], int]]]],
) -> None:
    """Broken boxes, ids, indices and timestamps: totals add up, and nobody was there less."""
    lines = LineCrossings({"a": Line((0, 50), (100, 50)), "b": Line((50, 0), (50, 100))})
    zones = ZoneVisits({"a": Polygon(((10, 10), (90, 20), (50, 90)))}, max_gap_frames=20)
    heat = StandingHeat(cell_px=16, half_life_seconds=10)
    speeds = FloorSpeeds(
        Homography.from_points(
            [(10, 90), (90, 90), (70, 30), (30, 30)], [(0, 0), (8, 0), (8, 20), (0, 20)]
        )
    )
    num_crossings = 0
    events: list[ZoneEvent] = []

    for stamp, rows in frames:
        people = tracks(stamp, rows)
        counts, visits, told = lines.update(people), zones.update(people), speeds.update(people)
        heat.update(people)
        num_crossings += len(counts.crossings)
        events += visits.events

        for label_totals, totals in (
            (counts.label_totals, counts.totals),
            (visits.label_totals, visits.totals),
        ):
            assert set(label_totals) == set(totals)
        assert num_crossings == sum(t.into + t.out_of for t in counts.totals.values())
        assert visits.totals["a"].occupancy == len(visits.visits)
        assert visits.totals["a"].occupancy == sum(
            t.occupancy for t in visits.label_totals["a"].values()
        )
        assert len(told) == len(people)

    begun = sum(event.kind in ("entered", "appeared") for event in events)
    assert begun == visits.totals["a"].num_visits + visits.totals["a"].occupancy
    assert all(event.visit.dwell_seconds >= 0 for event in events)
    last = heat.map()
    assert last is not None
    assert np.isfinite(last.seconds).all()
    assert (last.seconds >= 0).all()


def test_thousands_of_people_in_one_frame() -> None:
    """A crowd is counted, row by row, whoever was there before."""
    num = 4000
    counter = LineCrossings({"line": Line((0, 50), (10_000, 50))})
    for index, y in enumerate((20.0, 20.0, 80.0, 80.0)):
        boxes = np.tile(np.array([0, y - 40, 10, y], np.float32), (num, 1))
        boxes[:, [0, 2]] += np.arange(num, dtype=np.float32)[:, None]
        stamp = Stamp("cam", index, index / 10, (100, 10_000))
        ids = np.arange(1, num + 1) if index < 2 else np.arange(num // 2, num + num // 2)
        people = Tracks(stamp, ids, boxes, np.ones(num, np.float32), np.zeros(num, np.int64))
        counts = counter.update(people)

    assert counts.totals["line"].into == num // 2 + 1
