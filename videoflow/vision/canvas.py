"""Blend colour into the planes of a picture, whatever their layout.

A canvas is a picture as planes of samples: one plane of three channels for RGB; luma, and
chroma at half the resolution, for NV12. A shape is blended into each plane with the share of
each sample that it covers. Knows no shape but the rectangle: strokes, areas and overlays are
handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from videoflow.data.color_spec import ColorSpec
from videoflow.data.frame import Layout
from videoflow.vision.areas import Area
from videoflow.vision.inks import ink
from videoflow.vision.overlays import OverlayTiles
from videoflow.vision.palette import RGB
from videoflow.vision.strokes import Stroke

if TYPE_CHECKING:
    from torch import Tensor

    from videoflow.vision.washes import Wash

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
        ink: Turns an RGB colour into uint16 ``[c]``; in the veil of an overlay it is 0.
    """

    samples: U8
    scale: int
    ink: Callable[[RGB], U16]


class Canvas:
    """A picture to draw on, in place.

    Coordinates are pixels of the picture; shapes are clipped to it.

    Args:
        samples: uint8 ``[h, w, c]`` of each plane: RGB, or luma and halved chroma.
        layout: Of the picture.
        color: Of the picture.
        tiles: Of an overlay: who is told what was drawn on.

    Attributes:
        planes: What is drawn on.
        size_hw: Height and width in pixels.
    """

    def __init__(
        self,
        samples: Sequence[U8],
        layout: Layout,
        color: ColorSpec,
        *,
        tiles: OverlayTiles | None = None,
    ) -> None:
        make = _veiled_ink if tiles is not None else ink
        self.planes = tuple(
            Plane(plane, i + 1, partial(make, plane_index=i, layout=layout, color=color))
            for i, plane in enumerate(samples)
        )
        self.size_hw: tuple[int, int] = self.planes[0].samples.shape[:2]
        self._tiles = tiles
        self._washes: list[Wash] = []

    @classmethod
    def over(cls, buffer: U8, layout: Layout, color: ColorSpec) -> Canvas:
        """Return a canvas that draws into ``buffer``.

        Args:
            buffer: Writable, as ``Frame.buffer``: uint8 ``[H * 3 / 2, W]`` or ``[3, H, W]``.
            layout: What it holds.
            color: Of the frame.
        """
        return cls(_views(buffer, layout), layout, color)

    @classmethod
    def overlay(cls, size_hw: tuple[int, int], layout: Layout, color: ColorSpec) -> Canvas:
        """Return a transparent canvas, to be put on others again and again."""
        tiles = OverlayTiles(size_hw, (1, 2) if layout == "nv12" else (3,))
        return cls(tiles.planes, layout, color, tiles=tiles)

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
            weights = np.multiply.outer(down, along)
            weights *= _FULL // n**2
            if opacity < 1:
                weights = (weights * opacity).astype(np.uint16)
            _blend(target, weights[..., None], plane.ink(rgb))
        if self._tiles is not None:
            self._tiles.touch(slice(top, bottom), slice(left, right))

    def shade(self, area: Area, rgb: RGB, *, opacity: float = 1.0) -> None:
        """Put ``rgb`` where an area is that was made for a picture of this size."""
        for plane, shares in zip(self.planes, area.shares, strict=False):
            y, x = area.top // plane.scale, area.left // plane.scale
            target = plane.samples[y : y + shares.shape[0], x : x + shares.shape[1]]
            # An area ends on even pixels, and a picture of an odd size does not.
            weights = shares[: target.shape[0], : target.shape[1], None]
            if opacity < 1:
                weights = (weights * np.uint16(opacity * _FULL)) >> np.uint16(8)
            _blend(target, weights, plane.ink(rgb))
        self._touch(area.top, area.left, *area.shares[0].shape)

    def stroke(self, stroke: Stroke, rgb: RGB) -> None:
        """Draw rasterised lines; they were clipped to a picture of this size."""
        for plane in self.planes:
            rows, columns, weights = stroke.samples[plane.scale - 1]
            below = plane.samples[rows, columns]
            _blend(below, weights[:, None], plane.ink(rgb))
            plane.samples[rows, columns] = below
        if self._tiles is not None:
            self._tiles.touch_at(*stroke.samples[0][:2])

    def wash(self, wash: Wash) -> None:
        """Tint much of the picture; on an overlay it goes below whatever else is drawn."""
        if self._tiles is not None:
            self._washes.append(wash)
            return
        import torch  # only for who has pixels

        wash.blend_into(
            [torch.from_numpy(plane.samples) for plane in self.planes],
            [plane.ink for plane in self.planes],
        )

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
                return
            target = plane.samples[max(0, y) : y + h, max(0, x) : x + w]
            color, veil = cut[..., :-1], cut[..., -1:]
            mixed = (target * veil.astype(np.uint16) + 127) // 255
            mixed[..., : color.shape[2]] += color
            target[...] = mixed
        self._touch(top, left, *overlay.size_hw)

    def lift_onto(self, buffer: Tensor, layout: Layout) -> None:
        """Blend an overlay into a picture on any device, and clear the overlay.

        Only what was drawn travels to the device: see ``overlays`` and ``washes``.

        Args:
            buffer: As ``Frame.buffer``, of the overlay's size and layout.
            layout: What it holds.
        """
        assert self._tiles is not None, "only an overlay can be lifted"
        targets = _views(buffer, layout)
        for wash in self._washes:
            wash.blend_into(targets, [plane.ink for plane in self.planes])
        self._washes.clear()
        self._tiles.lift_onto(targets)

    def _touch(self, top: int, left: int, height: int, width: int) -> None:
        """Note on an overlay that a rectangle was drawn on; it may reach outside."""
        if self._tiles is None:
            return
        whole_height, whole_width = self.size_hw
        rows = slice(max(0, top), min(whole_height, top + height))
        columns = slice(max(0, left), min(whole_width, left + width))
        if rows.start < rows.stop and columns.start < columns.stop:
            self._tiles.touch(rows, columns)


def _views(buffer: Any, layout: Layout) -> list[Any]:
    """Return the planes ``[h, w, c]`` of an array or a tensor, as views."""
    if layout == "rgb":
        return [buffer.swapaxes(0, 2).swapaxes(0, 1)]
    height, width = buffer.shape[0] * 2 // 3, buffer.shape[1]
    return [buffer[:height, :, None], buffer[height:].reshape(height // 2, width // 2, 2)]


def _covered(start: int, end: int, *, scale: int) -> U16:
    """Return how many pixels are covered of each sample from the one of ``start`` on."""
    pixels = np.full((end - 1) // scale - start // scale + 1, scale, np.uint16)
    pixels[0] -= start % scale
    pixels[-1] -= -end % scale
    return pixels


def _blend(target: U8, weights: U16, color: U16) -> None:
    mixed = target * (_FULL - weights)
    mixed += color * weights
    mixed += 128
    mixed >>= 8
    target[...] = mixed


@lru_cache(maxsize=4096)
def _veiled_ink(rgb: RGB, plane_index: int, layout: Layout, color: ColorSpec) -> U16:
    return np.append(ink(rgb, plane_index, layout, color), np.uint16(0))
