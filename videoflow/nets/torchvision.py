"""The door to torchvision: the only file that imports it (1.3 s, so only workers do)."""

from __future__ import annotations

from torch import Tensor
from torchvision.ops import batched_nms

__all__ = ["suppress_overlaps"]


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
