"""From a network's predictions to detections: threshold, classes, overlaps.

On a CPU the few rows above the threshold are found and overlaps are settled frame by frame. On
a GPU the same is done with shapes that are known before (``nets.static_selection``). Either
way a frame's boxes never depend on what else is in the batch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from videoflow.data.detections import Detections
from videoflow.data.frame import Stamp
from videoflow.errors import ModelError
from videoflow.nets.letterbox import Letterbox
from videoflow.nets.predictions import Predictions
from videoflow.nets.static_selection import (
    StaticRows,
    all_rows,
    select_static,
    settled_rows,
)
from videoflow.nets.torchvision.overlaps import suppress_overlaps

__all__ = [
    "Selected",
    "Selection",
    "check_numbers",
    "make_detections",
    "read_selected",
    "select",
]

Selected = Tensor | StaticRows
"""What may become detections: float32 ``[K, 7]`` (image, left, top, right, bottom, score,
label) in the order of the images, or the same in shapes that are known before."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which predictions become detections.

    Attributes:
        score_threshold: Least score, 0 to 1; the score is objectness x class.
        nms_threshold: Intersection over union above which two boxes of one class are one.
        class_indices: Classes to keep, or None for all. A place still belongs to its best
            class, so that a filter only leaves out.
    """

    score_threshold: float
    nms_threshold: float
    class_indices: tuple[int, ...] | None = None


def make_detections(
    predictions: Predictions,
    *,
    stamps: Sequence[Stamp],
    letterboxes: Sequence[Letterbox],
    selection: Selection,
) -> list[Detections]:
    """Select, frame by frame, and map boxes to the source pictures.

    Args:
        predictions: Of N images, on any device.
        stamps: N, which frame each image is.
        letterboxes: N, how each image was fitted.
        selection: Which predictions stay.

    Returns:
        N detections, best first.

    Raises:
        ModelError: Numbers that are none; see ``check_numbers``.
    """
    return read_selected(
        select(predictions, selection),
        stamps=stamps,
        letterboxes=letterboxes,
        selection=selection,
    )


def select(predictions: Predictions, selection: Selection) -> Selected:
    """Find what may become detections, on the device of the predictions.

    On a GPU nothing waits for the host; on a CPU, where that costs nothing, only the few
    places above the threshold are looked at.
    """
    if predictions.boxes.device.type == "cpu":
        return _candidates(predictions, selection)
    return select_static(
        predictions,
        score_threshold=selection.score_threshold,
        nms_threshold=selection.nms_threshold,
        class_indices=selection.class_indices,
        floor=_logit(selection.score_threshold),
    )


def read_selected(
    found: Selected,
    *,
    stamps: Sequence[Stamp],
    letterboxes: Sequence[Letterbox],
    selection: Selection,
) -> list[Detections]:
    """Make detections of what ``select`` found; see ``make_detections``.

    Args:
        found: Of N images; best in host memory, but for what ``OnDevice`` holds.
        stamps: N, which frame each image is.
        letterboxes: N, how each image was fitted.
        selection: As for ``select``.
    """
    if isinstance(found, StaticRows):
        return [
            _settled_detections(rows, stamp, fit)
            if rows is not None
            else _frame_detections(all_rows(found, at), stamp, fit, selection)
            for at, (rows, stamp, fit) in enumerate(
                zip(settled_rows(found), stamps, letterboxes, strict=True)
            )
        ]
    ends = torch.bincount(found[:, 0].long(), minlength=len(stamps)).tolist()
    return [
        _frame_detections(part[:, 1:], stamp, fit, selection)
        for part, stamp, fit in zip(torch.split(found, ends), stamps, letterboxes, strict=True)
    ]


def check_numbers(boxes: NDArray[Any], scores: NDArray[Any], *, stamp: Stamp) -> None:
    """Refuse boxes or scores that are infinite or no numbers.

    A network that overflows says so in all its outputs, and would else be one that finds
    nothing in a frame, for ever.

    Raises:
        ModelError: Names the frame.
    """
    if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
        raise ModelError(
            f"stream {stamp.stream!r}, frame {stamp.index}: "
            "the network gave boxes or scores that are no finite numbers",
            help="precision='float32'; or its input is in another range than the card says",
        )


def _candidates(predictions: Predictions, selection: Selection) -> Tensor:
    """Return float32 ``[K, 7]``: image, left, top, right, bottom, score, label."""
    # A score is never above its objectness: most places fall before their classes are read.
    floor = _logit(selection.score_threshold)
    # Not "at least the floor": what is no number stays, to be told.
    is_low = predictions.objectness.float() < floor
    image, place = is_low.logical_not_().nonzero(as_tuple=True)
    best, label = predictions.classes[image, place].max(dim=1)
    objectness = predictions.objectness[image, place]
    score = objectness.float().sigmoid() * best.float().sigmoid()
    center, size = predictions.boxes[image, place].float().chunk(2, dim=1)
    rows = torch.cat(
        (
            image[:, None],
            center - size / 2,
            center + size / 2,
            score[:, None],
            label[:, None],
        ),
        dim=1,
    )
    stays = (score < selection.score_threshold).logical_not_()
    if selection.class_indices is not None:
        wanted = torch.tensor(selection.class_indices, device=label.device)
        stays &= torch.isin(label, wanted) | score.isnan()
    return rows[stays]


def _frame_detections(
    rows: Tensor, stamp: Stamp, fit: Letterbox, selection: Selection
) -> Detections:
    """Settle overlaps of one frame, float32 ``[K, 6]``."""
    check_numbers(rows[:, :4].numpy(), rows[:, 4].numpy(), stamp=stamp)
    boxes, scores, labels = rows[:, :4], rows[:, 4], rows[:, 5].long()
    keep = suppress_overlaps(boxes, scores, labels, iou_threshold=selection.nms_threshold)
    return _settled_detections(rows[keep].numpy(), stamp, fit)


def _settled_detections(rows: NDArray[np.float32], stamp: Stamp, fit: Letterbox) -> Detections:
    return Detections(
        stamp,
        boxes_xyxy=fit.to_source(rows[:, :4]),
        scores=rows[:, 4],
        labels=rows[:, 5].astype(np.int64),
    )


def _logit(probability: float) -> float:
    if probability <= 0:
        return -math.inf
    if probability >= 1:
        return math.inf
    # A hair below, so that rounding drops no place whose exact score is the threshold.
    return math.log(probability / (1 - probability)) - 1e-4
