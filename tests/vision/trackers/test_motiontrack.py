from __future__ import annotations

from tests.vision.trackers.scenes import found, person
from videoflow.vision.trackers import ByteTrack, MotionTrack, Tracker

ROW = [45.0 * k for k in range(8)]


def ids_after_a_jolt(tracker: Tracker) -> list[int]:
    """Let a camera jump by more than half of the way between neighbours."""
    for index in range(6):
        tracker.update(found(index, *(person(x) for x in ROW)))
    out = tracker.update(found(6, *(person(x + 18) for x in ROW)))
    out = tracker.update(found(7, *(person(x + 30) for x in ROW)))
    return [int(i) for i in out.ids[out.boxes_xyxy[:, 0].argsort()]]


def test_a_camera_that_jolts_is_felt_from_the_boxes() -> None:
    """When everybody is found to one side, it was the camera: each keeps the id."""
    tracker = MotionTrack()

    assert ids_after_a_jolt(tracker) == list(range(1, 9))

    coasted = tracker.coast(found(8).stamp)
    assert abs(coasted.boxes_xyxy[:, 0] - [x + 30 for x in ROW]).max() < 12


def test_a_lost_track_moves_with_the_camera_too() -> None:
    """Somebody hidden while the camera turned is found where the picture went."""
    tracker = MotionTrack()
    everybody = [*ROW, 500.0]
    for index in range(6):
        tracker.update(found(index, *(person(x) for x in everybody)))
    for index in range(6, 12):
        shift = 15.0 * (index - 5)
        tracker.update(found(index, *(person(x + shift) for x in ROW)))

    out = tracker.update(found(12, *(person(x + 105) for x in everybody)))

    assert out.ids.tolist() == list(range(1, 10))
    assert ids_of_lost_without(ByteTrack()) != out.ids.tolist()


def ids_of_lost_without(tracker: Tracker) -> list[int]:
    """Play the same scene to a tracker that does not feel the camera."""
    for index in range(6):
        tracker.update(found(index, *(person(x) for x in [*ROW, 500.0])))
    for index in range(6, 12):
        tracker.update(found(index, *(person(x + 15.0 * (index - 5)) for x in ROW)))
    out = tracker.update(found(12, *(person(x + 105) for x in [*ROW, 500.0])))
    return [int(i) for i in out.ids]


def test_a_weak_box_finds_a_lost_track_where_it_fits_well() -> None:
    """Somebody half hidden comes back under the old id; a weak box elsewhere is nobody."""
    tracker = MotionTrack()
    for index in range(5):
        tracker.update(found(index, person(100)))
    for index in range(5, 10):
        tracker.update(found(index))

    out = tracker.update(found(10, (*person(100), 0.4), (*person(300), 0.4)))

    assert out.ids.tolist() == [1]
