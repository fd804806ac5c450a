"""Boxes as rows of an array: which are usable, their overlap, the point a person stands on.

Knows nothing of who the boxes belong to. All functions take any number of rows, also none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["F64", "Boxes", "areas", "foot_points", "height_modulated_iou", "iou", "usable"]

_LEAST_AREA = np.finfo(np.float64).tiny  # so that nothing / nothing is 0

F64 = NDArray[np.float64]
"""Any array of float64."""
Boxes = NDArray[np.floating[Any]]
"""Floats ``[M, 4]``: x1, y1, x2, y2."""


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
    return _areas(np.ascontiguousarray(boxes_xyxy.T, np.float64))


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
    overlap, _ = _iou_and_shared_heights(boxes_xyxy, others_xyxy)
    return overlap


def height_modulated_iou(boxes_xyxy: Boxes, others_xyxy: Boxes) -> F64:
    """Return the IoU of each two boxes times the IoU of their heights alone.

    Of two people side by side one usually stands nearer, so that feet and head are at other
    heights in the picture; this tells them apart where the areas still overlap.

    Args:
        boxes_xyxy: float ``[M, 4]``.
        others_xyxy: float ``[K, 4]``.

    Returns:
        float64 ``[M, K]``, 0 to 1; 0 where both areas are 0.

    Source: Yang et al., *Hybrid-SORT: weak cues matter for online multi-object tracking*,
    AAAI 2024, section 3.3.
    """
    overlap, shared = _iou_and_shared_heights(boxes_xyxy, others_xyxy)
    heights = boxes_xyxy[:, 3] - boxes_xyxy[:, 1]
    union = np.add.outer(heights, others_xyxy[:, 3] - others_xyxy[:, 1])
    union -= shared
    overlap *= shared / np.maximum(union, _LEAST_AREA)
    return overlap


def _areas(columns: F64) -> F64:
    sides = columns[2:] - columns[:2]
    np.maximum(sides, 0.0, out=sides)
    area: F64 = sides[0] * sides[1]
    return area


def _iou_and_shared_heights(boxes_xyxy: Boxes, others_xyxy: Boxes) -> tuple[F64, F64]:
    # Side by side in memory: with strides the same operations take ten times as long.
    columns = np.ascontiguousarray(boxes_xyxy.T, np.float64)  # [4, M]
    other_columns = np.ascontiguousarray(others_xyxy.T, np.float64)
    a, b = columns[:, :, None], other_columns[:, None]
    sides = np.minimum(a[2:], b[2:])
    sides -= np.maximum(a[:2], b[:2])
    np.maximum(sides, 0.0, out=sides)
    shared = sides[0] * sides[1]  # [M, K]
    union = _areas(columns)[:, None] + _areas(other_columns)
    union -= shared
    np.maximum(union, _LEAST_AREA, out=union)
    shared /= union
    return shared, sides[1]


def foot_points(boxes_xyxy: Boxes) -> F64:
    """Return the middle of each box's lower edge: where a person touches the floor.

    Args:
        boxes_xyxy: float ``[M, 4]``.

    Returns:
        float64 ``[M, 2]``, (x, y).
    """
    boxes = boxes_xyxy.astype(np.float64, copy=False)
    return np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]], axis=1)
