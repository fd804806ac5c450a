"""Boxes as rows of an array: which are usable, their overlap, the point a person stands on.

Knows nothing of who the boxes belong to. All functions take any number of rows, also none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["F64", "Boxes", "areas", "foot_points", "iou", "usable"]

F64 = NDArray[np.float64]
Boxes = NDArray[np.floating[Any]]


def usable(boxes_xyxy: Boxes) -> NDArray[np.bool_]:
    """Say which boxes are finite and wider and higher than nothing.

    Args:
        boxes_xyxy: float ``[M, 4]``, left, top, right, bottom.

    Returns:
        bool ``[M]``.
    """
    is_finite = np.isfinite(boxes_xyxy).all(axis=1)
    is_wide = boxes_xyxy[:, 2] > boxes_xyxy[:, 0]
    return is_finite & is_wide & (boxes_xyxy[:, 3] > boxes_xyxy[:, 1])


def areas(boxes_xyxy: Boxes) -> F64:
    """Return the areas, float64 ``[M]``; 0 for a box that is inside out."""
    boxes = boxes_xyxy.astype(np.float64, copy=False)
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0)
    area: F64 = sides[:, 0] * sides[:, 1]
    return area


def iou(boxes_xyxy: Boxes, others_xyxy: Boxes) -> F64:
    """Return intersection over union of each box with each of the others.

    Args:
        boxes_xyxy: float ``[M, 4]``.
        others_xyxy: float ``[K, 4]``.

    Returns:
        float64 ``[M, K]``, 0 to 1; 0 where both areas are 0.

    Example:
        >>> iou(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2], [5, 5, 6, 6]])).round(3)
        array([[0.333, 0.   ]])
    """
    a = boxes_xyxy.astype(np.float64, copy=False)
    b = others_xyxy.astype(np.float64, copy=False)
    width = np.minimum(a[:, None, 2], b[:, 2]) - np.maximum(a[:, None, 0], b[:, 0])
    height = np.minimum(a[:, None, 3], b[:, 3]) - np.maximum(a[:, None, 1], b[:, 1])
    shared = np.maximum(width, 0.0) * np.maximum(height, 0.0)  # [M, K]
    union = areas(a)[:, None] + areas(b) - shared
    overlap: F64 = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return overlap


def foot_points(boxes_xyxy: Boxes) -> F64:
    """Return the middle of each box's lower edge: where a person touches the floor.

    Args:
        boxes_xyxy: float ``[M, 4]``.

    Returns:
        float64 ``[M, 2]``, (x, y).
    """
    boxes = boxes_xyxy.astype(np.float64, copy=False)
    return np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]], axis=1)
