"""What every tracker promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vision.trackers.scenes import KINDS, found, person, run
from videoflow.data import Detections, Masks, Tracks
from videoflow.errors import ConfigError, ShapeError
from videoflow.vision.trackers import ByteTrack, OcSort, Sort, Tracker, update_many

Make = Callable[[], Tracker]

each_kind = pytest.mark.parametrize("make", [pytest.param(m, id=n) for n, m in KINDS.items()])


@each_kind
def test_a_walker_keeps_its_id(make: Make) -> None:
    """One person who walks is one track with id 1, where the person is."""
    out = run(make(), {i: 5.0 * i for i in range(40)})

    assert [tracks.ids.tolist() for tracks in out] == [[1]] * 40
    assert abs(out[-1].boxes_xyxy[0, 0] - 195) < 2


@each_kind
def test_two_who_pass_each_other_keep_their_ids(make: Make) -> None:
    """Two people who walk through each other come out as the ones they were."""
    tracker = make()

    for i in range(60):
        out = tracker.update(found(i, person(6.0 * i), person(354 - 6.0 * i, 130)))

    assert out.ids.tolist() == [1, 2]
    assert out.boxes_xyxy[0, 0] > 300 > out.boxes_xyxy[1, 0]


@each_kind
def test_frames_that_were_dropped_are_walked_through(make: Make) -> None:
    """Where the index jumps, tracks are moved on by as many frames."""
    tracker = make()
    run(tracker, {i: 10.0 * i for i in range(10)})

    after = run(tracker, {i: 10.0 * i for i in (17, 18, 25)})

    assert [tracks.ids.tolist() for tracks in after] == [[1]] * 3


@each_kind
def test_an_index_that_begins_anew_is_the_next_frame(make: Make) -> None:
    """A source that counts from 0 again, or stands still, goes on with the same ids."""
    tracker = make()
    run(tracker, {i: 10.0 * i for i in range(10)})

    after = run(tracker, {0: 100.0, -3: 110.0})

    assert [tracks.ids.tolist() for tracks in after] == [[1]] * 2


@each_kind
def test_coasting_shows_tracks_where_they_are_expected(make: Make) -> None:
    """A frame that nobody looked at gets the predicted boxes, and the ids go on."""
    tracker = make()
    run(tracker, {i: 10.0 * i for i in range(10)})

    coasted = [tracker.coast(found(i).stamp) for i in range(10, 14)]
    after = tracker.update(found(14, person(140)))

    assert [tracks.ids.tolist() for tracks in coasted] == [[1]] * 4
    assert abs(coasted[-1].boxes_xyxy[0, 0] - 130) < 5
    assert coasted[-1].stamp.index == 13
    assert after.ids.tolist() == [1]


@each_kind
def test_coasting_before_the_first_look(make: Make) -> None:
    """A tracker that knows nobody coasts empty, and the next look is still the first."""
    tracker = make()

    assert len(tracker.coast(found(0).stamp)) == 0
    assert tracker.update(found(1, person(0))).ids.tolist() == [1]


@each_kind
def test_minutes_without_anybody(make: Make) -> None:
    """However long nothing is seen, nothing piles up and the next ids go on."""
    tracker = make()
    run(tracker, dict.fromkeys(range(5), 0.0))

    for index in range(5, 500):
        assert len(tracker.update(found(index))) == 0
    assert len(tracker._memory.tracks) == 0
    tracker.update(found(1_000_000_000))
    out = run(tracker, {1_000_000_000 + i: 0.0 for i in range(1, 6)})

    assert out[-1].ids.tolist() == [2]


@each_kind
def test_classes_do_not_mix(make: Make) -> None:
    """A box of another class is another track."""
    tracker = make()
    tracker.update(found(0, person(0), label=0))

    for index in range(1, 6):
        out = tracker.update(found(index, person(0), label=2))

    assert (out.ids.tolist(), out.labels.tolist()) == ([2], [2])


@each_kind
def test_reset_begins_at_id_1(make: Make) -> None:
    """A reset tracker is as new."""
    tracker = make()
    run(tracker, {0: 0.0, 1: 0.0})
    tracker.reset()

    assert tracker.update(found(0, person(300))).ids.tolist() == [1]


@each_kind
def test_useless_boxes_are_passed_over(make: Make) -> None:
    """NaN, infinite and inside-out boxes, and scores that are no number, are nobody."""
    nan, inf = float("nan"), float("inf")
    bad = [
        (nan, 0, 1, 1),
        (0, 0, 0, 0),
        (9, 9, 1, 1),
        (0, 0, inf, 9),
        (-inf, 0, 9, 9),
        (inf, 0, inf, 9),
        (*person(0), nan),
    ]
    tracker = make()

    out = [tracker.update(found(i, *bad, person(200))) for i in range(3)]

    assert [tracks.ids.tolist() for tracks in out] == [[1]] * 3
    assert np.isfinite(out[-1].boxes_xyxy).all()


@each_kind
def test_boxes_outside_the_picture_are_tracked(make: Make) -> None:
    """Somebody half or all outside the picture is somebody."""
    out = run(make(), {i: -300.0 + 2 * i for i in range(6)})

    assert out[-1].ids.tolist() == [1]
    assert out[-1].boxes_xyxy[0, 2] < 0


@each_kind
def test_the_same_box_twice_is_two_tracks(make: Make) -> None:
    """A detector that repeats itself makes two ids, and no more than two."""
    tracker = make()

    out = [tracker.update(found(i, person(0), person(0))) for i in range(9)]

    assert {tuple(tracks.ids.tolist()) for tracks in out} == {(1, 2)}


@each_kind
def test_two_thousand_people(make: Make) -> None:
    """A crowd on a grid keeps its ids."""
    grid = [person(60 * (i % 50), 120.0 * (i // 50)) for i in range(2000)]
    tracker = make()
    tracker.update(found(0, *grid))

    out = tracker.update(found(1, *grid))

    assert sorted(out.ids.tolist()) == list(range(1, 2001))


def test_noise_does_not_pile_up() -> None:
    """A flood of new boxes in every frame leaves a table of at most 4096 tracks and a look."""
    tracker, rng = Sort(), np.random.default_rng(0)

    for index in range(7):
        places = rng.uniform(0, 1e6, (900, 2)).tolist()
        tracker.update(found(index, *(person(x, y) for x, y in places)))

    assert len(tracker._memory.tracks) <= 4096 + 900


@each_kind
def test_the_camera_that_moves_is_told(make: Make) -> None:
    """With ``warp``, people stay who they are though the picture jumps by their width."""
    warp = np.array([[1.0, 0, 90], [0, 1, 0]])
    tracker = make()
    row = [person(100.0 * k) for k in range(3)]
    for index in range(5):
        tracker.update(found(index, *row))

    jumped = [person(100.0 * k + 90) for k in range(3)]
    out = tracker.update(found(5, *jumped), warp=warp)

    assert out.ids.tolist() == [1, 2, 3]
    assert abs(out.boxes_xyxy[:, 0] - [90, 190, 290]).max() < 2


@each_kind
def test_a_warp_reaches_coasted_tracks(make: Make) -> None:
    """A frame that nobody looked at moves with the camera as well, zoom included."""
    tracker = make()
    run(tracker, dict.fromkeys(range(6), 100.0))

    out = tracker.coast(found(6).stamp, warp=np.array([[2.0, 0, 0], [0, 2, 7]]))

    np.testing.assert_allclose(out.boxes_xyxy, [[200, 207, 280, 407]], atol=1.5)


@pytest.mark.parametrize(
    "warp",
    [
        pytest.param(np.eye(3), id="3 x 3"),
        pytest.param(np.full((2, 3), np.nan), id="not finite"),
    ],
)
def test_a_warp_that_is_none_is_refused(warp: np.ndarray) -> None:
    """A warp of another shape, or one that is not finite, is an error that says so."""
    tracker = ByteTrack()
    tracker.update(found(0, person(0)))

    with pytest.raises(ShapeError, match=r"warp: got .* want finite float64"):
        tracker.update(found(1, person(0)), warp=warp)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        pytest.param(ByteTrack, {"max_cost": 1.5}, id="share"),
        pytest.param(Sort, {"min_hits": -1}, id="count"),
        pytest.param(OcSort, {"max_lost_frames": float("nan")}, id="nan"),
        pytest.param(OcSort, {"momentum_frames": 0}, id="no-way-to-measure"),
    ],
)
def test_settings_out_of_range_are_refused(
    kind: Callable[..., Tracker], settings: dict[str, float]
) -> None:
    """A share beyond 0 to 1, or a negative count, is refused by name."""
    with pytest.raises(ConfigError, match=f"got {next(iter(settings))}="):
        kind(**settings)


def rich(index: int, *boxes: tuple[float, ...]) -> Detections:
    """Detections that bring all extras; each row's value is its x."""
    plain = found(index, *boxes)
    xs = plain.boxes_xyxy[:, 0]
    crops = tuple(np.ones((3, 3), np.bool_) for _ in boxes)
    corners = np.stack([xs, xs], axis=1).astype(np.int32)
    return replace(
        plain,
        embeddings=np.stack([xs, xs + 1], axis=1),
        masks=Masks((480, 640), corners, crops),
        keypoints=np.repeat(xs, 6).reshape(-1, 2, 3),
    )


