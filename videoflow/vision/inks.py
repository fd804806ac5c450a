"""How an RGB colour is written in the planes of a picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from videoflow.data.color import ycbcr_coefficients
from videoflow.data.color_spec import ColorSpec
from videoflow.data.frame import Layout
from videoflow.vision.palette import RGB

__all__ = ["Ink", "Inks", "rgb_to_ycbcr"]

Ink = Callable[[RGB], NDArray[np.uint16]]
"""From a colour to the samples of one plane, uint16 ``[c]``."""


class Inks:
    """Colours as the samples of each plane, each worked out once.

    Args:
        layout: Of the picture.
        color: Of the picture.
        has_veil: Each plane has one channel more, in which ink is 0.
    """

    def __init__(self, layout: Layout, color: ColorSpec, *, has_veil: bool = False) -> None:
        self._layout = layout
        self._color = color
        self._tail = (0,) if has_veil else ()
        self._known: dict[tuple[int, RGB], NDArray[np.uint16]] = {}

    def of_plane(self, index: int) -> Ink:
        """Return the ink of a plane: 0 for RGB and luma, 1 for chroma."""

        def ink(rgb: RGB) -> NDArray[np.uint16]:
            if (index, rgb) not in self._known:
                self._known[index, rgb] = self._mix(index, rgb)
            return self._known[index, rgb]

        return ink

    def _mix(self, index: int, rgb: RGB) -> NDArray[np.uint16]:
        if self._layout == "rgb":
            return np.array(rgb + self._tail, np.uint16)
        stored = rgb_to_ycbcr(rgb, self._color)
        return np.array((stored[1:] if index else stored[:1]) + self._tail, np.uint16)


def rgb_to_ycbcr(rgb: RGB, color: ColorSpec) -> tuple[int, int, int]:
    """Return how ``rgb`` (0 to 255) is stored in a picture of ``color``: luma, Cb, Cr.

    Example:
        >>> rgb_to_ycbcr((255, 255, 255), ColorSpec("bt709"))
        (235, 128, 128)
    """
    matrix, offsets = ycbcr_coefficients(color)
    stored = np.array(matrix) @ rgb + offsets
    y, u, v = np.clip(np.round(stored), 0, 255).astype(int).tolist()
    return y, u, v
