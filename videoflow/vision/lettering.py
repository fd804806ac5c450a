"""Text as masks; the one door to Pillow, whose own font is always there."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

__all__ = ["Lettering"]


class Lettering:
    """Letters of one size.

    Args:
        size_px: Height of the font.
    """

    def __init__(self, size_px: int) -> None:
        self._font = ImageFont.load_default(size_px)
        box = self._font.getbbox("Ågjy0")
        self.height_px = math.ceil(box[3])

    def mask(self, text: str) -> NDArray[np.uint8]:
        """Return the opacity of ``text``, uint8 ``[height_px, W]``, with soft edges."""
        width = max(1, math.ceil(self._font.getlength(text)))
        image = Image.new("L", (width, self.height_px))
        ImageDraw.Draw(image).text((0, 0), text, fill=255, font=self._font)
        return np.asarray(image)
