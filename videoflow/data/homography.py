"""From the picture of a camera to the floor that it looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from videoflow.errors import ShapeError

__all__ = ["Homography"]

F64 = NDArray[np.float64]

_FLAT = 1e-6  # a ratio of singular values below which points say too little
_HORIZON = 1e-9  # a share of the terms of a sum below which it counts as 0


@dataclass(frozen=True, slots=True, eq=False)
class Homography:
    """Map points of the picture (pixels) to points of a plane, the floor (metres), and back.

    Attributes:
        matrix: float64 ``[3, 3]``, ``w * (X, Y, 1) = matrix @ (x, y, 1)``, with ``w > 0`` on
            the camera's side of the horizon.

    Raises:
        ShapeError: Not a finite float64 ``[3, 3]`` that can be inverted.
    """

    matrix: F64

    def __post_init__(self) -> None:
        matrix = self.matrix
        if matrix.shape != (3, 3) or matrix.dtype != np.float64:
            raise ShapeError(
                f"homography: got {matrix.dtype} {list(matrix.shape)}, want float64 [3, 3]"
            )
        if not np.isfinite(matrix).all() or np.linalg.det(matrix) == 0:
            raise ShapeError(f"homography: got {matrix.tolist()}, want one with an inverse")

    @classmethod
    def from_points(
        cls,
        image_xy: Sequence[Sequence[float]] | NDArray[Any],
        floor_xy_m: Sequence[Sequence[float]] | NDArray[Any],
    ) -> Homography:
        """Return the map that carries points of the picture to points of the floor.

        With more than four pairs it is the one of least algebraic error.

        Args:
            image_xy: ``[K, 2]``, four or more points (x, y) in pixels of the source frame.
            floor_xy_m: ``[K, 2]``, where they are on the floor, (X, Y) in metres from a place
                of your choice.

        Raises:
            ShapeError: Fewer than four pairs, points that are not finite, too many of them on
                one line or in one place, or a horizon between them.

        Source: the normalised direct linear transformation; Hartley and Zisserman, *Multiple
        View Geometry in Computer Vision*, 2nd ed., algorithm 4.2.
        """
        image, floor = _points("image_xy", image_xy), _points("floor_xy_m", floor_xy_m)
        if len(image) != len(floor) or len(image) < 4:
            raise ShapeError(
                f"homography: got {len(image)} points of the picture and {len(floor)} of the "
                "floor, want four or more of each, in the same order"
            )
        to_unit, to_unit_floor = _normalisation(image), _normalisation(floor)
        x, y = _apply(to_unit, image).T
        u, v = _apply(to_unit_floor, floor).T
        one, zero = np.ones_like(x), np.zeros_like(x)
        rows = np.concatenate(
            [
                np.stack([x, y, one, zero, zero, zero, -u * x, -u * y, -u], axis=1),
                np.stack([zero, zero, zero, x, y, one, -v * x, -v * y, -v], axis=1),
            ]
        )
        _, sizes, ways = np.linalg.svd(rows)
        unit = ways[8].reshape(3, 3)
        matrix = np.linalg.inv(to_unit_floor) @ unit @ to_unit
        depths = np.column_stack([image, np.ones(len(image))]) @ matrix[2]
        spread = np.linalg.svd(unit, compute_uv=False)
        is_flat = sizes[7] < _FLAT * sizes[0] or spread[2] < _FLAT * spread[0]
        if is_flat or not (np.all(depths > 0) or np.all(depths < 0)):
            raise ShapeError(
                f"homography: the points {image.tolist()} and {floor.tolist()} do not say "
                "how the floor lies in the picture",
                help="give four corners of a rectangle on the floor, in the same order in "
                "both lists; no three of them on one line",
            )
        return cls(matrix * (np.sign(depths[0]) / np.linalg.norm(matrix)))

    def to_floor(self, points_xy: ArrayLike) -> F64:
        """Return where points of the picture are on the floor.

        Args:
            points_xy: ``[M, 2]``, pixels.

        Returns:
            float64 ``[M, 2]``, metres; NaN for what is on or above the horizon.
        """
        return _apply(self.matrix, np.asarray(points_xy, np.float64))

    def to_image(self, points_xy: ArrayLike) -> F64:
        """Return where points of the floor are in the picture.

        Args:
            points_xy: ``[M, 2]``, metres.

        Returns:
            float64 ``[M, 2]``, pixels; NaN for what is behind the camera.
        """
        inverse: F64 = np.asarray(np.linalg.inv(self.matrix), np.float64)
        return _apply(inverse, np.asarray(points_xy, np.float64))


def _apply(matrix: F64, points: F64) -> F64:
    """Return ``[M, 2]``; NaN where the third coordinate is not well above 0."""
    points = np.where(np.isfinite(points), points, np.nan)  # inf - inf would warn
    rows = np.column_stack([points, np.ones(len(points))])
    x, y, w = matrix @ rows.T
    least = _HORIZON * (np.abs(rows) @ np.abs(matrix[2]))
    depth = np.where(w > least, w, np.nan)
    return np.stack([x / depth, y / depth], axis=1)


def _normalisation(points: F64) -> F64:
    """Return the map to a mean of 0 and a mean distance of sqrt(2) from it."""
    centre = points.mean(axis=0)
    distance = float(np.hypot(*(points - centre).T).mean())
    if distance == 0:
        raise ShapeError(f"homography: the {len(points)} points {points[0].tolist()} are one")
    scale = np.sqrt(2) / distance
    return np.array([[scale, 0, -scale * centre[0]], [0, scale, -scale * centre[1]], [0, 0, 1]])


def _points(name: str, points: Any) -> F64:
    try:
        array = np.asarray(points, np.float64)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"homography: {name}: got {points!r}, want [K, 2] numbers") from error
    if array.ndim != 2 or array.shape[1] != 2 or not np.isfinite(array).all():
        raise ShapeError(
            f"homography: {name}: got {array.tolist()}, want [K, 2] finite numbers"
        )
    return array
