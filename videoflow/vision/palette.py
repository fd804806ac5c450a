"""Colours: one for each track, and how an RGB colour is written in the planes of a picture."""

from __future__ import annotations

from typing import Final

from videoflow.data.color_spec import ColorSpec, Matrix

__all__ = ["DARK", "LINE", "RGB", "WHITE", "rgb_to_ycbcr", "track_rgb"]

RGB = tuple[int, int, int]

WHITE: Final[RGB] = (255, 255, 255)
DARK: Final[RGB] = (18, 20, 26)
LINE: Final[RGB] = (255, 209, 72)

# Twelve hues of like brightness that stay apart after chroma is halved; neighbours in the
# list are far apart on the wheel, because neighbouring ids often stand side by side.
_TRACKS: Final[tuple[RGB, ...]] = (
    (64, 196, 255),
    (255, 145, 77),
    (124, 224, 108),
    (255, 105, 160),
    (96, 226, 208),
    (247, 208, 70),
    (170, 140, 255),
    (255, 112, 98),
    (180, 222, 80),
    (236, 130, 255),
    (90, 150, 255),
    (255, 178, 190),
)

# Luma weights (red, blue) of ITU-R BT.601-7, BT.709-6 and BT.2020-2, item "derivation of luma".
_WEIGHTS: Final[dict[Matrix, tuple[float, float]]] = {
    "bt601": (0.299, 0.114),
    "bt709": (0.2126, 0.0722),
    "bt2020": (0.2627, 0.0593),
}


def track_rgb(track_id: int) -> RGB:
    """Return the colour of a track, always the same for one id."""
    return _TRACKS[track_id % len(_TRACKS)]


def rgb_to_ycbcr(rgb: RGB, color: ColorSpec) -> tuple[int, int, int]:
    """Return how ``rgb`` (0 to 255) is stored in a picture of ``color``: luma, Cb, Cr.

    Source: ITU-R BT.601-7, section 2.5; BT.709-6, sections 3.2 to 3.4.

    Example:
        >>> rgb_to_ycbcr((255, 255, 255), ColorSpec("bt709"))
        (235, 128, 128)
    """
    red, green, blue = (channel / 255 for channel in rgb)
    of_red, of_blue = _WEIGHTS[color.matrix]
    luma = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
    cb = (blue - luma) / (2 - 2 * of_blue)
    cr = (red - luma) / (2 - 2 * of_red)
    if color.is_full_range:
        stored = (255 * luma, 128 + 255 * cb, 128 + 255 * cr)
    else:
        stored = (16 + 219 * luma, 128 + 224 * cb, 128 + 224 * cr)
    y, u, v = (min(255, max(0, round(value))) for value in stored)
    return y, u, v
