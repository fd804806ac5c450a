"""How the camera moved between two frames, as an affine map or as a shift.

From the pictures (``estimate_warp``), or from a file that somebody made of them
(``read_warps``), or, where there is neither, from the objects themselves (``shift_of_boxes``):
when all that was expected is found a little to the left, it was the camera that turned.
"""

from __future__ import annotations

import math

import numpy as np

from videoflow.vision.boxes import F64, Boxes

__all__ = ["shift_of_boxes"]

_LEAST_BOXES = 5  # from how many boxes a camera's motion is told from theirs
_SURE = 3.0  # how many times its own uncertainty a shift must be


def shift_of_boxes(expected_xyxy: Boxes, seen_xyxy: Boxes) -> F64 | None:
    """Return how far the camera moved the picture, as the boxes of most objects tell.

    The median of how far each object is from where it was expected, as long as that is more
    than chance: more than three times the median deviation over the square root of the number.

    Args:
        expected_xyxy: float ``[M, 4]``, where objects were expected had the camera not moved.
        seen_xyxy: float ``[M, 4]``, where the same objects are.

    Returns:
        float64 ``[2]``, (x, y) in pixels, or None where there is nothing to say.
    """
    num = len(seen_xyxy)
    if num < _LEAST_BOXES:
        return None
    twice = (seen_xyxy - expected_xyxy).astype(np.float64, copy=False)
    shifts = (twice[:, :2] + twice[:, 2:]) / 2
    shift: F64 = _median(shifts)
    deviation = _median(np.abs(shifts - shift))
    if (np.abs(shift) > _SURE / math.sqrt(num) * deviation).any():
        return shift
    return None


def _median(values: F64) -> F64:
    # np.median takes 30 us for what takes 3; here there are never NaN.
    ordered = np.sort(values, axis=0)
    middle: F64 = (ordered[(len(values) - 1) // 2] + ordered[len(values) // 2]) / 2
    return middle
