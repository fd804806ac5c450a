"""Pictures whose content is known, in both layouts."""

from __future__ import annotations

import torch
from torch import Tensor

from videoflow.data import ColorSpec, Frame, Stamp
from videoflow.data.color import rgb_to_nv12


def smooth_picture(size_hw: tuple[int, int]) -> Tensor:
    """Return uint8 ``[3, H, W]`` without hard edges, in every colour."""
    height, width = size_hw
    y = torch.linspace(0, 3, height)[:, None]
    x = torch.linspace(0, 4, width)[None, :]
    waves = torch.stack((torch.sin(x + y), torch.cos(x - y), torch.sin(x - 2 * y)))
    return (128 + 90 * waves).round().to(torch.uint8)


def noisy_picture(size_hw: tuple[int, int], *, seed: int = 0) -> Tensor:
    """Return uint8 ``[3, H, W]`` full of detail."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (3, *size_hw), dtype=torch.uint8, generator=generator)


def as_rgb(picture: Tensor, stamp: Stamp | None = None) -> Frame:
    """Return ``[3, H, W]`` as an RGB frame."""
    return Frame(picture, stamp or _stamp(picture), "rgb")


def as_nv12(picture: Tensor, stamp: Stamp | None = None) -> Frame:
    """Return ``[3, H, W]`` of an even size as an NV12 frame."""
    color = ColorSpec()
    return Frame(rgb_to_nv12(picture[None], color)[0], stamp or _stamp(picture), "nv12", color)


def _stamp(picture: Tensor) -> Stamp:
    return Stamp("camera", 0, 0.0, (picture.shape[1], picture.shape[2]))
