"""Lines of any slope and dots, rasterised with soft edges; a dot is a line of no length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Stroke", "along", "rasterise"]

F64 = NDArray[np.float64]
Samples = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.uint16]]

_FAR = 1e6  # px; what lies farther out has no place in an int and none in a picture


@dataclass(frozen=True, slots=True)
class Stroke:
    """The samples that lines cover.

    Attributes:
        samples: For samples of one pixel, and of 2 x 2 pixels: rows, columns, and the share
            that is covered, 0 to 256. No sample comes twice.
    """

    samples: tuple[Samples, Samples]


def along(points_xy: F64) -> F64:
    """Return the segments ``[K - 1, 2, 2]`` of a line through ``points_xy`` ``[K, 2]``."""
    return np.stack([points_xy[:-1], points_xy[1:]], axis=1)


def rasterise(
    segments: F64,
    *,
    thickness_px: float,
    size_hw: tuple[int, int],
    opacities: F64 | None = None,
) -> Stroke:
    """Return the samples that segments with round ends cover together, within the picture.

    A pixel is covered by how far the line's edge is from its middle: half a pixel inside is
    all, half a pixel outside nothing. Where segments overlap, the one that covers most counts.

    Args:
        segments: float ``[S, 2, 2]``, start and end (x, y) in pixels; one with a coordinate
            that is not finite or is beyond a million pixels is left out.
        thickness_px: Of the lines, or diameter of the dots.
        size_hw: Of the picture.
        opacities: float ``[S]``, 0 to 1; None for 1.
    """
    width = size_hw[1]
    is_near = (np.abs(segments) < _FAR).all(axis=(1, 2))  # NaN is not
    segments = segments[is_near]
    radius = thickness_px / 2
    owner, x, y = _candidates(segments, radius + 0.5, size_hw)
    start, way = segments[owner, 0], segments[owner, 1] - segments[owner, 0]
    from_start_x, from_start_y = x + 0.5 - start[:, 0], y + 0.5 - start[:, 1]
    length_squared = np.maximum(np.square(way).sum(axis=1), 1e-9)
    at = (from_start_x * way[:, 0] + from_start_y * way[:, 1]) / length_squared
    at = np.clip(at, 0, 1)
    distance = np.hypot(from_start_x - at * way[:, 0], from_start_y - at * way[:, 1])
    share = np.clip(radius + 0.5 - distance, 0, 1)
    if opacities is not None:
        share *= opacities[is_near][owner]
    is_drawn = share > 0
    return _union(x[is_drawn], y[is_drawn], share[is_drawn], width)


def _candidates(
    segments: F64, reach: float, size_hw: tuple[int, int]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return pixels that may be covered: the index of the segment, x and y of each.

    Along its longer axis a segment has one step a pixel, with a row of pixels across it. A
    round end stays within the band of the line drawn on.
    """
    start, end = segments[:, 0], segments[:, 1]
    is_steep = np.abs(end - start)[:, 1] > np.abs(end - start)[:, 0]
    u0, v0 = _swapped(start, is_steep)
    u1, v1 = _swapped(end, is_steep)
    limit = np.where(is_steep, size_hw[0], size_hw[1])
    first = np.clip(np.floor(np.minimum(u0, u1) - reach), 0, limit).astype(np.intp)
    last = np.clip(np.ceil(np.maximum(u0, u1) + reach), 0, limit).astype(np.intp)
    num_steps = last - first
    owner = np.repeat(np.arange(len(segments)), num_steps)
    ends = np.cumsum(num_steps)
    u = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - ends + num_steps, num_steps)
    slope = (v1 - v0) / np.where(u1 == u0, 1.0, u1 - u0)
    middle = v0[owner] + slope[owner] * (u + 0.5 - u0[owner])
    half = int(np.ceil(reach * np.sqrt(2.0)))
    v = np.floor(middle).astype(np.intp)[:, None] + np.arange(-half, half + 1)
    u = np.broadcast_to(u[:, None], v.shape)
    owner = np.broadcast_to(owner[:, None], v.shape)
    is_within = (v >= 0) & (v < np.where(is_steep, size_hw[1], size_hw[0])[owner])
    owner, u, v = owner[is_within], u[is_within], v[is_within]
    return owner, np.where(is_steep[owner], v, u), np.where(is_steep[owner], u, v)


def _swapped(points: F64, is_steep: NDArray[np.bool_]) -> tuple[F64, F64]:
    x, y = points[:, 0], points[:, 1]
    return np.where(is_steep, y, x), np.where(is_steep, x, y)


def _union(x: NDArray[np.intp], y: NDArray[np.intp], share: F64, width: int) -> Stroke:
    """Take each pixel once, and the mean of each 2 x 2 pixels."""
    cells_across = (width + 1) // 2
    # The four pixels of a cell are neighbours in this order.
    key = ((y >> 1) * cells_across + (x >> 1)) * 4 + (y & 1) * 2 + (x & 1)
    order = np.argsort(key, kind="stable")
    key, cover = key[order], share[order]
    pixels, cover = _merged(key, cover, np.maximum)
    cells, total = _merged(pixels >> 2, cover, np.add)
    cell_y, cell_x = np.divmod(pixels >> 2, cells_across)
    return Stroke(
        (
            (2 * cell_y + ((pixels >> 1) & 1), 2 * cell_x + (pixels & 1), _weights(cover)),
            (*np.divmod(cells, cells_across), _weights(total / 4)),
        )
    )


def _merged(keys: NDArray[np.intp], values: F64, how: np.ufunc) -> tuple[NDArray[np.intp], F64]:
    """Merge the values of equal keys; the keys rise."""
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    return keys[starts], how.reduceat(values, starts) if len(starts) else values


def _weights(cover: F64) -> NDArray[np.uint16]:
    return np.round(256 * cover).astype(np.uint16)
