"""Colours: one for each track, one for each class, and those of heat."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

__all__ = ["DARK", "HEAT", "LINE", "RGB", "WHITE", "track_rgb", "zone_rgb"]

RGB = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

WHITE: Final[RGB] = (255, 255, 255)
"""Letters, and the heart of a line that shines."""
DARK: Final[RGB] = (18, 20, 26)
"""The plate under letters."""
LINE: Final[RGB] = (255, 209, 72)
"""Lines and zones of which nothing else is said."""

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
_ZONES: Final[tuple[RGB, ...]] = (
    (72, 219, 188),
    (150, 134, 255),
    (255, 138, 101),
    (86, 178, 255),
)
# From cool to hot. Brightness rises with heat, so that a grey print still tells.
_HEAT_STOPS: Final[tuple[RGB, ...]] = (
    (84, 70, 235),
    (164, 66, 226),
    (232, 70, 160),
    (255, 104, 84),
    (255, 172, 52),
    (255, 244, 130),
)
_STEPS_BETWEEN: Final = 51


def track_rgb(track_id: int) -> RGB:
    """Return the colour of a track or of a class, always the same for one number."""
    return _TRACKS[track_id % len(_TRACKS)]


def zone_rgb(number: int) -> RGB:
    """Return the colour of the zone that is drawn as the ``number``-th."""
    return _ZONES[number % len(_ZONES)]


def _between(low: RGB, high: RGB, step: int) -> RGB:
    red, green, blue = (
        round(a + (b - a) * step / _STEPS_BETWEEN) for a, b in zip(low, high, strict=True)
    )
    return red, green, blue


HEAT: Final[tuple[RGB, ...]] = (
    *(
        _between(low, high, step)
        for low, high in pairwise(_HEAT_STOPS)
        for step in range(_STEPS_BETWEEN)
    ),
    _HEAT_STOPS[-1],
)
"""256 colours, from no heat to the most."""
