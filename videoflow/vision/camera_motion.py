"""How the camera moved between two frames, as an affine map or as a shift.

From the pictures (``estimate_warp``), or from a file that somebody made of them
(``data.camera_motion.read_warps``), or, where there is neither, from the objects themselves
(``shift_of_boxes``): when all that was expected is found a little to the left, it was the
camera that turned.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videoflow.errors import ShapeError
from videoflow.vision.boxes import F64, Boxes

__all__ = ["estimate_warp", "shift_of_boxes"]

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


def estimate_warp(before: NDArray[Any], after: NDArray[Any]) -> F64:
    """Return how the picture shifted between two frames, by phase correlation.

    All of the picture votes, so what moves in front of a large background hardly counts. Finds
    shifts up to a quarter of the picture, to about a tenth of its pixels; no turn and no zoom.
    Give it a luma plane made small, such as 1 pixel in 4; then scale the shift back with
    ``warp[:, 2] *= 4``.

    Args:
        before: ``[H, W]``, luma of the earlier frame, any real dtype.
        after: ``[H, W]``, of the later one.

    Returns:
        float64 ``[2, 3]``, places in ``before`` to places in ``after``, in their pixels; the
        identity where the pictures have nothing in common.

    Raises:
        ShapeError: The two differ in shape, or are no planes of at least 16 x 16.

    Source: Kuglin and Hines, *The phase correlation image alignment method*, 1975; sub-pixel
    peak by the centre of mass, Foroosh, Zerubia and Berthod, 2002.
    """
    if before.shape != after.shape or before.ndim != 2 or min(before.shape) < 16:
        raise ShapeError(
            f"estimate_warp: got {list(before.shape)} and {list(after.shape)}, "
            "want two planes [H, W] of one size, at least 16 x 16"
        )
    window = np.outer(np.hanning(before.shape[0]), np.hanning(before.shape[1]))
    spectra = [
        np.fft.rfft2((plane - plane.mean(dtype=np.float64)) * window)
        for plane in (before, after)
    ]
    cross = spectra[1] * spectra[0].conj()
    size = np.abs(cross)
    warp = np.eye(2, 3)
    if not size.max() > 0:
        return warp
    # Frequencies that hardly occur are noise: without the least term they would vote in full.
    surface = np.fft.irfft2(cross / (size + 1e-3 * size.mean()), before.shape)
    warp[:, 2] = _peak(surface)
    return warp


def _peak(surface: F64) -> tuple[float, float]:
    """Return where a periodic surface is highest, as (x, y) from the corner."""
    height, width = surface.shape
    y, x = np.unravel_index(int(surface.argmax()), surface.shape)
    near = np.arange(-2, 3)
    patch = np.maximum(surface[np.ix_((y + near) % height, (x + near) % width)], 0.0)
    dy, dx = patch.sum(axis=1) @ near / patch.sum(), patch.sum(axis=0) @ near / patch.sum()
    place_y, place_x = y + dy, x + dx
    if place_y > height / 2:
        place_y -= height
    if place_x > width / 2:
        place_x -= width
    if abs(place_y) > height / 4 or abs(place_x) > width / 4:
        return 0.0, 0.0
    return float(place_x), float(place_y)


def _median(values: F64) -> F64:
    # np.median takes 30 us for what takes 3; here there are never NaN.
    ordered = np.sort(values, axis=0)
    middle: F64 = (ordered[(len(values) - 1) // 2] + ordered[len(values) // 2]) / 2
    return middle
