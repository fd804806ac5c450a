"""Filled shapes as shares of samples: polygons with soft edges, and masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from videoflow.data.geometry import Point

__all__ = ["Area", "mask_area", "polygon_area"]

U16 = NDArray[np.uint16]

_SCANS_PER_PX = 4
_FULL = 256


@dataclass(frozen=True, slots=True)
class Area:
    """How much of each sample of a rectangle is covered.

    Attributes:
        left: Pixel, even, in the picture.
        top: Pixel, even, in the picture.
        shares: For samples of one pixel ``[h, w]``, h and w even, and of 2 x 2 pixels
            ``[h / 2, w / 2]``: uint16, 0 to 256.
    """

    left: int
    top: int
    shares: tuple[U16, U16]

    @classmethod
    def of_pixels(cls, left: int, top: int, shares: U16) -> Self:
        """Return an area from what is covered of each pixel, uint16 ``[h, w]``, 0 to 256."""
        halved = shares[0::2, 0::2] + shares[0::2, 1::2]
        halved += shares[1::2, 0::2]
        halved += shares[1::2, 1::2]
        halved >>= 2
        return cls(left, top, (shares, halved))


def polygon_area(points: Sequence[Point], size_hw: tuple[int, int]) -> Area:
    """Return what a polygon covers of a picture; its edges must not cross.

    Four lines a pixel are scanned, each with its exact ends.

    Args:
        points: The corners (x, y) in pixels, along the rim; may lie outside.
        size_hw: Of the picture.
    """
    corners = np.array(points, np.float64).reshape(-1, 2)
    limit = np.array(size_hw[::-1], np.float64)
    low, high = (np.clip(f(corners, axis=0), 0, limit) for f in (np.min, np.max))
    left, top = (np.floor(low).astype(int) & ~1).tolist()
    width, height = (np.ceil(high).astype(int) - (left, top) + 1 & ~1).tolist()
    cover = np.zeros((height * _SCANS_PER_PX, width + 2))
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        _scan_edge(cover, start - (left, top), end - (left, top))
    # An edge says how much more is covered from it on.
    scans = np.abs(np.cumsum(cover, axis=1))[:, :width]
    share = scans.reshape(height, _SCANS_PER_PX, width).mean(axis=1)
    return Area.of_pixels(left, top, np.round(_FULL * share).astype(np.uint16))


def mask_area(crop: NDArray[np.bool_], corner_xy: tuple[int, int]) -> Area:
    """Return what a mask covers.

    Args:
        crop: bool ``[h, w]``, where the object is.
        corner_xy: Left and top pixel of the crop in the picture.
    """
    left, top = corner_xy
    height, width = crop.shape
    x, y = left & 1, top & 1
    full = np.zeros(((height + y + 1) & ~1, (width + x + 1) & ~1), np.uint16)
    np.multiply(crop, _FULL, out=full[y : y + height, x : x + width], casting="unsafe")
    return Area.of_pixels(left - x, top - y, full)


def _scan_edge(
    cover: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64]
) -> None:
    (x0, y0), (x1, y1) = start, end
    direction = 1.0 if y1 > y0 else -1.0
    if y0 > y1:
        x0, y0, x1, y1 = x1, y1, x0, y0
    num_scans, width = cover.shape[0], cover.shape[1] - 2
    first = np.clip(np.ceil(y0 * _SCANS_PER_PX - 0.5), 0, num_scans)
    last = np.clip(np.ceil(y1 * _SCANS_PER_PX - 0.5), 0, num_scans)
    scan = np.arange(int(first), int(last))
    x = x0 + ((scan + 0.5) / _SCANS_PER_PX - y0) * ((x1 - x0) / (y1 - y0 or 1.0))
    x = np.clip(x, 0, width)
    column = x.astype(np.intp)
    beyond = x - column
    cover[scan, column] += direction * (1 - beyond)
    cover[scan, column + 1] += direction * beyond
