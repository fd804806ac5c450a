"""Frames of a stream as the pictures of one film: one size, one colour, rising time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from torch import Tensor

from videoflow.data.color import choose_color, nv12_to_rgb, rgb_to_nv12
from videoflow.data.color_spec import ColorSpec
from videoflow.data.frame import Frame
from videoflow.data.planes import pad_to_even, resize_nv12
from videoflow.video.av.encoder import TICKS_PER_SECOND

__all__ = ["Film", "FilmPicture"]

DEFAULT_DURATION_TICKS: Final = TICKS_PER_SECOND // 25
_UNSPECIFIED_MATRIX: Final = 2  # ITU-T H.273


@dataclass(frozen=True, slots=True)
class FilmPicture:
    """A picture to be encoded.

    Attributes:
        planes: uint8 ``[H * 3 / 2, W]``, where the frame was; may be the frame's own memory.
        pts_ticks: In ``TICKS_PER_SECOND`` from the first picture on, rising.
        duration_ticks: From the picture before; of the first, as if there were 25 a second.
    """

    planes: Tensor
    pts_ticks: int
    duration_ticks: int


class Film:
    """Turns frames into pictures that fit the first one.

    - Time: the first frame is at 0, the others keep their distance to it, so that a variable
      frame rate stays one. Where timestamps do not grow (a source that began anew), the film
      goes on at the last distance.
    - Size: that of the first frame; an odd one is made even by repeating the last row or
      column. A later frame of another size is scaled to fit and centred on black.
    - Colour: matrix and range of the first frame. RGB becomes limited range, BT.601 up to 576
      lines and BT.709 above.

    Args:
        name: For reports.
        report: Hears about frames of another size, once.

    Attributes:
        size_hw: Height and width in pixels, even; (0, 0) before the first picture.
        color: Of the planes.
    """

    def __init__(self, name: str, *, report: Callable[[str], None] = lambda _: None) -> None:
        self.size_hw = (0, 0)
        self.color = ColorSpec()
        self._name = name
        self._report = report
        self._shift_ticks = 0
        self._last_ticks = 0
        self._duration_ticks = DEFAULT_DURATION_TICKS
        self._is_size_reported = False

    def take(self, frame: Frame) -> FilmPicture:
        """Return the picture of a frame."""
        planes, color = _to_planes(frame)
        if self.size_hw == (0, 0):
            self.size_hw = _size_of(planes)
            self.color = color
            self._shift_ticks = -round(frame.pts_seconds * TICKS_PER_SECOND)
        else:
            planes = self._conform(planes, color)
            self._place(frame.pts_seconds)
        return FilmPicture(planes, self._last_ticks, self._duration_ticks)

    def _place(self, pts_seconds: float) -> None:
        ticks = round(pts_seconds * TICKS_PER_SECOND) + self._shift_ticks
        if ticks <= self._last_ticks:
            behind = self._last_ticks + self._duration_ticks - ticks
            self._shift_ticks += behind
            ticks += behind
        self._duration_ticks = ticks - self._last_ticks
        self._last_ticks = ticks

    def _conform(self, planes: Tensor, color: ColorSpec) -> Tensor:
        if color != self.color:
            planes = rgb_to_nv12(nv12_to_rgb(planes[None], color), self.color)[0]
        if _size_of(planes) != self.size_hw:
            if not self._is_size_reported:
                old, new = (
                    f"{width} x {height}" for height, width in (self.size_hw, _size_of(planes))
                )
                self._report(f"{self._name}: frames of {new} were fitted into {old}")
                self._is_size_reported = True
            planes = _fit(planes, self.size_hw, color=self.color)
        return planes


def _to_planes(frame: Frame) -> tuple[Tensor, ColorSpec]:
    if frame.layout == "nv12":
        return frame.pixels, frame.color
    rgb = pad_to_even(frame.pixels.unsqueeze(0))
    color = choose_color(_UNSPECIFIED_MATRIX, is_full_range=False, num_lines=rgb.shape[2])
    return rgb_to_nv12(rgb, color)[0], color


def _size_of(planes: Tensor) -> tuple[int, int]:
    return planes.shape[0] * 2 // 3, planes.shape[1]


def _fit(planes: Tensor, size_hw: tuple[int, int], *, color: ColorSpec) -> Tensor:
    """Scale to fit and centre on black; all offsets are even, so that chroma fits too."""
    height, width = size_hw
    own_height, own_width = _size_of(planes)
    scale = min(height / own_height, width / own_width)
    new_height = min(height, max(2, round(own_height * scale / 2) * 2))
    new_width = min(width, max(2, round(own_width * scale / 2) * 2))
    small = resize_nv12(planes[None], (new_height, new_width))[0]
    out = planes.new_empty((height * 3 // 2, width))
    out[:height] = 0 if color.is_full_range else 16
    out[height:] = 128
    top, left = (height - new_height) // 4 * 2, (width - new_width) // 4 * 2
    right = left + new_width
    out[top : top + new_height, left:right] = small[:new_height]
    first_row = height + top // 2
    out[first_row : first_row + new_height // 2, left:right] = small[new_height:]
    return out
