from __future__ import annotations

import numpy as np
import pytest
import torch

from videoflow.data import Detections, Stamp
from videoflow.nets.letterbox import Letterbox
from videoflow.nets.postprocess import Selection, make_detections
from videoflow.nets.predictions import Predictions

STAMP = Stamp("camera", 0, 0.0, (200, 200))
TWICE = Letterbox((200, 200), (100, 100), (128, 128))  # the picture is twice the input

# centre x, centre y, width, height, objectness, then three classes, as probabilities
Row = tuple[float, ...]

ROWS: list[Row] = [
    (20, 20, 10, 20, 0.9, 0.8, 0.1, 0.1),  # 0: class 0, score 0.72
    (21, 20, 10, 20, 0.8, 0.8, 0.1, 0.1),  # 1: the same object, 0.64
    (20, 20, 10, 20, 0.5, 0.1, 0.9, 0.1),  # 2: another class at the same place, 0.45
    (80, 80, 10, 10, 0.9, 0.1, 0.1, 0.3),  # 3: class 2, 0.27
    (50, 50, 10, 10, 0.1, 0.9, 0.1, 0.1),  # 4: class 0, 0.09
]


def _predictions(images: list[list[Row]], *, num_places: int = 6) -> Predictions:
    nothing: Row = (10, 10, 5, 5, 0.001, 0.5, 0.5, 0.5)
    padded = [rows + [nothing] * (num_places - len(rows)) for rows in images]
    table = torch.tensor(padded, dtype=torch.float32)
    return Predictions(table[..., :4], table[..., 4].logit(), table[..., 5:].logit())


def _detect(
    images: list[list[Row]],
    *,
    score: float = 0.2,
    classes: tuple[int, ...] | None = None,
) -> list[Detections]:
    return make_detections(
        _predictions(images),
        stamps=[STAMP] * len(images),
        letterboxes=[TWICE] * len(images),
        selection=Selection(score, 0.5, classes),
    )


def test_scores_boxes_and_labels_of_one_frame() -> None:
    """Score is objectness x class; boxes are corners in the source; doubles are gone."""
    (found,) = _detect([ROWS])

    np.testing.assert_allclose(found.scores, [0.72, 0.45, 0.27], atol=1e-5)
    assert found.labels.tolist() == [0, 1, 2]
    np.testing.assert_allclose(
        found.boxes_xyxy, [[30, 20, 50, 60], [30, 20, 50, 60], [150, 150, 170, 170]], atol=1e-4
    )


@pytest.mark.parametrize(
    ("score", "num_found"), [(0.0, 5), (0.05, 4), (0.3, 2), (0.99, 0), (1.0, 0)]
)
def test_threshold_is_the_least_score(score: float, num_found: int) -> None:
    """Nothing below the threshold comes out; at 0 every place that is no double does."""
    (found,) = _detect([ROWS], score=score)

    assert len(found) == num_found


@pytest.mark.parametrize("classes", [(0,), (1, 2), (0, 1, 2)], ids=str)
def test_class_filter_only_leaves_out(classes: tuple[int, ...]) -> None:
    """Filtered detections are the unfiltered ones of these classes, untouched."""
    (every,), (some,) = _detect([ROWS]), _detect([ROWS], classes=classes)

    want = every[np.isin(every.labels, classes)]
    np.testing.assert_array_equal(some.boxes_xyxy, want.boxes_xyxy)
    np.testing.assert_array_equal(some.scores, want.scores)


@pytest.mark.parametrize("position", [0, 3, 7])
def test_frame_gives_the_same_at_every_place_in_the_batch(position: int) -> None:
    """What is in a batch beside a frame changes nothing, bit by bit."""
    (alone,) = _detect([ROWS])
    crowd: list[list[Row]] = [[(60, 60, 90, 90, 0.9, 0.9, 0.9, 0.9)] for _ in range(8)]
    crowd[position] = ROWS

    found = _detect(crowd)[position]

    np.testing.assert_array_equal(found.boxes_xyxy, alone.boxes_xyxy)
    np.testing.assert_array_equal(found.scores, alone.scores)


def test_empty_frames_stand_between_full_ones() -> None:
    """A frame without objects gets empty detections of the right types, in its place."""
    found = _detect([[], ROWS, []])

    assert [len(one) for one in found] == [0, 3, 0]
    assert found[0].boxes_xyxy.shape == (0, 4)
    assert found[0].stamp == STAMP


def test_batch_of_nothing_gives_nothing() -> None:
    """No images, no detections."""
    none = Predictions(torch.zeros(0, 6, 4), torch.zeros(0, 6), torch.zeros(0, 6, 3))

    assert make_detections(none, stamps=[], letterboxes=[], selection=Selection(0.1, 0.5)) == []
