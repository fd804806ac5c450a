"""Blend colour into the planes of a picture, whatever their layout.

A canvas is a picture as planes of samples: one plane of three channels for RGB; luma, and
chroma at half the resolution, for NV12. A shape is blended into each plane with the share of
each sample that it covers. Knows no shape but the rectangle: strokes and overlays are handed
in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from videoflow.data.color_spec import ColorSpec
from videoflow.data.frame import Layout
from videoflow.vision.palette import RGB, rgb_to_ycbcr
from videoflow.vision.strokes import Stroke

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Canvas", "Plane"]

U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]

_FULL = 256  # a weight of 1; 255 * 256 still fits in 16 bits


@dataclass(frozen=True, slots=True)
class Plane:
    """One plane of a canvas.

    Attributes:
        samples: uint8 ``[h, w, c]``, a writable view.
        scale: How many pixels of the picture a sample is wide and high: 1 or 2.
        ink: Turns an RGB colour into uint16 ``[c]``.
    """

    samples: U8
    scale: int
    ink: Callable[[RGB], U16]


class Canvas:
    """A picture to draw on, in place.

    Coordinates are pixels of the picture; shapes are clipped to it.

    Args:
        planes: See ``Plane``.
    """

    def __init__(self, planes: tuple[Plane, ...]) -> None:
        self.planes = planes

    @classmethod
    def over(cls, buffer: U8, layout: Layout, color: ColorSpec) -> Canvas:
        """Return a canvas that draws into ``buffer``.

        Args:
            buffer: Writable, as ``Frame.buffer``: uint8 ``[H * 3 / 2, W]`` or ``[3, H, W]``.
            layout: What it holds.
            color: Of the frame.
        """
        return cls(_planes(buffer, _Inks(layout, color), layout))

    @classmethod
    def overlay(cls, size_hw: tuple[int, int], layout: Layout, color: ColorSpec) -> Canvas:
        """Return a transparent canvas, to be put on others again and again.

        Each plane has one channel more: how much of what lies below still shows, 255 for all.
        """
        height, width = size_hw
        inks = _Inks(layout, color, has_veil=True)
        shapes = [(height, width, 4)]
        if layout == "nv12":
            shapes = [(height, width, 2), (height // 2, width // 2, 3)]
        samples = [np.zeros(shape, np.uint8) for shape in shapes]
        for plane in samples:
            plane[..., -1] = 255
        return cls(
            tuple(Plane(array, i + 1, inks.of_plane(i)) for i, array in enumerate(samples))
        )

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width, _ = self.planes[0].samples.shape
        return height, width

    def fill(
        self, box_xyxy: tuple[int, int, int, int], rgb: RGB, *, opacity: float = 1.0
    ) -> None:
        """Fill a rectangle of whole pixels; its right and lower ends are not part of it."""
        whole_height, whole_width = self.size_hw
        left, top = max(0, box_xyxy[0]), max(0, box_xyxy[1])
        right, bottom = min(whole_width, box_xyxy[2]), min(whole_height, box_xyxy[3])
        if right <= left or bottom <= top:
            return
        for plane in self.planes:
            n = plane.scale
            rows = slice(top // n, (bottom - 1) // n + 1)
            columns = slice(left // n, (right - 1) // n + 1)
            target = plane.samples[rows, columns]
            if opacity == 1 and not (left | top | right | bottom) % n:
                target[...] = plane.ink(rgb)
                continue
            down, along = _covered(top, bottom, scale=n), _covered(left, right, scale=n)
            weights = np.multiply.outer(down * (opacity * _FULL), along).astype(np.uint16)
            _blend(target, weights[..., None], plane.ink(rgb))

    def shade(self, mask: U8, *, left: int, top: int, rgb: RGB) -> None:
        """Put ``rgb`` where ``mask`` is; it lies inside the picture, on even pixels.

        Args:
            mask: uint8 ``[h, w]``, opacity 0 to 255; h and w even.
            left: Even.
            top: Even.
            rgb: The colour.
        """
        height, width = mask.shape
        weights = mask.astype(np.uint16)
        weights += weights >> 7  # 255 -> 256
        for plane in self.planes:
            n = plane.scale
            share = weights
            if n == 2:
                share = weights.reshape(height // 2, 2, width // 2, 2).sum((1, 3)) >> 2
            y, x = top // n, left // n
            target = plane.samples[y : y + height // n, x : x + width // n]
            _blend(target, share.astype(np.uint16)[..., None], plane.ink(rgb))

    def stroke(self, stroke: Stroke, rgb: RGB) -> None:
        """Draw a rasterised line; it was clipped to a picture of this size."""
        for plane in self.planes:
            rows, columns, weights = stroke.samples[plane.scale - 1]
            below = plane.samples[rows, columns]
            _blend(below, weights[:, None], plane.ink(rgb))
            plane.samples[rows, columns] = below

    def paste(self, overlay: Canvas, *, left: int, top: int) -> None:
        """Put an overlay of the same layout on the picture.

        Args:
            overlay: Made by ``Canvas.overlay``.
            left: Where its left edge goes, even; may lie outside.
            top: Where its upper edge goes, even; may lie outside.
        """
        for plane, over in zip(self.planes, overlay.planes, strict=True):
            height, width, _ = plane.samples.shape
            y, x = top // plane.scale, left // plane.scale
            h, w, _ = over.samples.shape
            cut = over.samples[max(0, -y) : height - y, max(0, -x) : width - x]
            if y >= height or x >= width or not cut.size:
                continue
            target = plane.samples[max(0, y) : y + h, max(0, x) : x + w]
            color, veil = cut[..., :-1], cut[..., -1:]
            mixed = (target * veil.astype(np.uint16) + 127) // 255
            mixed[..., : color.shape[2]] += color
            target[...] = mixed

    def lift_onto(self, buffer: Tensor, layout: Layout) -> None:
        """Blend an overlay into a picture on any device, and clear the overlay.

        Only the samples that were drawn on travel to the device.

        Args:
            buffer: As ``Frame.buffer``, of the overlay's size and layout.
            layout: What it holds.
        """
        import torch  # only for who has pixels on a device

        for plane, target in zip(self.planes, _views(buffer, layout), strict=True):
            rows, columns = np.nonzero(plane.samples[..., -1] != 255)
            drawn = plane.samples[rows, columns]
            plane.samples[rows, columns] = 0
            plane.samples[rows, columns, -1] = 255
            to = target.device
            y, x = torch.from_numpy(rows).to(to), torch.from_numpy(columns).to(to)
            over = torch.from_numpy(drawn).to(to).int()
            mixed = (target[y, x].int() * over[:, -1:] + 127) // 255 + over[:, :-1]
            target[y, x] = mixed.to(torch.uint8)


class _Inks:
    """Colours as the samples of each plane, each worked out once."""

    def __init__(self, layout: Layout, color: ColorSpec, *, has_veil: bool = False) -> None:
        self._layout = layout
        self._color = color
        self._tail = (0,) if has_veil else ()
        self._known: dict[tuple[int, RGB], U16] = {}

    def of_plane(self, index: int) -> Callable[[RGB], U16]:
        def ink(rgb: RGB) -> U16:
            if (index, rgb) not in self._known:
                self._known[index, rgb] = self._mix(index, rgb)
            return self._known[index, rgb]

        return ink

    def _mix(self, index: int, rgb: RGB) -> U16:
        if self._layout == "rgb":
            return np.array(rgb + self._tail, np.uint16)
        stored = rgb_to_ycbcr(rgb, self._color)
        return np.array((stored[1:] if index else stored[:1]) + self._tail, np.uint16)


def _planes(buffer: U8, inks: _Inks, layout: Layout) -> tuple[Plane, ...]:
    views = _views(buffer, layout)
    return tuple(Plane(view, i + 1, inks.of_plane(i)) for i, view in enumerate(views))


def _views(buffer: Any, layout: Layout) -> list[Any]:
    """Return the planes ``[h, w, c]`` of an array or a tensor, as views."""
    if layout == "rgb":
        return [buffer.swapaxes(0, 2).swapaxes(0, 1)]
    height, width = buffer.shape[0] * 2 // 3, buffer.shape[1]
    return [buffer[:height, :, None], buffer[height:].reshape(height // 2, width // 2, 2)]


def _covered(start: int, end: int, *, scale: int) -> NDArray[np.float64]:
    """Return the share that is covered of each sample from the one of ``start`` on."""
    first, last = start // scale, (end - 1) // scale
    shares = np.ones(last - first + 1)
    shares[0] -= (start - first * scale) / scale
    shares[-1] -= ((last + 1) * scale - end) / scale
    return shares


def _blend(target: U8, weights: U16, ink: U16) -> None:
    target[...] = (target * (_FULL - weights) + ink * weights + 128) >> 8
