"""Of boxes that overlap, the best: class by class, or group by group of a whole batch.

Takes one operator from the library and not its package, whose import brings PyTorch's compiler
along: 2 s in every process that detects, for what it never uses.
"""

from __future__ import annotations

import contextlib
import importlib.util
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from videoflow.nets.ranking import best_of_each

__all__ = ["suppress_in_groups", "suppress_overlaps"]

_MANY_BOXES = 1000
"""Of more, a CPU settles each class by itself sooner than all of them at once."""


def _load_nms() -> Any:
    """Return the library's operator ``nms(boxes_xyxy, scores, iou_threshold)``."""
    spec = importlib.util.find_spec("torchvision")
    for folder in (spec and spec.submodule_search_locations) or ():
        for library in Path(folder).glob("_C*.so"):
            with contextlib.suppress(OSError):  # said, with its cause, by the import below
                torch.ops.load_library(str(library))  # type: ignore[no-untyped-call] # theirs
    if not hasattr(torch.ops.torchvision, "nms"):  # it lies elsewhere, or is not installed
        import torchvision  # noqa: F401 - brings its operators
    return torch.ops.torchvision.nms


_nms = _load_nms()


def suppress_overlaps(
    boxes_xyxy: Tensor, scores: Tensor, labels: Tensor, *, iou_threshold: float
) -> Tensor:
    """Pick the best of boxes that overlap, in each class by itself.

    Args:
        boxes_xyxy: float32 ``[M, 4]``.
        scores: float32 ``[M]``.
        labels: int64 ``[M]``.
        iou_threshold: Of two boxes of one class that share more than this part of their
            union, the one with the lower score goes.

    Returns:
        int64 ``[K]``, the rows that stay, best first.
    """
    if not len(boxes_xyxy):
        return labels
    if boxes_xyxy.device.type == "cpu" and len(boxes_xyxy) > _MANY_BOXES:
        kept = _one_by_one(boxes_xyxy, scores, labels, iou_threshold)
        return kept[scores[kept].argsort(descending=True)]
    # Classes are kept apart by moving them to the right, from 0 on: boxes may reach over the
    # left or upper edge.
    moved = boxes_xyxy - boxes_xyxy.min()
    moved = moved + (labels.to(moved) * (moved.max() + 1)).unsqueeze(1)
    keep: Tensor = _nms(moved, scores, iou_threshold)
    return keep


def suppress_in_groups(
    boxes_xyxy: Tensor, scores: Tensor, groups: Tensor, *, iou_threshold: float
) -> Tensor:
    """Pick the best of boxes that overlap, for all groups of a batch at once.

    On CUDA the groups are moved apart and settled in one step. They are moved in double
    precision: a hundred classes of a few pictures end a million pixels from the origin, where
    a float32 has no digits left for the box. On a CPU, where the work grows with the square
    of the boxes, each group is settled by itself.

    Args:
        boxes_xyxy: float32 ``[M, 4]``.
        scores: float32 ``[M]``.
        groups: int64 ``[M]``, not negative.
        iou_threshold: See ``suppress_overlaps``.

    Returns:
        int64 ``[K]``, the rows that stay, in no order that matters.
    """
    if not len(boxes_xyxy):
        return groups
    if boxes_xyxy.device.type == "cpu":
        return _one_by_one(boxes_xyxy, scores, groups, iou_threshold)
    exact = boxes_xyxy.double()
    exact = exact - exact.min()
    exact += (groups * (exact.max() + 1)).unsqueeze(1)
    keep: Tensor = _nms(exact, scores.double(), iou_threshold)
    return keep


def _one_by_one(boxes: Tensor, scores: Tensor, groups: Tensor, iou_threshold: float) -> Tensor:
    order = best_of_each(scores, groups)
    boxes, scores = boxes[order], scores[order]
    sizes = torch.unique_consecutive(groups[order], return_counts=True)[1].tolist()
    kept, start = [], 0
    for size in sizes:
        end = start + size
        if size == 1:
            kept.append(order[start:end])
        else:
            keep = _nms(boxes[start:end], scores[start:end], iou_threshold)
            kept.append(order[start:end][keep])
        start = end
    return torch.cat(kept)
