"""Text on dark plates: one line beside an object, or a table of several."""

from __future__ import annotations

from functools import lru_cache
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from videoflow.data.color_spec import ColorSpec
from videoflow.data.frame import Layout
from videoflow.vision.areas import Area
from videoflow.vision.canvas import Canvas
from videoflow.vision.lettering import Lettering
from videoflow.vision.palette import DARK, RGB, WHITE

__all__ = ["PlateRow", "Plates"]

U8 = NDArray[np.uint8]

PlateRow = tuple[RGB, tuple[str, ...]]
"""One line of a plate: the colour of the bar at its left, and the text of each column."""

_OPACITY = 0.78  # white letters read on it even over a white wall: contrast above 9 : 1


class Plates:
    """Makes plates for pictures of one layout and colour; what recurs is made once.

    Args:
        font_px: Height of the letters.
        bar_px: Width of the coloured bar.
        layout: Of the pictures.
        color: Of the pictures.
    """

    def __init__(self, font_px: int, bar_px: int, layout: Layout, color: ColorSpec) -> None:
        lettering = Lettering(font_px)
        self._letters = lru_cache(maxsize=1024)(lettering.mask)
        self._bar_px = bar_px
        self._pad_px = 2 * max(1, lettering.height_px // 6)
        self._layout = layout
        self._color = color
        self.plate = lru_cache(maxsize=1024)(self._make)

    def _make(self, rows: tuple[PlateRow, ...]) -> Canvas:
        """Return a plate with a line for each row; the first column starts at the left."""
        cells = [[self._letters(text) for text in texts] for _, texts in rows]
        columns = list(zip_longest(*cells, fillvalue=np.zeros((1, 0), np.uint8)))
        widths = [max(cell.shape[1] for cell in column) for column in columns]
        pad, bar = self._pad_px, self._bar_px
        line_px = cells[0][0].shape[0] + pad
        height = _even(len(rows) * line_px)
        width = _even(bar + 2 * pad + sum(widths) + 2 * pad * (len(widths) - 1))
        plate = Canvas.overlay((height, width), self._layout, self._color)
        plate.fill((0, 0, width, height), DARK, opacity=_OPACITY)
        text = np.zeros((height, width), np.uint8)
        for number, ((rgb, _), masks) in enumerate(zip(rows, cells, strict=True)):
            top = number * line_px
            is_last = number == len(rows) - 1
            plate.fill((0, top, bar, height if is_last else top + line_px), rgb)
            self._write(text, masks, widths, top + (height - len(rows) * line_px + pad) // 2)
        plate.shade(_letters_area(text), WHITE)
        return plate

    def _write(self, text: U8, masks: list[U8], widths: list[int], top: int) -> None:
        x = self._bar_px + self._pad_px
        for number, (mask, width) in enumerate(zip(masks, widths, strict=False)):
            # Numbers stand in columns, flush right; names begin at the left.
            left = x + (width - mask.shape[1] if number else 0)
            text[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
            x += width + 2 * self._pad_px


def _letters_area(text: U8) -> Area:
    shares = text.astype(np.uint16)
    return Area.of_pixels(0, 0, shares + (shares >> 7))  # 255 -> 256


def _even(number: int) -> int:
    return number + number % 2
