"""Where people stood, and for how long."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from videoflow.data.frame import Stamp
from videoflow.errors import ShapeError

__all__ = ["HeatMap"]


@dataclass(frozen=True, slots=True, eq=False)
class HeatMap:
    """How long people stood in each cell of the picture, up to one frame.

    Attributes:
        stamp: The last frame that went into it.
        seconds: float32 ``[R, C]``, person-seconds; rows from the top, columns from the left.
            Its own copy: it does not change when the map goes on.
        cell_px: Side of a cell in pixels of the source frame. The first cell begins at (0, 0);
            the last row and column may reach beyond the picture.

    Raises:
        ShapeError: A cell of no size, or a grid that does not cover the picture.
    """

    stamp: Stamp
    seconds: NDArray[np.float32] = field(repr=False)
    cell_px: int

    def __post_init__(self) -> None:
        if self.cell_px < 1:
            raise ShapeError(f"cell_px: got {self.cell_px}, want at least 1")
        want = self.grid_hw(self.stamp.size_hw, self.cell_px)
        if self.seconds.dtype != np.float32 or self.seconds.shape != want:
            raise ShapeError(
                f"seconds: got {self.seconds.dtype} {list(self.seconds.shape)}, "
                f"want float32 {list(want)}"
            )

    @staticmethod
    def grid_hw(size_hw: tuple[int, int], cell_px: int) -> tuple[int, int]:
        """Return how many rows and columns cover a picture of ``size_hw``.

        Example:
            >>> HeatMap.grid_hw((90, 160), 16)
            (6, 10)
        """
        height, width = size_hw
        return -(-height // cell_px), -(-width // cell_px)
