"""How a camera moved between two frames, and files that say so for a whole sequence."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from videoflow.data.frame import Stamp
from videoflow.data.number_rows import read_number_rows
from videoflow.errors import ShapeError

__all__ = ["CameraMotion", "compose_warps", "read_warps"]

F64 = NDArray[np.float64]

_COLUMNS = ("frame", "a", "b", "x shift", "c", "d", "y shift")


@dataclass(frozen=True, slots=True, eq=False)
class CameraMotion:
    """Where the still parts of the picture went between two frames of a stream.

    Attributes:
        stamp: The later frame; the earlier one is that of the value before in this stream.
        warp: float64 ``[2, 3]``, affine: a point (x, y) of the earlier frame is at
            ``warp @ (x, y, 1)`` in the later one, in pixels.

    Raises:
        ShapeError: ``warp`` is of another kind, or not finite.
    """

    stamp: Stamp
    warp: F64

    def __post_init__(self) -> None:
        if self.warp.dtype != np.float64 or self.warp.shape != (2, 3):
            raise ShapeError(
                f"warp: got {self.warp.dtype} {list(self.warp.shape)}, want float64 [2, 3]"
            )
        if not np.isfinite(self.warp).all():
            raise ShapeError(f"warp: got {self.warp.tolist()}, want finite numbers")


def compose_warps(warps: F64) -> F64:
    """Return the one warp that does what several do one after another.

    Args:
        warps: float64 ``[K, 2, 3]``, the first to be applied first; none leave all in place.

    Returns:
        float64 ``[2, 3]``.

    Example:
        >>> compose_warps(np.array([[[1.0, 0, 3], [0, 1, 0]], [[2, 0, 0], [0, 2, 0]]]))
        array([[2., 0., 6.],
               [0., 2., 0.]])
    """
    rows = np.tile([0.0, 0.0, 1.0], (len(warps), 1, 1))
    squares = np.concatenate([warps, rows], axis=1)
    whole: F64 = reduce(lambda before, after: after @ before, squares, np.eye(3))
    return whole[:2]


def read_warps(path: str | os.PathLike[str]) -> F64:
    """Read a file of camera motion: the frame's index from 0, then a 2x3 affine, row by row.

    The warp of a frame leads from the frame before to it; that of the first has no meaning.

    Returns:
        float64 ``[F, 2, 3]``, by frame index.

    Raises:
        SourceError: The file cannot be read, a row is malformed, or a frame is missing, twice
            there or out of order; names file and line.

    Source: the files that the authors of BoT-SORT publish with their code.
    """
    rows = read_number_rows(path, _COLUMNS)
    is_next = rows.values[:, 0] == np.arange(len(rows.values))
    rows.require(is_next, 0, "each frame once, in order, from 0")
    return rows.values[:, 1:7].reshape(-1, 2, 3)
