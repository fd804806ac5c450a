"""The planes of a picture on any device, and how they become NV12 or RGB: plain torch.

Knows planes as a GPU's decoder gives them: luma, and chroma of interleaved pairs or two
planes, 8 bit or the high bits of 16. Does not know who decoded them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from videoflow.data.color import ycbcr_to_rgb
from videoflow.errors import ShapeError
from videoflow.video.picture import PictureForm

__all__ = ["Surface", "num_surface_rows", "split_surface"]

# Rows of chroma for one of luma, samples of chroma in a row for one of luma, planes of chroma.
_SAMPLING = {
    "NV12": (2, 2, 1),
    "P016": (2, 2, 1),
    "NV16": (1, 2, 1),
    "P216": (1, 2, 1),
    "YUV444": (1, 1, 2),
    "YUV444_16Bit": (1, 1, 2),
}


@dataclass(frozen=True, slots=True)
class Surface:
    """The planes of one decoded picture, as views of a decoder's memory.

    Attributes:
        luma: uint8 or uint16 ``[H, W]``; of 16 bits the high ones count.
        chroma: Of the same dtype ``[h, w, 2]`` (Cb, Cr), where H / h and W / w are 1 or 2,
            rounded up; the last row may be missing.
    """

    luma: Tensor
    chroma: Tensor

    def copy_to(self, out: Tensor, form: PictureForm) -> None:
        """Fill ``out`` with the picture, turned as it is shown.

        Args:
            out: uint8 ``form.buffer_shape``, contiguous, on any device.
            form: What the picture is; the planes may be larger than its coded size.
        """
        height, width = form.coded_size_hw
        luma = self.luma[:height, :width]
        if form.layout == "rgb":
            out.copy_(_turned(self._to_rgb(form), form.quarter_turns))
            return
        shown_height, shown_width = form.size_hw
        pairs = out[shown_height:].view(shown_height // 2, shown_width // 2, 2)
        chroma = self.chroma[: height // 2, : width // 2]
        out[:shown_height].copy_(_turned(luma, form.quarter_turns))
        pairs.copy_(_turned(chroma, form.quarter_turns))

    def _to_rgb(self, form: PictureForm) -> Tensor:
        """Return uint8 ``[H, W, 3]``; chroma colours the samples it was taken from."""
        height, width = form.coded_size_hw
        chroma = _to_float(self.chroma).permute(2, 0, 1)
        for dim, size in ((1, height), (2, width)):
            if chroma.shape[dim] < size:
                chroma = chroma.repeat_interleave(2, dim)
            missing = size - chroma.shape[dim]
            if missing > 0:  # the row that an odd height left out: the one above stands in
                last = chroma.narrow(dim, chroma.shape[dim] - 1, 1)
                chroma = torch.cat([chroma, *[last] * missing], dim)
        luma = _to_float(self.luma[:height, :width])[None, None]
        rgb = ycbcr_to_rgb(luma, chroma[None, :, :height, :width], form.color)
        return rgb[0].add_(0.5).to(torch.uint8).permute(1, 2, 0)


def split_surface(packed: Tensor, *, pixel_format: str, num_lines: int) -> Surface:
    """Return the planes of a picture that lie one below the other.

    Args:
        packed: uint8 or uint16 ``[rows, W]`` or ``[planes, H, W]``, contiguous, W even where
            chroma is halved.
        pixel_format: ``NV12``, ``P016``, ``NV16``, ``P216``, ``YUV444`` or ``YUV444_16Bit``.
        num_lines: Rows of luma.

    Raises:
        ShapeError: The format is another one, or the rows are not those of ``num_lines``.
    """
    packed = packed.flatten(0, -2)
    num_rows = num_surface_rows(pixel_format, num_lines=num_lines)
    if packed.dim() != 2 or packed.shape[0] != num_rows:
        raise ShapeError(
            f"{pixel_format} of {num_lines} lines: got {list(packed.shape)}, "
            f"want {num_rows} rows"
        )
    _, per_column, num_planes = _SAMPLING[pixel_format]
    luma, chroma = packed[:num_lines], packed[num_lines:]
    if num_planes == 2:
        return Surface(luma, chroma.view(2, num_lines, -1).permute(1, 2, 0))
    return Surface(luma, chroma.view(-1, packed.shape[1] // per_column, 2))


def num_surface_rows(pixel_format: str, *, num_lines: int) -> int:
    """Return how many rows luma and chroma have together; a last odd row of chroma is absent.

    Raises:
        ShapeError: The format is another one than ``split_surface`` knows.
    """
    if pixel_format not in _SAMPLING:
        raise ShapeError(f"got a surface of {pixel_format}, want one of {', '.join(_SAMPLING)}")
    per_row, _, num_planes = _SAMPLING[pixel_format]
    return num_lines + num_lines // per_row * num_planes


def _to_float(samples: Tensor) -> Tensor:
    """Return samples as float32, 0 to just below 256."""
    if samples.dtype == torch.uint8:
        return samples.float()
    # torch computes little with uint16: low and high bytes are two columns of uint8
    halves = samples.contiguous().view(torch.uint8).view(*samples.shape, 2)
    return halves[..., 1].float().add_(halves[..., 0].float(), alpha=1 / 256)


def _turned(planes: Tensor, quarter_turns: int) -> Tensor:
    return torch.rot90(planes, quarter_turns, (0, 1)) if quarter_turns else planes
