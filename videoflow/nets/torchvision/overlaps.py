"""Of boxes that overlap, the best: class by class, or group by group of a whole batch."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.ops import batched_nms, nms

from videoflow.nets.ranking import best_of_each

__all__ = ["suppress_in_groups", "suppress_overlaps"]


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
    # The library keeps classes apart by moving them to the right, which fails for boxes that
    # reach over the left or upper edge.
    keep: Tensor = batched_nms(boxes_xyxy - boxes_xyxy.min(), scores, labels, iou_threshold)
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
    keep: Tensor = nms(exact, scores.double(), iou_threshold)
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
            keep = nms(boxes[start:end], scores[start:end], iou_threshold)
            kept.append(order[start:end][keep])
        start = end
    return torch.cat(kept)
