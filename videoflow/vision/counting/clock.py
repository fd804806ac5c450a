"""The time of one stream, as counters understand it."""

from __future__ import annotations

import math

from videoflow.data.frame import Stamp

__all__ = ["Clock"]


class Clock:
    """Time that goes on with every frame, and never back.

    A camera that starts again, a file that is looped and a broken recorder send indices and
    timestamps that stand still or jump back. Then the frame counts as the next one, and no
    seconds have passed.

    Attributes:
        frame: Frames of the source since the first, 0 at the first.
        seconds: Seconds since the first.
    """

    def __init__(self) -> None:
        self.frame = 0
        self.seconds = 0.0
        self._last_index: int | None = None
        self._last_pts_seconds = math.nan

    def tick(self, stamp: Stamp) -> float:
        """Go on to the frame ``stamp``.

        Returns:
            How many seconds have passed since the last frame, 0 or more.
        """
        if self._last_index is not None:
            self.frame += max(stamp.index - self._last_index, 1)
        self._last_index = stamp.index
        if not math.isfinite(stamp.pts_seconds):
            return 0.0
        step = stamp.pts_seconds - self._last_pts_seconds
        self._last_pts_seconds = stamp.pts_seconds
        passed = step if 0 < step < math.inf else 0.0  # also for NaN, at the first frame
        self.seconds += passed
        return passed
