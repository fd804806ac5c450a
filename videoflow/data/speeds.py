"""How fast who is seen in a frame walks on the floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videoflow.data.frame import Stamp
from videoflow.data.homography import Homography
from videoflow.errors import ShapeError

__all__ = ["Speeds"]

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Speeds:
    """Places and velocities on the floor, a row for each row of the tracks of the same frame.

    Attributes:
        stamp: Which frame of which stream.
        ids: int64 ``[M]``, as in the tracks.
        feet_xy: float32 ``[M, 2]``, foot points in pixels of the source frame; NaN for who
            does not count.
        positions_m: float32 ``[M, 2]``, where they are on the floor, in metres; NaN for what
            is not on it.
        velocities_mps: float32 ``[M, 2]``, metres per second along the axes of the floor; NaN
            while unknown.
        homography: From the picture to the floor.

    Raises:
        ShapeError: The arrays do not fit each other.
    """

    stamp: Stamp
    ids: NDArray[np.int64]
    feet_xy: F32
    positions_m: F32
    velocities_mps: F32
    homography: Homography

    def __post_init__(self) -> None:
        want = (len(self.ids), 2)
        for name in ("feet_xy", "positions_m", "velocities_mps"):
            array = getattr(self, name)
            if array.dtype != np.float32 or array.shape != want:
                raise ShapeError(
                    f"{name}: got {array.dtype} {list(array.shape)}, want float32 {list(want)}"
                )

    @property
    def speeds_mps(self) -> F32:
        """float32 ``[M]``, metres per second; NaN while unknown."""
        return np.hypot(self.velocities_mps[:, 0], self.velocities_mps[:, 1])

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Speeds({self.stamp.stream!r}, index={self.stamp.index}, M={len(self)})"
