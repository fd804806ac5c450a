"""Paint limbs and shadows into a picture, with soft edges and light from the upper left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from videoflow.vision.walkers.figure import Limb

__all__ = ["extent", "paint_limbs", "paint_shadow"]

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]


def extent(limbs: Sequence[Limb]) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of all that the limbs cover, in pixels."""
    reaches = np.array(
        [
            (x - radius, y - radius, x + radius, y + radius)
            for limb in limbs
            for (x, y), radius in (
                (limb.start, limb.start_radius),
                (limb.end, limb.end_radius),
            )
        ]
    )
    left, top = reaches[:, :2].min(axis=0).tolist()
    right, bottom = reaches[:, 2:].max(axis=0).tolist()
    return left, top, right, bottom


def paint_limbs(picture: U8, limbs: Sequence[Limb]) -> None:
    """Paint limbs one over the other.

    Args:
        picture: uint8 ``[H, W, 3]``, is painted in.
        limbs: The farthest first.
    """
    left, top, right, bottom = _clip(extent(limbs), picture)
    if left >= right or top >= bottom:
        return
    view = picture[top:bottom, left:right]
    patch = view.astype(np.float32)
    for limb in limbs:
        _paint_limb(patch, limb, origin=(left, top))
    view[:] = (patch + 0.5).astype(np.uint8)


def paint_shadow(picture: U8, x: float, y: float, *, radius: float) -> None:
    """Darken the floor around a pair of feet.

    Args:
        picture: uint8 ``[H, W, 3]``, is painted in.
        x: Of the feet in pixels.
        y: Of the feet.
        radius: Half the width of the shadow in pixels.
    """
    x += 0.3 * radius  # the light is on the left
    reach = (x - 2 * radius, y - 0.7 * radius, x + 2 * radius, y + 0.7 * radius)
    left, top, right, bottom = _clip(reach, picture)
    if left >= right or top >= bottom:
        return
    across = (np.arange(left, right, dtype=np.float32) + 0.5 - x) / radius
    down = (np.arange(top, bottom, dtype=np.float32) + 0.5 - y) / (0.3 * radius)
    dark = 0.5 * np.exp(-1.5 * (np.square(across)[None] + np.square(down)[:, None]))
    view = picture[top:bottom, left:right]
    view[:] = (view * (1 - dark)[..., None] + 0.5).astype(np.uint8)


def _paint_limb(patch: F32, limb: Limb, *, origin: tuple[int, int]) -> None:
    """Paint one limb into float32 ``[h, w, 3]`` whose corner is at ``origin``.

    A pixel is covered by how far the edge is from its middle: half a pixel inside is all. The
    side that looks to the light is lighter.
    """
    left, top, right, bottom = _clip(
        extent([limb]), patch, offset=(float(origin[0]), float(origin[1]))
    )
    if left >= right or top >= bottom:
        return
    start = np.array(limb.start, np.float32) - np.array(origin, np.float32)
    way = np.array(limb.end, np.float32) - np.array(limb.start, np.float32)
    x = np.arange(left, right, dtype=np.float32)[None] + 0.5 - start[0]
    y = np.arange(top, bottom, dtype=np.float32)[:, None] + 0.5 - start[1]
    along = (x * way[0] + y * way[1]) / max(float(way @ way), 1e-6)
    np.clip(along, 0, 1, out=along)
    radius = limb.start_radius + along * (limb.end_radius - limb.start_radius)
    across_x, across_y = x - along * way[0], y - along * way[1]
    cover = np.clip(radius + 0.5 - np.hypot(across_x, across_y), 0, 1)[..., None]
    light = 1 - (0.2 * across_x + 0.16 * across_y) / np.maximum(radius, 1)
    colour = np.minimum(light[..., None] * np.array(limb.colour, np.float32), 255)
    view = patch[top:bottom, left:right]
    view += cover * (colour - view)


def _clip(
    reach: tuple[float, float, float, float],
    picture: U8 | F32,
    *,
    offset: tuple[float, float] = (0.0, 0.0),
) -> tuple[int, int, int, int]:
    """Return the whole pixels around ``reach`` that are in the picture."""
    height, width = picture.shape[:2]
    left, top, right, bottom = np.array(reach) - np.tile(offset, 2)
    return (
        max(0, int(np.floor(left)) - 1),
        max(0, int(np.floor(top)) - 1),
        min(width, int(np.ceil(right)) + 1),
        min(height, int(np.ceil(bottom)) + 1),
    )
