from __future__ import annotations

import pytest

from tests.vision.trackers.scenes import found, person, run
from videoflow.vision.trackers import ByteTrack


def test_a_walker_keeps_its_id() -> None:
    """One person who walks is one track with id 1."""
    out = run(ByteTrack(), {i: 5.0 * i for i in range(40)})

    assert [tracks.ids.tolist() for tracks in out] == [[1]] * 40
    assert abs(out[-1].boxes_xyxy[0, 0] - 195) < 2


def test_after_the_first_frame_a_track_needs_a_second_look() -> None:
    """Only confirmed tracks come out, and a phantom of one frame uses up no id."""
    tracker = ByteTrack()
    tracker.update(found(0))

    phantom = tracker.update(found(1, person(0)))
    first = tracker.update(found(2, person(300)))
    second = tracker.update(found(3, person(302)))

    assert (len(phantom), len(first), second.ids.tolist()) == (0, 0, [1])


def test_a_weak_box_keeps_a_known_track_and_begins_none() -> None:
    """A half hidden person goes on under a weak score; weak noise is nobody."""
    tracker = ByteTrack()
    tracker.update(found(0, person(0)))

    out = [
        tracker.update(found(i, (*person(i), 0.3), (*person(400), 0.3))) for i in range(1, 5)
    ]

    assert [tracks.ids.tolist() for tracks in out] == [[1]] * 4


@pytest.mark.parametrize(
    ("gap", "want"),
    [pytest.param(30, 1, id="found again"), pytest.param(32, 2, id="too late")],
)
def test_a_lost_track_is_found_again_for_so_many_frames(gap: int, want: int) -> None:
    """A person who stood hidden keeps the id for ``max_lost_frames``; ids are not reused."""
    tracker = ByteTrack(max_lost_frames=30)
    run(tracker, dict.fromkeys(range(5), 100.0))
    for index in range(5, 5 + gap):
        assert len(tracker.update(found(index))) == 0

    tracker.update(found(5 + gap, person(100)))
    back = tracker.update(found(6 + gap, person(100)))

    assert back.ids.tolist() == [want]


def test_frames_that_were_dropped_are_walked_through() -> None:
    """Where the index jumps, tracks are moved on by as many frames."""
    tracker = ByteTrack()
    run(tracker, {i: 10.0 * i for i in range(10)})

    after = run(tracker, {i: 10.0 * i for i in (17, 18, 25)})

    assert [tracks.ids.tolist() for tracks in after] == [[1]] * 3


def test_coasting_shows_tracks_where_they_are_expected() -> None:
    """A frame that nobody looked at gets the predicted boxes, and the ids go on."""
    tracker = ByteTrack()
    run(tracker, {i: 10.0 * i for i in range(10)})

    coasted = [tracker.coast(found(i).stamp) for i in range(10, 14)]
    after = tracker.update(found(14, person(140)))

    assert [tracks.ids.tolist() for tracks in coasted] == [[1]] * 4
    assert abs(coasted[-1].boxes_xyxy[0, 0] - 130) < 5
    assert coasted[-1].stamp.index == 13
    assert after.ids.tolist() == [1]
