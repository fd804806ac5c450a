"""What all detection networks do with boxes: clip, settle overlaps, keep the best.

Everything is flat, one row for each candidate of the whole batch, and no step waits for a
picture's own numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor

from videoflow.nets.objects import Objects
from videoflow.nets.postprocess import Selection
from videoflow.nets.ranking import best_of_each
from videoflow.nets.torchvision.overlaps import suppress_in_groups

__all__ = [
    "MIN_SIDE_PX",
    "Candidates",
    "clip",
    "exact",
    "find_classes",
    "is_larger",
    "keep_best",
    "logit_floor",
]

MIN_SIDE_PX: Final = 1e-2
"""Of a box in the input. What is smaller lies outside the picture and was clipped."""


class Candidates(NamedTuple):
    """Boxes that may become objects, of all pictures and classes of a batch.

    Attributes:
        image: int64 ``[M]``.
        boxes: float32 ``[M, 4]``, left, top, right, bottom in pixels of the input.
        scores: float32 ``[M]``.
        labels: int64 ``[M]``.
    """

    image: Tensor
    boxes: Tensor
    scores: Tensor
    labels: Tensor

    def rows(self, which: Tensor) -> Candidates:
        """Return the rows that a mask or an index picks."""
        return Candidates(*(column[which] for column in self))


def keep_best(
    candidates: Candidates,
    *,
    content_hw: Sequence[tuple[int, int]],
    selection: Selection,
    limit: int,
) -> Objects:
    """Clip boxes to their pictures and keep the best, overlaps settled class by class.

    Args:
        candidates: Of a batch.
        content_hw: Size of each picture in the input.
        selection: How far boxes of one class may overlap.
        limit: Of objects in a picture.
    """
    clipped = candidates._replace(
        boxes=clip(candidates.boxes, candidates.image, content_hw=content_hw)
    )
    classes = clipped.image * (1 << 16) + clipped.labels
    kept = suppress_in_groups(
        clipped.boxes, clipped.scores, classes, iou_threshold=selection.nms_threshold
    )
    found = clipped.rows(kept)
    found = found.rows(best_of_each(found.scores, found.image, limit=limit))
    return Objects(*found.rows(is_larger(found.boxes, MIN_SIDE_PX)))


def clip(boxes: Tensor, image: Tensor, *, content_hw: Sequence[tuple[int, int]]) -> Tensor:
    """Return float32 ``[M, 4]``: each box within the picture it is of.

    Args:
        boxes: float32 ``[M, 4]``.
        image: int64 ``[M]``.
        content_hw: N sizes.
    """
    limits = torch.tensor([(w, h, w, h) for h, w in content_hw], dtype=boxes.dtype)
    return boxes.clamp(min=0).minimum(limits.to(boxes.device)[image])


def is_larger(boxes: Tensor, side: float) -> Tensor:
    """Return bool ``[M]``: both sides of the box are at least ``side``."""
    return ((boxes[:, 2:] - boxes[:, :2]) >= side).all(dim=1)


def find_classes(
    values: Tensor, floor: float, *, selection: Selection, first: int = 0
) -> tuple[Tensor, ...]:
    """Return where a wanted class reaches ``floor``: int64 ``[M]`` for each dimension.

    Args:
        values: Float ``[..., C]``, one for each class.
        floor: Least value.
        selection: Which classes are wanted.
        first: The first class that is an object; what is before it is background.
    """
    if selection.class_indices is None:
        *where, column = (values[..., first:] >= floor).nonzero(as_tuple=True)
        return (*where, column + first)
    wanted = [at for at in selection.class_indices if at >= first]
    classes = torch.tensor(wanted, dtype=torch.int64, device=values.device)
    *where, column = (values[..., classes] >= floor).nonzero(as_tuple=True)
    return (*where, classes[column])


def exact(values: Tensor) -> Tensor:
    """Return ``values`` in at least float32: half a number is not enough for pixels."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def logit_floor(probability: float) -> float:
    """Return a logit a hair below that of ``probability``, so that rounding drops no row."""
    if probability <= 0:
        return -math.inf
    if probability >= 1:
        return 15.0  # the sigmoid of a float32 is 1 from 17 on
    return math.log(probability / (1 - probability)) - 1e-4
