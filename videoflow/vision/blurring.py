"""Make regions of a picture unrecognisable, in place, in plain torch: the same on every device.

A region is reduced to the mean colours of a few cells, and drawn from these alone. Unlike a
blur with a kernel, which can largely be turned back, this leaves nothing but the cells.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from videoflow.data.color import split_nv12
from videoflow.data.frame import Layout
from videoflow.vision.boxes import Boxes, usable

__all__ = ["BlurMethod", "blur_regions", "whole_regions"]

BlurMethod = Literal["pixelate", "smooth"]
"""How a region is hidden: in cells of one colour, or smeared."""

_LEAST_CELL_PX: Final = 4.0


def blur_regions(
    pixels: Tensor,
    layout: Layout,
    regions_xyxy: Boxes,
    *,
    method: BlurMethod = "pixelate",
    num_cells: int = 5,
) -> None:
    """Replace what is in the regions; pixels outside of ``whole_regions`` stay as they are.

    Regions may overlap; the later one is made of what the earlier one left.

    Args:
        pixels: uint8, one picture as in ``Frame.buffer``; written to.
        layout: What ``pixels`` holds.
        regions_xyxy: float ``[M, 4]`` in pixels, any values; see ``whole_regions``.
        method: ``pixelate`` shows the cells as they are, ``smooth`` runs their colours into
            each other.
        num_cells: Along a region's longer side. A cell is 4 pixels or more all the same.
    """
    height, width = pixels.shape[-2:]
    planes = [(pixels, 1)]
    if layout == "nv12":
        luma, chroma = split_nv12(pixels[None])
        height = luma.shape[2]
        planes = [(luma[0], 1), (chroma[0], 2)]
    for left, top, right, bottom in whole_regions(regions_xyxy, (height, width)).tolist():
        cell = max((bottom - top) / num_cells, (right - left) / num_cells, _LEAST_CELL_PX)
        cells_hw = max(1, int((bottom - top) / cell)), max(1, int((right - left) / cell))
        for plane, scale in planes:
            rows = slice(top // scale, bottom // scale)
            columns = slice(left // scale, right // scale)
            part = plane[:, rows, columns]
            part.copy_(_coarse(part, cells_hw, method=method))


def whole_regions(regions_xyxy: Boxes, size_hw: tuple[int, int]) -> NDArray[np.int64]:
    """Return the pixels that a picture's regions touch, as int64 ``[K, 4]``.

    Edges go outwards to even pixels, so that luma and chroma agree, and into the picture. What
    is not finite, or has no area in the picture, is left out.

    Args:
        regions_xyxy: float ``[M, 4]``.
        size_hw: Of the picture.
    """
    height, width = size_hw
    limits = np.array([width, height, width, height])
    regions = np.clip(regions_xyxy[usable(regions_xyxy)].astype(np.float64), 0, limits)
    regions = regions[usable(regions)]
    low = np.floor(regions[:, :2] / 2) * 2
    high = np.minimum(np.ceil(regions[:, 2:] / 2) * 2, limits[2:])
    return np.hstack([low, high]).astype(np.int64)


def _coarse(part: Tensor, cells_hw: tuple[int, int], *, method: BlurMethod) -> Tensor:
    """Return float32 ``[C, h, w]``, made of the means of ``cells_hw`` equal cells."""
    means = F.adaptive_avg_pool2d(part.float()[None], cells_hw)
    size = part.shape[-2:]
    if method == "pixelate":
        return F.interpolate(means, size, mode="nearest")[0].round_()
    return F.interpolate(means, size, mode="bilinear", align_corners=False)[0].round_()
