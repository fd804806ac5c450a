"""What every tracker of this folder is: one stream's memory, moved on frame by frame."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from videoflow.data.detections import Detections, Tracks
from videoflow.data.frame import Stamp

__all__ = ["Tracker", "update_many"]

F64 = NDArray[np.float64]


class Tracker(ABC):
    """Follow the objects of one stream."""

    def update(self, detections: Detections, *, warp: F64 | None = None) -> Tracks:
        """Take the detections of the next frame."""
        raise NotImplementedError

    def coast(self, stamp: Stamp, *, warp: F64 | None = None) -> Tracks:
        """Pass a frame that no detector looked at."""
        raise NotImplementedError

    def reset(self) -> None:
        """Forget everything; ids begin at 1 again."""


def update_many(
    trackers: Sequence[Tracker],
    detections: Sequence[Detections],
    *,
    warps: Sequence[F64 | None] | None = None,
) -> list[Tracks]:
    """Do ``tracker.update`` for one frame of each of many streams, in one go."""
    raise NotImplementedError
