"""From the small square of an object's mask to the pixels of the picture. Pure.

Source: He et al., *Mask R-CNN*, arXiv:1703.06870, section 3.1 ("Inference"): the m x m mask is
resized to the box and cut at 0.5; the roundings are those of torchvision 0.29's
``paste_masks_in_image``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from videoflow.data.masks import Masks

__all__ = ["crop_masks"]

F32 = NDArray[np.float32]

_BORDER: Final = 1
"""Empty cells around the square, so that a mask fades out beyond its box."""


def crop_masks(scores: F32, boxes_xyxy: F32, *, size_hw: tuple[int, int]) -> Masks:
    """Resize each mask to its box, within the picture, and keep what is at least 0.5.

    Args:
        scores: float32 ``[M, h, w]``, 0 to 1, over the box.
        boxes_xyxy: float32 ``[M, 4]``, pixels of the picture.
        size_hw: Height and width of the picture in pixels.
    """
    num_rows, num_columns = scores.shape[1:]
    padded = np.pad(scores, ((0, 0), (_BORDER, _BORDER), (_BORDER, _BORDER)))
    growth_xy = np.array(
        [1 + 2 * _BORDER / num_columns, 1 + 2 * _BORDER / num_rows], np.float32
    )
    center = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) * np.float32(0.5)
    half = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]) * np.float32(0.5) * growth_xy
    first = (center - half).astype(np.int64)
    sizes = np.maximum((center + half).astype(np.int64) - first + 1, 1)
    limits = np.array(size_hw[::-1])
    visible = first.clip(0, limits), (first + sizes).clip(0, limits)
    crops = []
    for mask, begin, size, start, stop in zip(padded, first, sizes, *visible, strict=True):
        columns, rows = (
            _linear_weights(
                int(size[axis]),
                int(start[axis] - begin[axis]),
                int(stop[axis] - begin[axis]),
                num_cells=mask.shape[1 - axis],
            )
            for axis in (0, 1)
        )
        crops.append(rows @ mask @ columns.T >= 0.5)
    return Masks(size_hw, visible[0].astype(np.int32), tuple(crops))


def _linear_weights(size: int, start: int, stop: int, *, num_cells: int) -> F32:
    """Return float32 ``[stop - start, num_cells]``: how much of each cell a pixel is made of.

    Args:
        size: Pixels that the cells are stretched over.
        start: First pixel to return.
        stop: The one after the last.
        num_cells: How many there are.
    """
    pixels = np.arange(start, stop)
    place = (pixels.astype(np.float32) + np.float32(0.5)) * np.float32(num_cells / size)
    place = np.maximum(place - np.float32(0.5), np.float32(0))
    low = np.minimum(place.astype(np.int64), num_cells - 1)
    part = place - low.astype(np.float32)
    weights = np.zeros((len(pixels), num_cells), np.float32)
    rows = np.arange(len(pixels))
    weights[rows, low] = 1 - part
    weights[rows, np.minimum(low + 1, num_cells - 1)] += part
    return weights
