"""From NV12 frames to a network's input in one pass over a batch, in Triton.

Reads the frames where they lie, resizes luma and chroma bilinearly, converts, fits, and writes
each number once. ``nets.preprocess`` says what is right; this is the same in another order of
roundings. Imported only where a GPU and Triton are.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import torch
import triton
import triton.language as tl
from torch import Tensor

from videoflow.data.color import rgb_gains
from videoflow.data.frame import Frame
from videoflow.nets.card import InputContract
from videoflow.nets.letterbox import Letterbox
from videoflow.nets.preprocess import fill_plain

__all__ = ["fill_fused"]

_BLOCK = 256


def fill_fused(
    images: Tensor, frames: Sequence[Frame], fit: Letterbox, contract: InputContract
) -> None:
    """Write frames of one kind into ``images``; see ``preprocess.Fill``.

    What the kernel is not for (RGB, a low-pass filter, rows that do not follow one another,
    frames elsewhere) goes the plain way.
    """
    buffers = [frame.pixels for frame in frames]
    is_ours = (
        frames[0].layout == "nv12"
        and not contract.has_low_pass
        and all(one.is_contiguous() and one.device == images.device for one in buffers)
    )
    if not is_ours:
        fill_plain(images, frames, fit, contract)
        return
    addresses = torch.tensor([one.data_ptr() for one in buffers])
    if images.device.type != "cpu":
        addresses = addresses.pin_memory().to(images.device, non_blocking=True)
    _launch(images, addresses, fit, contract, gains=rgb_gains(frames[0].color))


def _launch(
    images: Tensor,
    addresses: Tensor,
    fit: Letterbox,
    contract: InputContract,
    *,
    gains: tuple[float, ...],
) -> None:
    num, _, height, width = images.shape
    mean, std = contract.mean or (0.0, 0.0, 0.0), contract.std
    shifts = [255 * one for one in mean]
    scales = [1.0 if contract.mean is None else 1 / (255 * one) for one in std]
    (source_height, source_width), (content_height, content_width) = (
        fit.source_hw,
        fit.content_hw,
    )
    is_on_gpu = images.device.type == "cuda"
    with torch.cuda.device(images.device) if is_on_gpu else nullcontext():  # Triton's choice
        _convert[(triton.cdiv(height * width, _BLOCK), num)](
            *(addresses, images, *images.stride(), height, width),
            *(source_height, source_width, content_height, content_width),
            *(source_height / content_height, source_width / content_width),
            *(source_height // 2 / content_height, source_width // 2 / content_width),
            *gains,
            *(*shifts, *scales, float(contract.pad_value)),
            FIRST=2 if contract.channels == "bgr" else 0,
            BLOCK=_BLOCK,
        )


# Triton looks annotations up when it compiles, and knows the names of its own only.


@triton.jit  # type: ignore[untyped-decorator] # Triton's
def _sample(  # noqa: PLR0913 - a kernel takes numbers and no objects
    plane: tl.tensor,
    y: tl.tensor,
    x: tl.tensor,
    scale_y: tl.tensor,
    scale_x: tl.tensor,
    height: tl.tensor,
    width: tl.tensor,
    row: tl.tensor,
    step: tl.tensor,
    mask: tl.tensor,
) -> tl.tensor:
    """Return float32: four neighbours of a plane, as ``interpolate`` takes them."""
    at_y = tl.maximum((y.to(tl.float32) + 0.5) * scale_y - 0.5, 0.0)
    at_x = tl.maximum((x.to(tl.float32) + 0.5) * scale_x - 0.5, 0.0)
    top = tl.minimum(at_y.to(tl.int32), height - 1)
    left = tl.minimum(at_x.to(tl.int32), width - 1)
    bottom = tl.minimum(top + 1, height - 1)
    right = tl.minimum(left + 1, width - 1)
    down, along = at_y - top.to(tl.float32), at_x - left.to(tl.float32)
    a = tl.load(plane + top * row + left * step, mask=mask, other=0).to(tl.float32)
    b = tl.load(plane + top * row + right * step, mask=mask, other=0).to(tl.float32)
    c = tl.load(plane + bottom * row + left * step, mask=mask, other=0).to(tl.float32)
    d = tl.load(plane + bottom * row + right * step, mask=mask, other=0).to(tl.float32)
    upper, lower = a + (b - a) * along, c + (d - c) * along
    return upper + (lower - upper) * down


@triton.jit  # type: ignore[untyped-decorator] # Triton's
def _convert(  # noqa: PLR0913 - a kernel takes numbers and no objects
    addresses: tl.tensor,
    out: tl.tensor,
    stride_n: tl.tensor,
    stride_c: tl.tensor,
    stride_h: tl.tensor,
    stride_w: tl.tensor,
    out_height: tl.tensor,
    out_width: tl.tensor,
    height: tl.tensor,
    width: tl.tensor,
    content_height: tl.tensor,
    content_width: tl.tensor,
    luma_y: tl.tensor,
    luma_x: tl.tensor,
    chroma_y: tl.tensor,
    chroma_x: tl.tensor,
    black: tl.tensor,
    gain: tl.tensor,
    to_red: tl.tensor,
    cb_to_green: tl.tensor,
    cr_to_green: tl.tensor,
    to_blue: tl.tensor,
    red_shift: tl.tensor,
    green_shift: tl.tensor,
    blue_shift: tl.tensor,
    red_scale: tl.tensor,
    green_scale: tl.tensor,
    blue_scale: tl.tensor,
    pad: tl.tensor,
    FIRST: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    image = tl.program_id(1)
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    y, x = at // out_width, at % out_width
    is_there = y < out_height
    shown = (y < content_height) & (x < content_width)
    frame = tl.load(addresses + image).to(tl.pointer_type(tl.uint8))
    luma = _sample(frame, y, x, luma_y, luma_x, height, width, width, 1, shown)
    chroma = frame + height * width
    rows, columns = height // 2, width // 2
    cb = _sample(chroma, y, x, chroma_y, chroma_x, rows, columns, width, 2, shown) - 128.0
    cr = _sample(chroma + 1, y, x, chroma_y, chroma_x, rows, columns, width, 2, shown) - 128.0
    luma = (luma - black) * gain
    red = tl.minimum(tl.maximum(luma + cr * to_red, 0.0), 255.0)
    green = tl.minimum(tl.maximum(luma + cb * cb_to_green + cr * cr_to_green, 0.0), 255.0)
    blue = tl.minimum(tl.maximum(luma + cb * to_blue, 0.0), 255.0)
    where = out + image * stride_n + y * stride_h + x * stride_w
    red = tl.where(shown, (red - red_shift) * red_scale, pad)
    green = tl.where(shown, (green - green_shift) * green_scale, pad)
    blue = tl.where(shown, (blue - blue_shift) * blue_scale, pad)
    kind = out.dtype.element_ty
    tl.store(where + FIRST * stride_c, red.to(kind), mask=is_there)
    tl.store(where + stride_c, green.to(kind), mask=is_there)
    tl.store(where + (2 - FIRST) * stride_c, blue.to(kind), mask=is_there)
