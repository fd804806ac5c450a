"""Selection without waiting for the host gives what selection row by row gives."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from videoflow.data import Detections, Stamp
from videoflow.errors import ModelError
from videoflow.nets import postprocess
from videoflow.nets.letterbox import Letterbox
from videoflow.nets.postprocess import Selection, make_detections
from videoflow.nets.predictions import Predictions
from videoflow.nets.static_selection import select_static, settled_rows

FIT = Letterbox((200, 200), (100, 100), (128, 128))


def _crowd(num_images: int, num_places: int, *, seed: int = 0) -> Predictions:
    """Boxes in heaps, as a detector gives them before overlaps are settled."""
    random = np.random.default_rng(seed)
    heaps = random.uniform(10, 90, (num_images, 1 + num_places // 8, 2))
    which = random.integers(0, heaps.shape[1], (num_images, num_places))
    centers = np.take_along_axis(heaps, which[..., None], axis=1)
    centers = centers + random.normal(0, 3, centers.shape)
    sizes = random.uniform(8, 16, centers.shape)
    boxes = torch.from_numpy(np.concatenate((centers, sizes), axis=2)).float()
    logits = torch.from_numpy(random.normal(0, 1.5, (num_images, num_places, 4))).float()
    return Predictions(boxes, logits[..., 0], logits[..., 1:])


def _detect(
    predictions: Predictions, selection: Selection, monkeypatch: pytest.MonkeyPatch | None
) -> list[Detections]:
    num = len(predictions.boxes)
    stamps = [Stamp("camera", at, 0.0, (200, 200)) for at in range(num)]
    if monkeypatch is not None:

        def select(found: Predictions, wanted: Selection) -> postprocess.Selected:
            return select_static(
                found,
                score_threshold=wanted.score_threshold,
                nms_threshold=wanted.nms_threshold,
                class_indices=wanted.class_indices,
                floor=-np.inf,
            )

        monkeypatch.setattr(postprocess, "select", select)
    return make_detections(
        predictions, stamps=stamps, letterboxes=[FIT] * num, selection=selection
    )


def _assert_same(got: list[Detections], want: list[Detections]) -> None:
    for one, other in zip(got, want, strict=True):
        assert one.stamp == other.stamp
        assert one.labels.tolist() == other.labels.tolist()
        np.testing.assert_allclose(one.scores, other.scores, rtol=1e-6)
        np.testing.assert_array_equal(one.boxes_xyxy, other.boxes_xyxy)


@pytest.mark.parametrize("num_images", [0, 1, 5])
@pytest.mark.parametrize("score", [0.0, 0.1, 0.4, 0.999], ids=lambda score: f"score {score}")
@pytest.mark.parametrize("classes", [None, (0,), (0, 2), ()], ids=str)
def test_result_is_that_of_the_cpu(
    num_images: int,
    score: float,
    classes: tuple[int, ...] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same boxes in the same order, whatever the thresholds and classes."""
    predictions = _crowd(num_images, 300)
    selection = Selection(score, 0.5, classes)
    want = _detect(predictions, selection, None)

    got = _detect(predictions, selection, monkeypatch)

    _assert_same(got, want)


@pytest.mark.parametrize("nms_threshold", [0.0, 0.3, 0.65, 1.0])
def test_overlaps_are_settled_on_the_device(nms_threshold: float) -> None:
    """Heaps of boxes are settled within the rounds, without the way over the host."""
    found = select_static(
        _crowd(4, 400),
        score_threshold=0.1,
        nms_threshold=nms_threshold,
        class_indices=None,
        floor=-np.inf,
    )

    assert all(rows is not None for rows in settled_rows(found))


@pytest.mark.parametrize(
    "limits", [{"max_candidates": 16}, {"num_rounds": 1}], ids=["candidates", "chains"]
)
def test_what_is_not_settled_there_is_settled_on_the_host(
    limits: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More candidates or longer chains than provided for change nothing in the result."""
    predictions = _crowd(3, 300)
    selection = Selection(0.1, 0.5)
    want = _detect(predictions, selection, None)
    found = select_static(
        predictions,
        score_threshold=0.1,
        nms_threshold=0.5,
        class_indices=None,
        floor=-np.inf,
        **limits,
    )
    monkeypatch.setattr(postprocess, "select", lambda *_: found)

    got = _detect(predictions, selection, None)

    assert settled_rows(found)[0] is None
    _assert_same(got, want)


@pytest.mark.parametrize("part", ["boxes", "objectness", "classes"])
def test_numbers_that_are_none_are_told(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that overflows is told with its frame, as on the CPU."""
    predictions = _crowd(2, 50)
    getattr(predictions, part)[1] = torch.nan
    detect = partial(_detect, predictions, Selection(0.1, 0.5, (0,)))

    with pytest.raises(ModelError, match=r"frame 1: .*no finite numbers"):
        detect(None)
    with pytest.raises(ModelError, match=r"frame 1: .*no finite numbers"):
        detect(monkeypatch)


def test_network_is_not_asked_for_its_classes_below_the_floor() -> None:
    """Half precision may lift a place above the threshold that its objectness rules out."""
    predictions = Predictions(
        torch.ones(1, 1, 4), torch.tensor([[-1.0]]), torch.tensor([[[torch.inf]]])
    )

    found = select_static(
        predictions, score_threshold=0.2, nms_threshold=0.5, class_indices=None, floor=0.0
    )

    (rows,) = settled_rows(found)
    assert rows is not None
    assert len(rows) == 0
