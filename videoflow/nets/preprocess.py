"""From frames to a network's input: resize, convert to colours, pad. On the model's device.

Luma and chroma are resized apart and become colours afterwards, so that the work is that of
the small picture. Bilinear, and without a low-pass filter unless the contract says so: like the
pictures that the networks were trained on.

On the CPU frames go one by one, whatever the batch: a frame's planes stay in the cache.
Measured on two cores, ms a frame: 768 x 576 to 416 x 312: 0.6 one by one, 0.7 to 0.8 as a
batch of eight; 1920 x 1080 to 416 x 234: 0.75 and 3.2. On CUDA a batch is one step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import torch
from torch import Tensor
from torch.nn import functional as F

from videoflow.data.color import rgb_gains
from videoflow.data.color_spec import ColorSpec
from videoflow.data.frame import Frame
from videoflow.nets.card import InputContract
from videoflow.nets.letterbox import Letterbox

__all__ = ["Fill", "InputBatch", "fill_plain", "make_inputs", "to_colours"]

Fill = Callable[[Tensor, Sequence[Frame], Letterbox, InputContract], None]
"""Writes frames of one size, layout and colour into float ``[N, 3, H, W]``."""


@dataclass(frozen=True, slots=True)
class InputBatch:
    """Frames whose input has one size.

    Attributes:
        images: float ``[N, 3, H, W]``, ``channels_last``, as the card's contract says.
        positions: Where each image stood in the sequence of frames.
        letterboxes: How each image was fitted.
    """

    images: Tensor
    positions: tuple[int, ...]
    letterboxes: tuple[Letterbox, ...]


def make_inputs(  # noqa: PLR0913 - where and how inputs are made
    frames: Sequence[Frame],
    *,
    contract: InputContract,
    input_size: int | tuple[int, int],
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    fill: Fill | None = None,
) -> list[InputBatch]:
    """Turn frames of any sizes and layouts into batches, one for each size of input.

    Frames with inputs of different sizes are not padded to a common one: then what is found
    in a frame would depend on what stands beside it.

    Args:
        frames: On any device; only read during the call.
        contract: What the network wants.
        input_size: In place of the contract's ``size``, in pixels.
        device: Where the images are made.
        dtype: Floating point type of the images; what is made on the way has at least 32 bits.
        fill: How images are made; None for ``fill_plain``.

    Returns:
        Batches that own their memory; empty for no frames.

    Raises:
        ShapeError: A frame without pixels.
        LeaseError: A frame that was used after its time.
    """
    fits = [_fit(frame.size_hw, contract, input_size=input_size) for frame in frames]
    order = sorted(range(len(frames)), key=lambda at: (fits[at].input_hw, _kind(frames[at])))
    batches = []
    for input_hw, members in groupby(order, key=lambda at: fits[at].input_hw):
        positions = tuple(members)
        images = torch.empty(
            (len(positions), 3, *input_hw),
            dtype=dtype,
            device=device,
            memory_format=torch.channels_last,
        )
        done = 0
        for same in _steps(positions, frames, device=device):
            part = images[done : done + len(same)]
            (fill or fill_plain)(part, [frames[at] for at in same], fits[same[0]], contract)
            done += len(same)
        batches.append(InputBatch(images, positions, tuple(fits[at] for at in positions)))
    return batches


def fill_plain(
    images: Tensor, frames: Sequence[Frame], fit: Letterbox, contract: InputContract
) -> None:
    """Write frames of one kind into ``images``, in plain torch; see ``Fill``."""
    pixels = [frame.pixels.to(images.device, non_blocking=True) for frame in frames]
    batch = pixels[0].unsqueeze(0) if len(pixels) == 1 else torch.stack(pixels)
    height, width = fit.content_hw
    images[:, :, height:].fill_(contract.pad_value)
    images[:, :, :height, width:].fill_(contract.pad_value)
    resize = partial(
        _resize,
        size_hw=fit.content_hw,
        has_low_pass=contract.has_low_pass,
        dtype=torch.promote_types(images.dtype, torch.float32),
    )
    if frames[0].layout == "nv12":
        rgb = _nv12_to_rgb(batch, color=frames[0].color, resize=resize)
    else:
        rgb = resize(batch)
    images[:, :, :height, :width] = to_colours(rgb, contract)


def to_colours(rgb: Tensor, contract: InputContract) -> Tensor:
    """Return pictures in the colours that a contract wants.

    Args:
        rgb: float ``[N, 3, H, W]``, 0 to 255; is worked in.
        contract: Its channels, mean and std.
    """
    if contract.mean is not None:
        # Numbers and no tensors: a GPU would have to be waited for to take these over.
        for plane, mean, std in zip(rgb.unbind(1), contract.mean, contract.std, strict=True):
            plane.sub_(255 * mean).div_(255 * std)
    return rgb.flip(1) if contract.channels == "bgr" else rgb


def _fit(
    source_hw: tuple[int, int], contract: InputContract, *, input_size: int | tuple[int, int]
) -> Letterbox:
    max_size = contract.max_size
    if max_size and isinstance(input_size, int) and isinstance(contract.size, int):
        max_size = max_size * input_size // contract.size
    return Letterbox.fit(
        source_hw,
        input_size=input_size,
        stride=contract.stride,
        rule=contract.fit,
        max_size=max_size,
    )


def _kind(frame: Frame) -> tuple[str, tuple[int, int], str, bool]:
    """Return what frames must share to be converted in one step; sortable."""
    return frame.layout, frame.size_hw, frame.color.matrix, frame.color.is_full_range


def _steps(
    positions: Sequence[int], frames: Sequence[Frame], *, device: torch.device
) -> list[list[int]]:
    if device.type == "cpu":
        return [[at] for at in positions]
    return [list(same) for _, same in groupby(positions, key=lambda at: _kind(frames[at]))]


def _resize(
    planes: Tensor, *, size_hw: tuple[int, int], has_low_pass: bool, dtype: torch.dtype
) -> Tensor:
    """Resize uint8 ``[N, C, H, W]`` of any strides to ``dtype``, in planes.

    Interleaved planes would take three times as long, and uint8 five times. What becomes whole
    levels is made in float32 as image libraries do, which decides where half a level goes.
    """
    if tuple(planes.shape[2:]) == size_hw:
        return planes.to(dtype, memory_format=torch.contiguous_format)
    exact = planes.to(
        torch.float32 if has_low_pass else dtype, memory_format=torch.contiguous_format
    )
    resized = F.interpolate(
        exact, size_hw, mode="bilinear", align_corners=False, antialias=has_low_pass
    )
    return resized.round_().to(dtype) if has_low_pass else resized


def _nv12_to_rgb(
    batch: Tensor, *, color: ColorSpec, resize: Callable[[Tensor], Tensor]
) -> Tensor:
    """Resize uint8 ``[N, H * 3 / 2, W]`` and convert it to float ``[N, 3, h, w]``, 0 to 255."""
    height = batch.shape[1] * 2 // 3
    luma = resize(batch[:, None, :height])[:, 0]
    chroma = (
        batch[:, height:].reshape(len(batch), height // 2, -1, 2).permute(0, 3, 1, 2)
    )  # [N, 2, H/2, W/2]
    cb, cr = resize(chroma).sub_(128.0).unbind(1)
    black, gain, to_red, cb_to_green, cr_to_green, to_blue = rgb_gains(color)
    if not color.is_full_range:
        luma.sub_(black).mul_(gain)
    red = torch.add(luma, cr, alpha=to_red)
    blue = torch.add(luma, cb, alpha=to_blue)
    green = luma.add_(cb, alpha=cb_to_green).add_(cr, alpha=cr_to_green)
    return torch.stack((red, green, blue), dim=1).clamp_(0.0, 255.0)
