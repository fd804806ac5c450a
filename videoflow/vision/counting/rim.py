"""How far points are from the rims of polygons, and on which side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from videoflow.data.geometry import Polygon
from videoflow.vision.boxes import F64

__all__ = ["Rims", "signed_distances"]


class Rims:
    """The edges of several polygons, for many points at once.

    Args:
        polygons: At least one.
    """

    def __init__(self, polygons: Sequence[Polygon]) -> None:
        edges = np.array([edge for polygon in polygons for edge in polygon.edges], np.float64)
        self._starts, ends = edges[:, 0], edges[:, 1]  # [E, 2]
        self._ways = ends - self._starts
        self._squares = np.square(self._ways).sum(axis=1)
        self._low, self._high = np.sort(edges[:, :, 1], axis=1).T
        self._rises = np.where(self._ways[:, 1] == 0, 1.0, self._ways[:, 1])
        sizes = [len(polygon.points) for polygon in polygons]
        self._firsts = np.cumsum([0, *sizes[:-1]])  # the first edge of each polygon

    def signed_distances(self, points: F64) -> F64:
        """Return how far each point is from each rim: above 0 inside, below 0 outside.

        Args:
            points: float64 ``[M, 2]``.

        Returns:
            float64 ``[M, Z]``, pixels.

        Source: the number of edges that a ray crosses, O'Rourke, *Computational Geometry in
        C*, 2nd ed., section 7.4; the nearest point of a segment, ibid., section 1.5.
        """
        x, y = (points[:, None] - self._starts).transpose(2, 0, 1)  # [M, E], from the starts
        wx, wy = self._ways.T
        share = np.clip((x * wx + y * wy) / self._squares, 0.0, 1.0)
        squares = np.square(x - share * wx) + np.square(y - share * wy)
        height = points[:, 1, None]
        is_beside = (self._low <= height) & (height < self._high)
        is_met = is_beside & (x < y / self._rises * wx)  # by a ray to the right
        num_met = np.add.reduceat(is_met, self._firsts, axis=1, dtype=np.int64)
        distances = np.sqrt(np.minimum.reduceat(squares, self._firsts, axis=1))
        return np.where(num_met % 2 == 1, distances, -distances)


def signed_distances(points: F64, polygons: Sequence[Polygon]) -> F64:
    """Return ``Rims(polygons).signed_distances(points)``, for who asks once."""
    return Rims(polygons).signed_distances(points)
