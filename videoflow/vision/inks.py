"""How an RGB colour is written in the planes of a picture."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from videoflow.data.color import ycbcr_coefficients
from videoflow.data.color_spec import ColorSpec
from videoflow.data.frame import Layout
from videoflow.vision.palette import RGB

__all__ = ["ink", "rgb_to_ycbcr"]


@lru_cache(maxsize=4096)
def ink(rgb: RGB, plane_index: int, layout: Layout, color: ColorSpec) -> NDArray[np.uint16]:
    """Return a colour as a sample of one plane: uint16 ``[c]``, not to be written to.

    Args:
        rgb: 0 to 255.
        plane_index: 0 for RGB and for luma, 1 for chroma.
        layout: Of the picture.
        color: Of the picture.
    """
    if layout == "rgb":
        return np.array(rgb, np.uint16)
    stored = rgb_to_ycbcr(rgb, color)
    return np.array(stored[1:] if plane_index else stored[:1], np.uint16)


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
