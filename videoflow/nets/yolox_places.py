"""The places at which YOLOX looks for objects, and what its box numbers mean there.

Source: Ge et al., *YOLOX*, arXiv:2107.08430, section 2.1 (anchor-free).
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

__all__ = ["STRIDES", "decode_boxes", "make_places"]

STRIDES: Final = (8, 16, 32)
"""Pixels between two places, from the finest level to the coarsest."""


def make_places(height: int, width: int) -> Tensor:
    """Return float32 ``[A, 3]``: column, row and stride of every place of a picture.

    Rows go from the finest level to the coarsest, row by row.

    Args:
        height: In pixels, a multiple of the largest stride.
        width: As ``height``.
    """
    levels = []
    for stride in STRIDES:
        rows, columns = torch.meshgrid(
            torch.arange(height // stride), torch.arange(width // stride), indexing="ij"
        )
        strides = torch.full_like(rows, stride)
        levels.append(torch.stack((columns, rows, strides), dim=-1).flatten(0, 1))
    return torch.cat(levels).float()


def decode_boxes(raw: Tensor, places: Tensor) -> Tensor:
    """Return boxes as float32 ``[N, A, 4]``: centre x, y, width and height in pixels.

    Args:
        raw: float ``[N, A, 4]``: offsets from the place's upper left corner in strides, and
            logarithms of sizes in strides.
        places: float32 ``[A, 3]``, see ``make_places``.
    """
    boxes = raw.float()  # bfloat16 has no room for a position in pixels
    centers = (boxes[..., :2] + places[:, :2]) * places[:, 2:]
    sizes = boxes[..., 2:].exp() * places[:, 2:]
    return torch.cat((centers, sizes), dim=-1)
