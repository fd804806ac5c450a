"""Boxes, lines, areas and labels on a picture, sized to it.

Knows how they look; not which frame they belong to.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from videoflow.data.color_spec import ColorSpec
from videoflow.data.frame import Layout
from videoflow.data.geometry import Line, Point, Polygon
from videoflow.vision.areas import Area, mask_area, polygon_area
from videoflow.vision.canvas import Canvas
from videoflow.vision.palette import RGB, WHITE
from videoflow.vision.places import Places
from videoflow.vision.plates import PlateRow, Plates
from videoflow.vision.strokes import Stroke, along, rasterise
from videoflow.vision.washes import Wash

__all__ = ["Pen"]

F64 = NDArray[np.float64]


class Pen:
    """Draws on pictures of one size, layout and colour; what recurs is rasterised once.

    Args:
        size_hw: Of the pictures; strokes and letters are scaled to the shorter side.
        layout: Of the pictures.
        color: Of the pictures.
        scale: How much larger strokes and letters are than usual.
    """

    def __init__(
        self,
        size_hw: tuple[int, int],
        layout: Layout,
        color: ColorSpec,
        *,
        scale: float = 1.0,
    ) -> None:
        self.size_hw = size_hw
        self.layout = layout
        self.color = color
        shorter = scale * min(size_hw)
        self.thickness_px = max(1, round(shorter / 320))
        font_px = max(10, round(shorter / 42))
        self._plates = Plates(font_px, 2 * self.thickness_px, layout, color)
        self._line_strokes = lru_cache(maxsize=64)(self._make_line_strokes)
        self._polygon_area = lru_cache(maxsize=64)(self._make_polygon_area)
        self._rim = lru_cache(maxsize=64)(self._make_rim)

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
        self,
        canvas: Canvas,
        text: str,
        box_xyxy: NDArray[np.float32],
        rgb: RGB,
        *,
        places: Places | None = None,
    ) -> None:
        """Write ``text`` on a plate above a box, or inside its top where there is no room.

        Args:
            canvas: To draw on.
            text: One line.
            box_xyxy: float ``[4]``, pixels.
            rgb: Colour of the plate's bar.
            places: Where texts are already, to be kept clear if one side of the box is; the
                label's own place is added.
        """
        plate = self._plates.plate(((rgb, (text,)),))
        height, width = plate.size_hw
        left, top, right, bottom = self._whole(box_xyxy)
        above = top - height if top >= height else top
        wishes = (
            *((left, above), (right - width, above)),
            *((left, bottom), (right - width, bottom)),
            *((right, top), (left - width, top), (left, top)),
        )
        self._paste(canvas, plate, wishes, places)

    def label(
        self,
        canvas: Canvas,
        text: str,
        centre_xy: Point,
        rgb: RGB,
        *,
        places: Places | None = None,
    ) -> None:
        """Write ``text`` on a plate around a point, moved into the picture.

        Args:
            canvas: To draw on.
            text: One line.
            centre_xy: In pixels.
            rgb: Colour of the plate's bar.
            places: As for ``box_label``; the plate moves up or down to keep clear.
        """
        plate = self._plates.plate(((rgb, (text,)),))
        height, width = plate.size_hw
        left, top = round(centre_xy[0] - width / 2), round(centre_xy[1] - height / 2)
        wishes = tuple((left, top + step * height) for step in (0, 1, -1, 2, -2))
        self._paste(canvas, plate, wishes, places)

    def table(
        self, canvas: Canvas, rows: Sequence[PlateRow], *, places: Places | None = None
    ) -> None:
        """Write a table into the upper left corner; no rows, no table."""
        if rows:
            gap = 4 * self.thickness_px
            self._paste(canvas, self._plates.plate(tuple(rows)), ((gap, gap),), places)

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

    def polygon(
        self,
        canvas: Canvas,
        polygon: Polygon,
        rgb: RGB,
        *,
        opacity: float,
        is_bright: bool = False,
    ) -> None:
        """Tint an area and draw its rim.

        Args:
            canvas: To draw on.
            polygon: In pixels.
            rgb: Colour.
            opacity: Of the tint, 0 to 1.
            is_bright: With a rim twice as thick: somebody just came in or went out.
        """
        if opacity > 0:
            canvas.shade(self._polygon_area(polygon), rgb, opacity=opacity)
        canvas.stroke(self._rim(polygon, is_bright), rgb)

    def mask(
        self,
        canvas: Canvas,
        crop: NDArray[np.bool_],
        corner_xy: tuple[int, int],
        rgb: RGB,
        *,
        opacity: float,
    ) -> None:
        """Tint the pixels of an object: bool ``[h, w]``, whose first pixel is ``corner_xy``."""
        canvas.shade(mask_area(crop, corner_xy), rgb, opacity=opacity)

    def wash(
        self,
        canvas: Canvas,
        index_map: NDArray[np.uint8],
        rgbs: Sequence[RGB],
        opacities: Sequence[float],
        *,
        cell_px: int = 1,
    ) -> None:
        """Colour much of the picture, below whatever else is drawn: see ``Wash``."""
        canvas.wash(Wash(index_map, tuple(rgbs), tuple(opacities), cell_px))

    def trail(
        self,
        canvas: Canvas,
        points_xy: F64,
        rgb: RGB,
        *,
        opacities: F64 | None = None,
    ) -> None:
        """Draw the way that somebody came.

        Args:
            canvas: To draw on.
            points_xy: float ``[K, 2]``, pixels.
            rgb: Colour.
            opacities: float ``[K - 1]``, 0 to 1, of the way from each point to the next.
        """
        self.segments(
            canvas,
            along(points_xy),
            rgb,
            width=1 + 0.5 / self.thickness_px,
            opacities=opacities,
        )

    def segments(
        self,
        canvas: Canvas,
        segments: F64,
        rgb: RGB,
        *,
        width: float = 1.0,
        opacities: F64 | None = None,
    ) -> None:
        """Draw straight lines with round ends.

        Args:
            canvas: To draw on.
            segments: float ``[S, 2, 2]``, start and end (x, y) in pixels.
            rgb: Colour.
            width: In widths of a box's outline.
            opacities: float ``[S]``, 0 to 1.
        """
        canvas.stroke(
            rasterise(
                segments,
                thickness_px=width * self.thickness_px,
                size_hw=self.size_hw,
                opacities=opacities,
            ),
            rgb,
        )

    def dots(self, canvas: Canvas, points_xy: F64, rgb: RGB, *, width: float = 3.0) -> None:
        """Draw round dots: float ``[K, 2]``, ``width`` in widths of a box's outline."""
        self.segments(canvas, np.stack([points_xy, points_xy], axis=1), rgb, width=width)

    def _whole(self, box_xyxy: NDArray[np.float32]) -> tuple[int, int, int, int]:
        # Far outside, rounding to int would overflow; a little outside, an edge must stay out.
        height, width = self.size_hw
        left, top, right, bottom = box_xyxy.tolist()
        return (
            round(min(max(left, -64), width + 64)),
            round(min(max(top, -64), height + 64)),
            round(min(max(right, -64), width + 64)),
            round(min(max(bottom, -64), height + 64)),
        )

    def _paste(
        self,
        canvas: Canvas,
        plate: Canvas,
        wishes: Sequence[tuple[int, int]],
        places: Places | None,
    ) -> None:
        """Put a plate at the first (left, top) that is free; at the very first if none is."""
        height, width = plate.size_hw
        x, y = self._inside(wishes[0], plate)
        if places is not None:
            if not places.is_free(x, y, x + width, y + height):
                others = (self._inside(wish, plate) for wish in wishes[1:])
                free = (
                    at for at in others if places.is_free(*at, at[0] + width, at[1] + height)
                )
                x, y = next(free, (x, y))
            places.take(x, y, x + width, y + height)
        canvas.paste(plate, left=x, top=y)

    def _inside(self, wish: tuple[int, int], plate: Canvas) -> tuple[int, int]:
        """Return an even place for a plate as near as it fits into the picture."""
        height, width = plate.size_hw
        left = min(wish[0], self.size_hw[1] - width)
        top = min(wish[1], self.size_hw[0] - height)
        return max(0, left) & ~1, max(0, top) & ~1

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
            (rasterise(along(points), thickness_px=px, size_hw=self.size_hw), is_heart)
            for points, px, is_heart in thick + heart
        ]

    def _make_polygon_area(self, polygon: Polygon) -> Area:
        return polygon_area(polygon.points, self.size_hw)

    def _make_rim(self, polygon: Polygon, is_bright: bool) -> Stroke:
        thickness_px = (2 if is_bright else 1) * self.thickness_px
        return rasterise(
            np.array(polygon.edges, np.float64),
            thickness_px=thickness_px,
            size_hw=self.size_hw,
        )
