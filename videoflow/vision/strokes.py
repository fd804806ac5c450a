"""Lines of any slope, rasterised once with soft edges and drawn many times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Stroke", "rasterise"]

Samples = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.uint16]]


@dataclass(frozen=True, slots=True)
class Stroke:
    """The samples that a line covers.

    Attributes:
        samples: For samples of one pixel, and of 2 x 2 pixels: rows, columns, and the share
            that is covered, 0 to 256. No sample comes twice.
    """

    samples: tuple[Samples, Samples]


def rasterise(
    points: NDArray[np.float64], *, thickness_px: float, size_hw: tuple[int, int]
) -> Stroke:
    """Return the samples of a line through ``points``, clipped to the picture.

    A pixel is covered by how far the line's edge is from its middle: half a pixel inside is
    all, half a pixel outside nothing.

    Args:
        points: float ``[K, 2]``, (x, y) in pixels, K >= 2.
        thickness_px: Of the line.
        size_hw: Of the picture.
    """
    height, width = size_hw
    steps, starts, ways = _walk(points, size_hw, slack=thickness_px)
    reach = int(np.ceil(thickness_px / 2 + 1))
    offsets = np.arange(-reach, reach + 1)
    x = np.floor(steps[:, 0]).astype(np.int64)[:, None, None] + offsets
    y = np.floor(steps[:, 1]).astype(np.int64)[:, None, None] + offsets[:, None]
    x, y = np.broadcast_arrays(x, y)  # [S, n, n]
    middle = np.stack([x + 0.5, y + 0.5], axis=-1) - starts[:, None, None]
    ways = ways[:, None, None]
    along = (middle * ways).sum(-1) / np.maximum(np.square(ways).sum(-1), 1e-9)
    apart = middle - np.clip(along, 0, 1)[..., None] * ways
    share = np.clip(thickness_px / 2 + 0.5 - np.hypot(apart[..., 0], apart[..., 1]), 0, 1)
    is_drawn = (share > 0) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    x, y, share = x[is_drawn], y[is_drawn], share[is_drawn]
    if not len(share):
        return Stroke((_weighted(np.zeros((0, 0))), _weighted(np.zeros((0, 0)))))
    left, top = x.min() & ~1, y.min() & ~1
    cover = np.zeros(((y.max() - top) // 2 * 2 + 2, (x.max() - left) // 2 * 2 + 2))
    np.maximum.at(cover.reshape(-1), (y - top) * cover.shape[1] + x - left, share)
    halved = cover.reshape(cover.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3))
    return Stroke(
        (_weighted(cover, top, left), _weighted(halved, top // 2, left // 2)),
    )


def _walk(
    points: NDArray[np.float64], size_hw: tuple[int, int], *, slack: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return a step for each pixel of the way; its segment's start, and its segment's way."""
    starts, ways = points[:-1], np.diff(points, axis=0)
    num_steps = np.maximum(np.ceil(np.abs(ways).max(axis=1)).astype(np.int64), 1) + 1
    segment = np.repeat(np.arange(len(starts)), num_steps)
    number = np.arange(len(segment)) - np.repeat(np.cumsum(num_steps) - num_steps, num_steps)
    share = number / (num_steps[segment] - 1)
    steps = starts[segment] + share[:, None] * ways[segment]
    limit = np.array(size_hw[::-1]) + slack + 1
    is_near = ((steps >= -slack - 1) & (steps <= limit)).all(axis=1)
    segment = segment[is_near]
    return steps[is_near], starts[segment], ways[segment]


def _weighted(cover: NDArray[np.float64], top: int = 0, left: int = 0) -> Samples:
    rows, columns = np.nonzero(cover)
    return rows + top, columns + left, np.round(256 * cover[rows, columns]).astype(np.uint16)
