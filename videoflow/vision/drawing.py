"""Boxes, labels and counting lines on a picture, sized to it.

Knows how they look; not which frame they belong to.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from videoflow.data.color_spec import ColorSpec
from videoflow.data.frame import Layout
from videoflow.data.geometry import Line
from videoflow.vision.canvas import Canvas
from videoflow.vision.lettering import Lettering
from videoflow.vision.palette import DARK, RGB, WHITE
from videoflow.vision.strokes import Stroke, rasterise

__all__ = ["Pen"]

_PLATE_OPACITY = 0.78  # white letters read on it even over a white wall: contrast above 9 : 1


class Pen:
    """Draws on pictures of one size, layout and colour; what recurs is rasterised once.

    Args:
        size_hw: Of the pictures; strokes and letters are scaled to the shorter side.
        layout: Of the pictures.
        color: Of the pictures.
    """

    def __init__(self, size_hw: tuple[int, int], layout: Layout, color: ColorSpec) -> None:
        self.size_hw = size_hw
        self.layout = layout
        self.color = color
        shorter = min(size_hw)
        self.thickness_px = max(1, round(shorter / 320))
        self._lettering = Lettering(max(10, round(shorter / 42)))
        self._plate = lru_cache(maxsize=1024)(self._make_plate)
        self._line_strokes = lru_cache(maxsize=64)(self._make_line_strokes)

    def canvas(self, buffer: NDArray[np.uint8]) -> Canvas:
        """Return a canvas over a writable ``buffer``, as ``Frame.buffer`` lies in memory."""
        return Canvas.over(buffer, self.layout, self.color)

    def overlay(self) -> Canvas:
        """Return a transparent canvas of the pictures' size."""
        return Canvas.overlay(self.size_hw, self.layout, self.color)

    def box(self, canvas: Canvas, box_xyxy: NDArray[np.float32], rgb: RGB) -> None:
        """Draw the outline of a box, its outer edge on the box; one outside is not drawn."""
        left, top, right, bottom = self._whole(box_xyxy)
        t = self.thickness_px
        if right - left <= 2 * t or bottom - top <= 2 * t:
            canvas.fill((left, top, right, bottom), rgb)
            return
        canvas.fill((left, top, right, top + t), rgb)
        canvas.fill((left, bottom - t, right, bottom), rgb)
        canvas.fill((left, top + t, left + t, bottom - t), rgb)
        canvas.fill((right - t, top + t, right, bottom - t), rgb)

    def box_label(
        self, canvas: Canvas, text: str, box_xyxy: NDArray[np.float32], rgb: RGB
    ) -> None:
        """Write ``text`` on a plate above a box, or inside its top where there is no room."""
        plate = self._plate(text, rgb)
        left, top, _, _ = self._whole(box_xyxy)
        height, width = plate.size_hw
        above = top - height if top >= height else top
        self._paste(canvas, plate, left=min(left, self.size_hw[1] - width), top=above)

    def label(
        self, canvas: Canvas, text: str, centre_xy: tuple[float, float], rgb: RGB
    ) -> None:
        """Write ``text`` on a plate around a point, moved into the picture."""
        plate = self._plate(text, rgb)
        height, width = plate.size_hw
        left = min(round(centre_xy[0] - width / 2), self.size_hw[1] - width)
        top = min(round(centre_xy[1] - height / 2), self.size_hw[0] - height)
        self._paste(canvas, plate, left=left, top=top)

    def line(self, canvas: Canvas, line: Line, rgb: RGB, *, is_bright: bool = False) -> None:
        """Draw a counting line, with an arrow in the direction that counts as *in*.

        Args:
            canvas: To draw on.
            line: In pixels.
            rgb: Colour.
            is_bright: Twice as thick, with a white heart: somebody just crossed.
        """
        for stroke, is_heart in self._line_strokes(line, is_bright):
            canvas.stroke(stroke, WHITE if is_heart else rgb)

    def trail(self, canvas: Canvas, points_xy: NDArray[np.float64], rgb: RGB) -> None:
        """Draw the way that somebody came: float ``[K, 2]``, K >= 2."""
        thickness_px = self.thickness_px + 0.5
        canvas.stroke(
            rasterise(points_xy, thickness_px=thickness_px, size_hw=self.size_hw), rgb
        )

    def _whole(self, box_xyxy: NDArray[np.float32]) -> tuple[int, int, int, int]:
        # Far outside, rounding to int would overflow; a little outside, an edge must stay out.
        height, width = self.size_hw
        limit = np.array([width, height, width, height]) + 64
        left, top, right, bottom = np.rint(np.clip(box_xyxy, -64, limit)).astype(int).tolist()
        return left, top, right, bottom

    def _paste(self, canvas: Canvas, plate: Canvas, *, left: int, top: int) -> None:
        canvas.paste(plate, left=max(0, left) & ~1, top=max(0, top) & ~1)

    def _make_plate(self, text: str, rgb: RGB) -> Canvas:
        mask = self._lettering.mask(text)
        bar = 2 * self.thickness_px
        pad = 2 * max(1, self._lettering.height_px // 6)
        height = _even(mask.shape[0] + pad)
        width = _even(mask.shape[1] + bar + 2 * pad)
        plate = Canvas.overlay((height, width), self.layout, self.color)
        plate.fill((0, 0, width, height), DARK, opacity=_PLATE_OPACITY)
        plate.fill((0, 0, bar, height), rgb)
        room = np.zeros((height, width), np.uint8)
        room[(height - mask.shape[0]) // 2 :, bar + pad : bar + pad + mask.shape[1]][
            : mask.shape[0]
        ] = mask
        plate.shade(room, left=0, top=0, rgb=WHITE)
        return plate

    def _make_line_strokes(self, line: Line, is_bright: bool) -> list[tuple[Stroke, bool]]:
        start, end = np.array(line.start, np.float64), np.array(line.end, np.float64)
        way = (end - start) / np.hypot(*(end - start))
        right = np.array([-way[1], way[0]])  # y points down
        t = 1.5 * self.thickness_px
        foot = (start + end) / 2
        tip = foot + 9 * t * right
        head = np.stack([tip - 3.5 * t * (right + way), tip, tip - 3.5 * t * (right - way)])
        ways = [np.stack([start, end]), np.stack([foot, tip]), head]
        thick = [(points, 2 * t if is_bright else t, False) for points in ways]
        heart = [(points, t / 2, True) for points in ways if is_bright]
        return [
            (rasterise(points, thickness_px=px, size_hw=self.size_hw), is_heart)
            for points, px, is_heart in thick + heart
        ]


def _even(number: int) -> int:
    return number + number % 2
