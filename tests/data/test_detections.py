"""Detections and tracks check what they are made of, and pick rows with everything on them."""

from __future__ import annotations

import numpy as np
import pytest

from videoflow.data import Detections, Masks, Stamp, Tracks
from videoflow.errors import ShapeError

STAMP = Stamp("door", 0, 0.0, (8, 8))


def three() -> Detections:
    boxes = np.arange(12, dtype=np.float32).reshape(3, 4)
    return Detections(
        STAMP,
        boxes,
        np.ones(3, np.float32),
        np.arange(3),
        embeddings=np.eye(3, dtype=np.float32),
        masks=Masks.from_dense(np.ones((3, 8, 8), bool)),
        keypoints=np.zeros((3, 17, 3), np.float32),
    )


def test_rows_keep_their_extras() -> None:
    """A row that is picked brings its embedding, its mask and its keypoints."""
    picked = three()[[2, 0]]

    assert picked.labels.tolist() == [2, 0]
    assert picked.embeddings is not None
    assert picked.embeddings.argmax(axis=1).tolist() == [2, 0]
    assert picked.masks is not None
    assert picked.keypoints is not None
    assert len(picked.masks) == len(picked.keypoints) == 2


def test_tracks_pick_rows_too() -> None:
    """Tracks can be picked from like detections."""
    found = three()
    tracks = Tracks(STAMP, np.array([4, 7, 9]), found.boxes_xyxy, found.scores, found.labels)

    assert tracks[tracks.ids > 4].ids.tolist() == [7, 9]
    assert len(tracks[:0]) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("embeddings", np.zeros((2, 4), np.float32), id="too few rows"),
        pytest.param("embeddings", np.zeros((3, 4)), id="float64"),
        pytest.param("keypoints", np.zeros((3, 17, 2), np.float32), id="no score"),
    ],
)
def test_extras_fit_the_boxes(name: str, value: object) -> None:
    """An extra with another number of rows, type or last axis is refused."""
    found = three()

    with pytest.raises(ShapeError, match=name):
        Detections(STAMP, found.boxes_xyxy, found.scores, found.labels, **{name: value})  # type: ignore[arg-type] # wrong on purpose


@pytest.mark.parametrize("kind", [Detections, Tracks])
def test_a_row_is_no_frame(kind: type[Detections] | type[Tracks]) -> None:
    """Who goes through the boxes of a frame as through a list is told what to do."""
    one = kind.empty(Stamp("cam", 0, 0.0, (48, 64)))

    with pytest.raises(ShapeError, match="got the row 0, want a mask"):
        list(one)  # type: ignore[call-overload] # that is the mistake
    with pytest.raises(ShapeError, match="got the row 3"):
        one[np.int64(3)]
