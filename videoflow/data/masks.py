"""Which pixels belong to which object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from videoflow.errors import ShapeError

__all__ = ["Masks"]


@dataclass(frozen=True, slots=True, eq=False)
class Masks:
    """M masks in one picture, each kept only where its object is.

    Whole pictures would be 2 MB for each object of a 1080p frame; what lies around the objects
    is some 30 kB each.

    Attributes:
        size_hw: Height and width of the picture in pixels.
        corners_xy: int32 ``[M, 2]``, left and top pixel of each crop in the picture.
        crops: M arrays, bool ``[h, w]``, each within the picture; h and w may be 0.

    Raises:
        ShapeError: A crop of another kind, or one that reaches out of the picture.
    """

    size_hw: tuple[int, int]
    corners_xy: NDArray[np.int32]
    crops: tuple[NDArray[np.bool_], ...]

    def __post_init__(self) -> None:
        corners = self.corners_xy
        if corners.dtype != np.int32 or corners.shape != (len(self.crops), 2):
            raise ShapeError(
                f"corners_xy: got {corners.dtype} {list(corners.shape)}, "
                f"want int32 {[len(self.crops), 2]}"
            )
        height, width = self.size_hw
        for row, ((x, y), crop) in enumerate(zip(corners.tolist(), self.crops, strict=True)):
            if crop.dtype != np.bool_ or crop.ndim != 2:
                raise ShapeError(
                    f"crops[{row}]: got {crop.dtype} {list(crop.shape)}, want bool [h, w]"
                )
            h, w = crop.shape
            if not (0 <= x <= width - w and 0 <= y <= height - h):
                raise ShapeError(
                    f"crops[{row}]: got {h} x {w} pixels at x={x}, y={y}, want it within "
                    f"{height} x {width}"
                )

    @classmethod
    def from_dense(cls, masks: NDArray[np.bool_]) -> Self:
        """Take masks of whole pictures.

        Args:
            masks: bool ``[M, H, W]``.

        Raises:
            ShapeError: Another shape or type.
        """
        if masks.dtype != np.bool_ or masks.ndim != 3:
            raise ShapeError(
                f"masks: got {masks.dtype} {list(masks.shape)}, want bool [M, H, W]"
            )
        boxes = [_extent(mask) for mask in masks]
        crops = tuple(
            np.ascontiguousarray(mask[top:bottom, left:right])
            for mask, (left, top, right, bottom) in zip(masks, boxes, strict=True)
        )
        corners = np.array([box[:2] for box in boxes], np.int32).reshape(-1, 2)
        return cls((masks.shape[1], masks.shape[2]), corners, crops)

    def __len__(self) -> int:
        return len(self.crops)

    def __getitem__(self, rows: Any) -> Masks:
        """Return the masks that a mask, a slice or an index array picks."""
        picked = np.arange(len(self))[rows]
        return Masks(
            self.size_hw, self.corners_xy[picked], tuple(self.crops[row] for row in picked)
        )

    def dense(self) -> NDArray[np.bool_]:
        """Return bool ``[M, H, W]``."""
        masks = np.zeros((len(self), *self.size_hw), np.bool_)
        for mask, (x, y), crop in zip(masks, self.corners_xy, self.crops, strict=True):
            mask[y : y + crop.shape[0], x : x + crop.shape[1]] = crop
        return masks

    def areas(self) -> NDArray[np.int64]:
        """Return how many pixels each object has, int64 ``[M]``."""
        return np.array([np.count_nonzero(crop) for crop in self.crops], np.int64)

    def __repr__(self) -> str:
        return f"Masks(M={len(self)}, size_hw={self.size_hw})"


def _extent(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Return the smallest (left, top, right, bottom) around a mask; all 0 for none."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
