"""Cut boxes out of frames, all of one size, on the model's device.

Luma and chroma are sampled apart and become colours afterwards, so that no frame is converted
whole. Bilinear without a low-pass filter, at exactly the box's edges: those need not lie on
pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from videoflow.data.color import split_nv12, ycbcr_to_rgb
from videoflow.data.frame import Frame
from videoflow.nets.card import InputContract
from videoflow.nets.preprocess import to_colours

__all__ = ["croppable", "make_crops"]


def croppable(boxes_xyxy: NDArray[np.float32], size_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which boxes show something: a pixel or more of each side, within the picture.

    Args:
        boxes_xyxy: float32 ``[M, 4]``, any values; not a number is no box.
        size_hw: Of the picture in pixels.

    Returns:
        bool ``[M]``.
    """
    height, width = size_hw
    limits = np.array([width, height, width, height], np.float32)
    left, top, right, bottom = np.clip(boxes_xyxy, 0, limits).T
    # False where an edge is not a number.
    shown: NDArray[np.bool_] = np.minimum(right - left, bottom - top) >= 1
    return shown


def make_crops(
    frames: Sequence[Frame],
    boxes_xyxy: NDArray[np.float32],
    *,
    contract: InputContract,
    device: torch.device,
) -> Tensor:
    """Return what each box shows of its frame, stretched to one size.

    Args:
        frames: M, of any sizes and layouts: which one each box is of; boxes of one frame are
            best neighbours. Only read during the call.
        boxes_xyxy: float32 ``[M, 4]``, pixels of the frame, ``croppable``. What reaches out of
            the picture is cut off before scaling.
        contract: What the network wants; its size is a height and a width.
        device: Where crops are made.

    Returns:
        float32 ``[M, 3, H, W]``, ``channels_last``, as the contract says.

    Raises:
        LeaseError: A frame that was used after its time.
    """
    assert isinstance(contract.size, tuple)  # looked at where the model is loaded
    boxes = torch.from_numpy(boxes_xyxy)
    crops = torch.empty(
        (len(frames), 3, *contract.size),
        device=device,
        memory_format=torch.channels_last,
    )
    for rows in _steps(frames, device=device):
        rgb = _crop_frame(frames[rows.start], boxes[rows], contract.size, device=device)
        crops[rows] = to_colours(rgb, contract)
    return crops


def _steps(frames: Sequence[Frame], *, device: torch.device) -> list[slice]:
    """Return which rows to make at once: on a CPU one, whose planes stay in the cache."""
    ends = list(range(1, len(frames) + 1))
    if device.type != "cpu":
        ends = [at for at in ends if at == len(frames) or frames[at] is not frames[at - 1]]
    return [slice(*pair) for pair in pairwise([0, *ends])]


def _crop_frame(
    frame: Frame, boxes: Tensor, size_hw: tuple[int, int], *, device: torch.device
) -> Tensor:
    height, width = frame.size_hw
    boxes = boxes.clamp(min=0).minimum(torch.tensor([width, height, width, height]))
    pixels = frame.pixels.to(device, non_blocking=True)
    if frame.layout == "rgb":
        return _sample(pixels, boxes, size_hw)
    luma, chroma = split_nv12(pixels[None])
    return ycbcr_to_rgb(
        _sample(luma[0], boxes, size_hw), _sample(chroma[0], boxes / 2, size_hw), frame.color
    )


def _sample(planes: Tensor, boxes: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """Scale boxes of uint8 ``[C, H, W]``, none of them outside, to float32 ``[M, C, h, w]``."""
    # Only what the boxes show, and the neighbours of its rim, becomes floating point.
    left, top = (max(0, int(edge) - 1) for edge in boxes[:, :2].amin(dim=0))
    right, bottom = (int(edge) + 2 for edge in boxes[:, 2:].amax(dim=0))
    window = planes[:, top:bottom, left:right].to(
        torch.float32, memory_format=torch.contiguous_format
    )
    (height, width), num = size_hw, len(boxes)
    x = _places(boxes[:, 0] - left, boxes[:, 2] - left, width, of=window.shape[2])
    y = _places(boxes[:, 1] - top, boxes[:, 3] - top, height, of=window.shape[1])
    grid = torch.empty((num, height, width, 2), device=planes.device)
    grid[..., 0] = x.to(planes.device)[:, None, :]
    grid[..., 1] = y.to(planes.device)[:, :, None]
    sampled = F.grid_sample(
        window[None],
        grid.view(1, num * height, width, 2),
        padding_mode="border",
        align_corners=False,
    )
    return sampled.view(len(planes), num, height, width).transpose(0, 1)


def _places(low: Tensor, high: Tensor, num: int, *, of: int) -> Tensor:
    """Return the middles of ``num`` equal parts from ``low`` to ``high``, as ``[M, num]``.

    In the units of ``grid_sample``: -1 is the first edge of ``of`` pixels, 1 the last.
    """
    parts = (torch.arange(num) + 0.5) / num
    return (low[:, None] + (high - low)[:, None] * parts) * (2 / of) - 1
