"""Size of pictures, in plain torch: the same code on every device, without a way over RGB."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from videoflow.data.color import split_nv12

__all__ = ["pad_to_even", "resize_nv12", "resize_rgb"]


def resize_nv12(planes: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """Resize a batch of NV12 pictures, plane by plane.

    Args:
        planes: uint8 ``[N, H * 3 / 2, W]``.
        size_hw: Height and width to reach, both even.

    Returns:
        uint8 ``[N, h * 3 / 2, w]``, fresh.

    Raises:
        ShapeError: ``planes`` is of another shape or dtype.
    """
    height, width = size_hw
    luma, chroma = split_nv12(planes)
    out = luma.new_empty((len(planes), height * 3 // 2, width))
    new_luma, new_chroma = split_nv12(out)
    new_luma.copy_(resize_rgb(luma, (height, width)))
    new_chroma.copy_(resize_rgb(chroma, (height // 2, width // 2)))
    return out


def resize_rgb(pixels: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """Resize a batch, bilinear, with a filter as wide as the step where it shrinks.

    Args:
        pixels: uint8 ``[N, C, H, W]``, any strides.
        size_hw: Height and width to reach.

    Returns:
        uint8 ``[N, C, h, w]``, fresh.
    """
    if pixels.device.type == "cpu":
        return F.interpolate(pixels, size_hw, mode="bilinear", antialias=True)
    # CUDA has no such kernel for bytes.
    resized = F.interpolate(pixels.float(), size_hw, mode="bilinear", antialias=True)
    return resized.round_().clamp_(0, 255).to(torch.uint8)


def pad_to_even(pixels: Tensor) -> Tensor:
    """Repeat the last row and column where H or W is odd.

    Args:
        pixels: uint8 ``[N, C, H, W]``.

    Returns:
        uint8 ``[N, C, H + H % 2, W + W % 2]``; ``pixels`` itself where nothing is odd.
    """
    if pixels.shape[2] % 2:
        pixels = torch.cat((pixels, pixels[:, :, -1:]), dim=2)
    if pixels.shape[3] % 2:
        pixels = torch.cat((pixels, pixels[:, :, :, -1:]), dim=3)
    return pixels
