"""One decoded picture, whatever decoded it, and how it leaves the decoder's memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from videoflow.data.color_spec import ColorSpec
from videoflow.data.frame import Frame, Layout, Stamp

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Picture", "PictureForm", "Pixels"]


@dataclass(frozen=True, slots=True)
class PictureForm:
    """What a picture is once it is copied out.

    8-bit 4:2:0 of an even size is NV12. All else (10 and 12 bit, 4:2:2, 4:4:4, odd sizes,
    RGB, grey) becomes 8-bit RGB.

    Attributes:
        coded_size_hw: Height and width in pixels as decoded, without what is cropped.
        layout: What it is copied out as.
        color: Matrix and range of the decoded planes.
        quarter_turns: How often it is turned counterclockwise to be shown, 0 to 3.
    """

    coded_size_hw: tuple[int, int]
    layout: Layout
    color: ColorSpec
    quarter_turns: int = 0

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width as shown."""
        height, width = self.coded_size_hw
        return (width, height) if self.quarter_turns % 2 else (height, width)

    @property
    def buffer_shape(self) -> tuple[int, ...]:
        """``[H * 3 / 2, W]`` for NV12, ``[H, W, 3]`` for RGB, as shown."""
        height, width = self.size_hw
        return (height * 3 // 2, width) if self.layout == "nv12" else (height, width, 3)


class Pixels(Protocol):
    """The pixels of a picture in a decoder's memory."""

    def copy_to(self, out: Tensor, form: PictureForm) -> None:
        """Fill uint8 ``form.buffer_shape``, contiguous, on the host or on a GPU."""


class Picture:
    """A decoded picture, still in the decoder's memory: valid until the next one is read.

    Args:
        pixels: Where it is.
        form: What it is.
        pts_seconds: Presentation time in its source, or None where that has none.
    """

    __slots__ = ("_pixels", "form", "pts_seconds")

    def __init__(self, pixels: Pixels, form: PictureForm, *, pts_seconds: float | None) -> None:
        self._pixels = pixels
        self.form = form
        self.pts_seconds = pts_seconds

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width as shown, in pixels."""
        return self.form.size_hw

    @property
    def layout(self) -> Layout:
        """``nv12`` or ``rgb``."""
        return self.form.layout

    @property
    def color(self) -> ColorSpec:
        """Matrix and range of the NV12 planes."""
        return self.form.color

    @property
    def buffer_shape(self) -> tuple[int, ...]:
        """What ``copy_to`` fills: ``[H * 3 / 2, W]`` for NV12, ``[H, W, 3]`` for RGB."""
        return self.form.buffer_shape

    def copy_to(self, out: Tensor) -> None:
        """Copy the pixels out of the decoder's memory, once.

        Args:
            out: uint8 ``buffer_shape``, contiguous. On a GPU the copy is queued like any
                call of torch: in order for whoever uses ``out`` on the current stream.
        """
        self._pixels.copy_to(out, self.form)

    def to_frame(self, stamp: Stamp, *, memory: Callable[[tuple[int, ...]], Tensor]) -> Frame:
        """Return the picture as a frame in memory from ``memory(buffer_shape)``."""
        buffer = memory(self.buffer_shape)
        self.copy_to(buffer)
        if self.layout == "rgb":
            buffer = buffer.permute(2, 0, 1)
        return Frame(buffer, stamp, self.layout, self.color)
