from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from videoflow.data import Detections, Stamp, Tracks
from videoflow.vision.trackers import ByteTrack


def found(
    index: int, *boxes: tuple[float, ...], score: float = 0.9, label: int = 0
) -> Detections:
    """Detections of frame ``index``; a box may bring its own score as a fifth number."""
    array = np.array([box[:4] for box in boxes], np.float32).reshape(-1, 4)
    scores = np.array([box[4] if len(box) > 4 else score for box in boxes], np.float32)
    labels = np.full(len(boxes), label, np.int64)
    return Detections(Stamp("cam", index, index / 25, (480, 640)), array, scores, labels)


def person(x: float, y: float = 100.0) -> tuple[float, float, float, float]:
    return (x, y, x + 40, y + 100)


def run(tracker: ByteTrack, xs: dict[int, float]) -> list[Tracks]:
    return [tracker.update(found(index, person(x))) for index, x in xs.items()]


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


def test_coasting_before_the_first_look() -> None:
    """A tracker that knows nobody coasts empty, and the next look is still the first."""
    tracker = ByteTrack()

    assert len(tracker.coast(found(0).stamp)) == 0
    assert tracker.update(found(1, person(0))).ids.tolist() == [1]


def test_minutes_without_anybody() -> None:
    """However long nothing is seen, nothing piles up and the next ids go on."""
    tracker = ByteTrack()
    run(tracker, {0: 0.0, 1: 0.0})

    tracker.update(found(1_000_000_000))
    tracker.update(found(1_000_000_001, person(0)))

    assert tracker.update(found(1_000_000_002, person(0))).ids.tolist() == [2]


def test_classes_do_not_mix() -> None:
    """A box of another class is another track."""
    tracker = ByteTrack()
    tracker.update(found(0, person(0), label=0))
    tracker.update(found(1, person(0), label=2))

    out = tracker.update(found(2, person(0), label=2))

    assert (out.ids.tolist(), out.labels.tolist()) == ([2], [2])


def test_reset_begins_at_id_1() -> None:
    """A reset tracker is as new."""
    tracker = ByteTrack()
    run(tracker, {0: 0.0, 1: 0.0})
    tracker.reset()

    assert tracker.update(found(0, person(300))).ids.tolist() == [1]


def test_useless_boxes_are_passed_over() -> None:
    """NaN, infinite and inside-out boxes, and scores that are no number, are nobody."""
    nan = float("nan")
    bad = [
        (nan, 0, 1, 1),
        (0, 0, 0, 0),
        (9, 9, 1, 1),
        (0, 0, float("inf"), 9),
        (*person(0), nan),
    ]
    tracker = ByteTrack()

    out = [tracker.update(found(i, *bad, person(200))) for i in range(3)]

    assert [tracks.ids.tolist() for tracks in out] == [[1]] * 3
    assert np.isfinite(out[-1].boxes_xyxy).all()


def test_two_thousand_people() -> None:
    """A crowd on a grid keeps its ids."""
    grid = [person(60 * (i % 50), 120.0 * (i // 50)) for i in range(2000)]
    tracker = ByteTrack()
    tracker.update(found(0, *grid))

    out = tracker.update(found(1, *grid))

    assert out.ids.tolist() == list(range(1, 2001))


box = st.tuples(*[st.floats(-1e6, 1e6, width=32)] * 4, st.floats(0, 1, width=32))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 50), st.lists(box, max_size=6)), max_size=12))
def test_whatever_comes_ids_are_unique_and_boxes_finite(
    frames: list[tuple[int, list[tuple[float, ...]]]],
) -> None:
    """No input makes a repeated id, a box that is not finite, or an id out of order."""
    tracker = ByteTrack()
    for index, boxes in frames:
        tracks = tracker.update(found(index, *boxes))

        assert (np.diff(tracks.ids) > 0).all()
        assert np.isfinite(tracks.boxes_xyxy).all()
        assert len(tracks) <= len(boxes)


@pytest.mark.slow
def test_mot17_val_half(test_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tracker scores as the authors' own, to 0.2: HOTA 68.72, MOTA 78.33, IDF1 80.83."""
    pytest.importorskip("trackeval")
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3] / "benchmarks"))
    import mot17

    together = mot17.evaluate(test_data, ByteTrack)[0]["together"]

    assert together.hota > 68.72 - 0.2
    assert together.mota > 78.33 - 0.2
    assert together.idf1 > 80.83 - 0.2
    del sys.modules["mot17"]
