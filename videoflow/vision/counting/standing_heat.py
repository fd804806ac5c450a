"""Where people stand, added up over time: the meaning is written in docs/counting.md."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from videoflow.data.detections import Tracks
from videoflow.data.frame import Stamp
from videoflow.data.heat_map import HeatMap
from videoflow.errors import ShapeError
from videoflow.vision.counting.clock import Clock
from videoflow.vision.counting.sightings import Sightings, label_array

__all__ = ["StandingHeat"]


class StandingHeat:
    """Add up the seconds that people stand in each cell of one stream's picture.

    Args:
        cell_px: Side of a cell in pixels of the source frame.
        half_life_seconds: After so many seconds a second counts for half; None: it stays.
        max_step_seconds: The most that one frame can count for, after a gap.
        labels: The class indices to count, or None for all.

    Raises:
        ShapeError: A number out of range.
    """

    def __init__(
        self,
        *,
        cell_px: int = 16,
        half_life_seconds: float | None = None,
        max_step_seconds: float = 1.0,
        labels: Collection[int] | None = None,
    ) -> None:
        half_life = np.inf if half_life_seconds is None else half_life_seconds
        if (
            not isinstance(cell_px, int)
            or cell_px < 1
            or not half_life > 0
            or not max_step_seconds > 0
        ):
            raise ShapeError(
                f"StandingHeat: got cell_px={cell_px}, half_life_seconds={half_life_seconds}, "
                f"max_step_seconds={max_step_seconds}, want numbers above 0, "
                "the side of a cell a whole one"
            )
        self.cell_px = cell_px
        self._half_life_seconds = half_life
        self._max_step_seconds = max_step_seconds
        self._labels = label_array(labels)
        self.reset()

    def reset(self) -> None:
        """Begin again with an empty map."""
        self._clock = Clock()
        self._stamp: Stamp | None = None
        # Double: a frame's share would be lost in the digits of a float32 after some days.
        self._seconds: NDArray[np.float64] = np.zeros((0, 0))

    @property
    def clock_seconds(self) -> float:
        """Seconds of the stream since its first frame."""
        return self._clock.seconds

    def update(self, tracks: Tracks) -> None:
        """Take the tracks of the next frame; a picture of another size begins a new map."""
        passed = self._clock.tick(tracks.stamp)
        if self._stamp is None or self._stamp.size_hw != tracks.stamp.size_hw:
            self._seconds = np.zeros(HeatMap.grid_hw(tracks.stamp.size_hw, self.cell_px))
        self._stamp = tracks.stamp
        if np.isfinite(self._half_life_seconds):
            self._seconds *= 0.5 ** (passed / self._half_life_seconds)
        feet = Sightings.of(tracks, self._labels).feet
        size_xy = np.array(tracks.stamp.size_hw[::-1])
        feet = feet[((feet >= 0) & (feet <= size_xy)).all(axis=1)]
        # A foot on the lower or the right rim belongs to the last cell.
        cells = np.minimum(feet, size_xy - 1).astype(np.intp) // self.cell_px
        np.add.at(
            self._seconds, (cells[:, 1], cells[:, 0]), min(passed, self._max_step_seconds)
        )

    def map(self) -> HeatMap | None:
        """Return a copy of the map up to the last frame; None before any frame."""
        if self._stamp is None:
            return None
        return HeatMap(self._stamp, self._seconds.astype(np.float32), self.cell_px)