@each_kind
def test_extras_are_those_of_the_detection_behind(make: Make) -> None:
    """Embeddings, masks and keypoints travel with the box, whatever the order it came in."""
    tracker = make()
    for index in range(5):
        boxes = [person(0), person(200), person(400)]
        out = tracker.update(rich(index, (5, 5, 5, 9), *boxes[:: -1 if index % 2 else 1]))

    xs = out.boxes_xyxy[:, 0].round()
    assert out.ids.tolist() == [1, 2, 3]
    assert out.embeddings is not None
    assert out.masks is not None
    assert out.keypoints is not None
    np.testing.assert_array_equal(out.embeddings[:, 0], xs)
    np.testing.assert_array_equal(out.masks.corners_xy[:, 0], xs)
    np.testing.assert_array_equal(out.keypoints[:, 1, 2], xs)
    coasted = tracker.coast(found(5).stamp)
    assert (coasted.embeddings, coasted.masks, coasted.keypoints) == (None, None, None)


box = st.tuples(*[st.floats(-1e6, 1e6, width=32)] * 4, st.floats(0, 1, width=32))


@each_kind
@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 50), st.lists(box, max_size=6)), max_size=12))
def test_whatever_comes_ids_are_unique_and_boxes_finite(
    make: Make, frames: list[tuple[int, list[tuple[float, ...]]]]
) -> None:
    """No input makes a repeated id, a box that is not finite, or an id out of order."""
    tracker = make()
    for index, boxes in frames:
        tracks = tracker.update(found(index, *boxes))

        assert (np.diff(tracks.ids) > 0).all()
        assert np.isfinite(tracks.boxes_xyxy).all()
        assert len(tracks) <= len(boxes)


