from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.vision.trackers.scenes import found, person
from videoflow.data import Detections
from videoflow.errors import ShapeError
from videoflow.vision.trackers import BotSort, update_many

RED, BLUE = [1.0, 0, 0.1], [0, 1.0, 0.1]
LEFT, RIGHT = person(100), person(110)


def looks(index: int, *people: tuple[tuple[float, ...], list[float]]) -> Detections:
    """Detections that bring what people look like."""
    plain = found(index, *(box for box, _ in people))
    embeddings = np.array([look for _, look in people], np.float32).reshape(len(people), -1)
    return replace(plain, embeddings=embeddings)


def test_two_who_change_places_are_known_by_their_looks() -> None:
    """Where overlap says the one, and looks say the other, looks are believed."""
    tracker = BotSort()
    for index in range(4):
        tracker.update(looks(index, (LEFT, RED), (RIGHT, BLUE)))

    out = tracker.update(looks(4, (LEFT, BLUE), (RIGHT, RED)))

    assert out.embeddings is not None
    assert dict(zip(out.ids.tolist(), out.embeddings[:, 0].tolist(), strict=True)) == {
        1: 1,
        2: 0,
    }


def test_without_looks_the_nearer_one_is_believed() -> None:
    """The same scene without embeddings goes by overlap."""
    tracker = BotSort()
    for index in range(4):
        tracker.update(found(index, LEFT, RIGHT))

    out = tracker.update(found(4, LEFT, RIGHT))

    assert out.boxes_xyxy[:, 0].round().tolist() == [100, 110]


def test_looks_do_not_reach_across_the_picture() -> None:
    """Somebody who looks the same elsewhere is somebody else."""
    tracker = BotSort()
    for index in range(4):
        tracker.update(looks(index, (LEFT, RED)))

    for index in range(4, 7):
        out = tracker.update(looks(index, (person(400), RED)))

    assert out.ids.tolist() == [2]


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param([0.0, 0, 0], id="zeros"),
        pytest.param([float("nan")] * 3, id="nan"),
        pytest.param([float("inf"), 0, 0], id="inf"),
    ],
)
def test_looks_that_say_nothing_leave_it_to_overlap(bad: list[float]) -> None:
    """An embedding that is no direction is as none."""
    tracker = BotSort()

    out = [tracker.update(looks(i, (LEFT, bad), (person(300), RED))) for i in range(4)]

    assert [tracks.ids.tolist() for tracks in out] == [[1, 2]] * 4


def test_embeddings_may_come_and_go() -> None:
    """A frame without embeddings, or without anybody, goes on with the same ids."""
    tracker = BotSort()

    out = [
        tracker.update(found(0, LEFT)),
        tracker.update(looks(1, (LEFT, RED))),
        tracker.update(found(2)),
        tracker.update(found(3, LEFT)),
        tracker.update(looks(4, (LEFT, RED))),
    ]

    assert [tracks.ids.tolist() for tracks in out] == [[1], [1], [], [1], [1]]


def test_embeddings_of_another_model_are_refused() -> None:
    """Vectors of another length than before cannot be compared, which is said."""
    tracker = BotSort()
    tracker.update(looks(0, (LEFT, RED)))

    with pytest.raises(ShapeError, match="embeddings of"):
        tracker.update(looks(1, (LEFT, [1.0, 0])))


def test_streams_with_and_without_looks_go_together() -> None:
    """In one call, a stream with embeddings and one without are each as alone."""
    alone, together = [BotSort(), BotSort()], [BotSort(), BotSort()]

    for index in range(5):
        now = [looks(index, (LEFT, RED), (RIGHT, BLUE)), found(index, RIGHT)]
        want = [tracker.update(d) for tracker, d in zip(alone, now, strict=True)]
        got = update_many(together, now)

    for one, other in zip(want, got, strict=True):
        np.testing.assert_array_equal(one.ids, other.ids)
        np.testing.assert_array_equal(one.boxes_xyxy, other.boxes_xyxy)
