from __future__ import annotations

import numpy as np
import pytest

from tests.vision.trackers.scenes import found, person, run
from videoflow.vision.trackers import OcSort, Sort


def test_the_boxes_that_come_out_are_the_detectors() -> None:
    """A shown box is the detection's, to the bit."""
    out = run(OcSort(), {i: 7.0 * i for i in range(9)})

    np.testing.assert_array_equal(out[-1].boxes_xyxy, [person(56)])


def test_somebody_who_stopped_behind_a_pillar_is_found_where_last_seen() -> None:
    """Recovery: the filter ran on, the person did not, and the id stays the same."""
    walk = {i: 12.0 * i for i in range(10)}

    ids = []
    for tracker in (OcSort(), Sort()):
        run(tracker, walk)
        for index in range(10, 17):
            tracker.update(found(index))
        back = run(tracker, dict.fromkeys(range(17, 23), 108.0))
        ids.append(back[-1].ids.tolist())

    assert ids == [[1], [2]]


@pytest.mark.parametrize("gap", [pytest.param(4, id="short"), pytest.param(9, id="long")])
def test_after_a_gap_the_filter_knows_the_straight_way(gap: int) -> None:
    """Replay: who slowed down while unseen is expected nearer to the truth than by SORT."""
    speeds = []
    for tracker in (OcSort(), Sort()):
        run(tracker, {i: 10.0 * i for i in range(12)})
        for index in range(12, 11 + gap):
            tracker.update(found(index))
        run(tracker, {11 + gap: 110.0 + 8 * gap})
        speeds.append(tracker._memory.tracks[0, 4])

    assert abs(speeds[0] - 8) < abs(speeds[1] - 8)
