"""From heatmaps over boxes to keypoints. Pure torch, for all boxes of a batch together.

A heatmap is stretched to the size of its box, bicubic, and the keypoint is where it is
highest. Stretching is two small matrix products here, so that boxes of different sizes share a
step; the rows and columns that a smaller box does not have are left out of the search.

Source: He et al., *Mask R-CNN*, arXiv:1703.06870, section 5; the roundings are those of
torchvision 0.29's ``heatmaps_to_keypoints``. Cubic convolution: Keys, *Cubic Convolution
Interpolation for Digital Image Processing*, 1981, with a = -0.75 as torch has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor

__all__ = ["find_peaks"]

_A: Final = -0.75
_MAX_PIXELS: Final = 1 << 22
"""Of all stretched heatmaps of one step: 16 MB."""


def find_peaks(heatmaps: Tensor, boxes_xyxy: Tensor) -> Tensor:
    """Return the highest place of each heatmap, float32 ``[M, K, 3]``: x, y, score.

    Waits for the device once, for the sizes of the boxes.

    Args:
        heatmaps: float32 ``[M, K, h, w]``, logits over the box.
        boxes_xyxy: float32 ``[M, 4]``, pixels.

    Returns:
        x and y in the pixels of ``boxes_xyxy``; the score is the sigmoid of the peak.
    """
    sizes = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).clamp(min=1)  # [M, 2], width and height
    whole = sizes.ceil().long()
    found = heatmaps.new_zeros((*heatmaps.shape[:2], 3))
    for rows, (width, height) in _steps(whole.tolist(), num_maps=heatmaps.shape[1]):
        found[rows] = _peaks(heatmaps[rows], whole[rows], height=height, width=width)
    scale = (sizes / whole).unsqueeze(1)
    found[..., :2] = (found[..., :2] + 0.5) * scale + boxes_xyxy[:, None, :2]
    return found


def _steps(
    sizes_wh: list[list[int]], *, num_maps: int
) -> Iterator[tuple[list[int], tuple[int, int]]]:
    """Yield rows of similar size, with the width and height that hold them all."""
    rows: list[int] = []
    width = height = 0
    for row in sorted(range(len(sizes_wh)), key=lambda row: sizes_wh[row]):
        wider, higher = max(width, sizes_wh[row][0]), max(height, sizes_wh[row][1])
        if rows and (len(rows) + 1) * num_maps * wider * higher > _MAX_PIXELS:
            yield rows, (width, height)
            rows, (wider, higher) = [], (sizes_wh[row][0], sizes_wh[row][1])
        rows.append(row)
        width, height = wider, higher
    if rows:
        yield rows, (width, height)


def _peaks(heatmaps: Tensor, whole_wh: Tensor, *, height: int, width: int) -> Tensor:
    """Return float32 ``[M, K, 3]``: column, row and score."""
    dtype = heatmaps.dtype
    across = _cubic_weights(whole_wh[:, 0], width, num_cells=heatmaps.shape[3], dtype=dtype)
    down = _cubic_weights(whole_wh[:, 1], height, num_cells=heatmaps.shape[2], dtype=dtype)
    stretched = down.unsqueeze(1) @ heatmaps @ across.transpose(1, 2).unsqueeze(1)
    outside_x = torch.arange(width, device=heatmaps.device) >= whole_wh[:, :1]
    outside_y = torch.arange(height, device=heatmaps.device) >= whole_wh[:, 1:]
    outside = outside_y.unsqueeze(2) | outside_x.unsqueeze(1)
    stretched.masked_fill_(outside.unsqueeze(1), -torch.inf)
    peak, at = stretched.flatten(2).max(dim=2)
    return torch.stack((at % width, at // width, peak.sigmoid()), dim=2)


def _cubic_weights(
    sizes: Tensor, longest: int, *, num_cells: int, dtype: torch.dtype
) -> Tensor:
    """Return float32 ``[M, longest, num_cells]``: how much of each cell a pixel is made of.

    Beyond the border the cells go on as the last one.
    """
    scale = (num_cells / sizes.double()).to(dtype).unsqueeze(1)
    place = scale * (torch.arange(longest, device=sizes.device) + 0.5) - 0.5  # [M, longest]
    low = place.floor()
    part = place - low
    weights = place.new_zeros((*place.shape, num_cells))
    for offset, distance in ((-1, part + 1), (0, part), (1, 1 - part), (2, 2 - part)):
        cell = (low.long() + offset).clamp(0, num_cells - 1)
        weights.scatter_add_(2, cell.unsqueeze(2), _cubic(distance, offset).unsqueeze(2))
    return weights


def _cubic(distance: Tensor, offset: int) -> Tensor:
    if offset in (0, 1):
        return ((_A + 2) * distance - (_A + 3)) * distance * distance + 1
    return ((_A * distance - 5 * _A) * distance + 8 * _A) * distance - 4 * _A
