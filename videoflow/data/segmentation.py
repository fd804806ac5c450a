"""What a semantic segmentation says about one frame: a class for each pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videoflow.data.frame import Stamp
from videoflow.errors import ShapeError

__all__ = ["Segmentation"]


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """The class of every pixel of one frame.

    Attributes:
        stamp: Which frame of which stream.
        class_map: uint8 ``[H, W]``, class index of each pixel of the source frame.

    Raises:
        ShapeError: Another type, or another size than the frame's.
    """

    stamp: Stamp
    class_map: NDArray[np.uint8]

    def __post_init__(self) -> None:
        got = self.class_map
        if got.dtype != np.uint8 or got.shape != self.stamp.size_hw:
            raise ShapeError(
                f"class_map: got {got.dtype} {list(got.shape)}, "
                f"want uint8 {list(self.stamp.size_hw)}, the size of the frame"
            )

    def __repr__(self) -> str:
        return f"Segmentation({self.stamp.stream!r}, index={self.stamp.index})"