def walks(seed: int, *, num_frames: int = 40) -> Iterator[Detections]:
    """Yield people who come, walk, hide and go, some under weak scores, with dropped frames."""
    rng = np.random.default_rng(seed)
    num = int(rng.integers(0, 9))
    start, step = rng.uniform(0, 400, (num, 2)), rng.normal(0, 4, (num, 2))
    index = 0
    for _ in range(num_frames):
        index += int(rng.choice([1, 1, 1, 1, 3]))
        places = start + index * step + rng.normal(0, 1, (num, 2)) + 8 * np.sin(index / 5)
        boxes = [
            (*person(*p), s) for p, s in zip(places, rng.uniform(0.3, 1, num), strict=True)
        ]
        yield found(index, *(b for b in boxes if rng.random() > 0.15))


@each_kind
@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10**6))
def test_many_streams_at_once_are_each_as_alone(make: Make, seed: int) -> None:
    """``update_many`` gives what ``update`` gives, also where streams skip calls."""
    rng = np.random.default_rng(seed)
    streams = [list(walks(seed + k)) for k in range(5)]
    alone = [make() for _ in streams]
    together = [make() for _ in streams]
    warp = np.array([[1.01, 0.002, 3], [-0.002, 1.01, -2]])

    for number in range(40):
        now = [k for k in range(5) if rng.random() < 0.8]
        warps = [warp if rng.random() < 0.3 else None for _ in now]
        looks = [streams[k][number] for k in now]
        want = [alone[k].update(d, warp=w) for k, d, w in zip(now, looks, warps, strict=True)]
        got = update_many([together[k] for k in now], looks, warps=warps)

        for one, other in zip(want, got, strict=True):
            assert_same(one, other)


def assert_same(one: Tracks, other: Tracks) -> None:
    assert one.stamp == other.stamp
    for name in ("ids", "boxes_xyxy", "scores", "labels"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_no_streams_at_once() -> None:
    """None in, none out."""
    assert update_many([], []) == []


@pytest.mark.parametrize(
    ("trackers", "num_looks", "message"),
    [
        pytest.param([Sort(), Sort()], 1, "got 2 trackers, 1 detections", id="too few looks"),
        pytest.param([Sort(), ByteTrack()], 2, "want one kind", id="two kinds"),
        pytest.param([Sort(), Sort(min_iou=0.5)], 2, "same settings", id="two settings"),
        pytest.param([Sort()] * 2, 2, "got a tracker twice", id="twice"),
    ],
)
def test_what_cannot_be_updated_together_is_refused(
    trackers: list[Tracker], num_looks: int, message: str
) -> None:
    """Streams that do not fit each other are an error before anything moves."""
    with pytest.raises(ShapeError, match=message):
        update_many(trackers, [found(0, person(0)) for _ in range(num_looks)])
