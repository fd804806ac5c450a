"""Detections and tracks as those of supervision, and back."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from videoflow.data import (
    Detections,
    Masks,
    Stamp,
    Tracks,
    detections_from_supervision,
    to_supervision,
    tracks_from_supervision,
)
from videoflow.errors import MissingDependencyError, ShapeError

sv = pytest.importorskip("supervision")

STAMP = Stamp("door", 7, 0.7, (8, 10))


def found(num: int = 2, **extras: Any) -> Detections:
    boxes = np.array([[2, 1, 5, 3], [0, 4, 10, 8]], np.float32)[:num]
    scores = np.array([0.5, 0.9], np.float32)[:num]
    return Detections(STAMP, boxes, scores, np.array([1, 0])[:num], **extras)


def with_everything() -> Detections:
    masks = np.zeros((2, 8, 10), bool)
    masks[0, 1:3, 2:5] = masks[1, 4:] = True
    return found(
        embeddings=np.eye(2, 4, dtype=np.float32),
        masks=Masks.from_dense(masks),
        keypoints=np.arange(18, dtype=np.float32).reshape(2, 3, 3),
    )


def same(one: Any, other: Any) -> None:
    for name in ("boxes_xyxy", "scores", "labels", "embeddings", "keypoints"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (one.masks is None) == (other.masks is None)
    if one.masks is not None:
        np.testing.assert_array_equal(one.masks.dense(), other.masks.dense())
    assert one.stamp == other.stamp


@pytest.mark.parametrize(
    "people",
    [
        pytest.param(found(0), id="empty"),
        pytest.param(found(1), id="one"),
        pytest.param(with_everything(), id="with everything"),
    ],
)
def test_detections_come_back_as_they_were(people: Detections) -> None:
    """Nothing is lost on the way to supervision and back, the stamp included."""
    same(detections_from_supervision(to_supervision(people)), people)


def test_tracks_come_back_as_they_were() -> None:
    """Ids are tracker_id there."""
    of = with_everything()
    extras = (of.embeddings, of.masks, of.keypoints)
    tracks = Tracks(STAMP, np.array([3, 8]), of.boxes_xyxy, of.scores, of.labels, *extras)

    there: Any = to_supervision(tracks)
    back = tracks_from_supervision(there)

    assert there.tracker_id.tolist() == [3, 8]
    assert back.ids.tolist() == [3, 8]
    same(back, tracks)
    assert len(tracks_from_supervision(to_supervision(tracks[:0]))) == 0


def test_supervision_knows_what_arrives() -> None:
    """Picking rows there picks names, masks and keypoints with them."""
    there: Any = to_supervision(with_everything(), class_names=["cat", "dog"])

    picked = there[there.confidence > 0.6]

    assert picked.data["class_name"].tolist() == ["cat"]
    assert picked.mask.sum() == 40
    same(detections_from_supervision(picked), with_everything()[[1]])


def test_what_supervision_leaves_out() -> None:
    """Without confidence a score is 1, without class_id a label is 0; a stamp must be said."""
    bare = sv.Detections(xyxy=np.array([[0.0, 0, 1, 1]]))

    people = detections_from_supervision(bare, stamp=STAMP)

    assert (people.scores.tolist(), people.labels.tolist(), people.stamp) == ([1], [0], STAMP)
    with pytest.raises(ShapeError, match="stamp=Stamp"):
        detections_from_supervision(bare)
    with pytest.raises(ShapeError, match="want an id for each"):
        tracks_from_supervision(bare, stamp=STAMP)


def test_without_supervision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not installed it is told the one line that does."""
    monkeypatch.setitem(sys.modules, "supervision", None)

    with pytest.raises(MissingDependencyError, match=r'pip install "videoflow\[supervision\]"'):
        to_supervision(found())


@pytest.mark.parametrize("names", [["cat"], {0: "cat"}], ids=["list", "mapping"])
def test_a_label_without_a_name_is_a_number(names: Any) -> None:
    """Labels beyond the names are written as numbers, as annotators do here."""
    got = to_supervision(found(), class_names=names)

    assert list(got.data["class_name"]) == ["1", "cat"]
