"""Plays a recording at its own speed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

__all__ = ["Pacer"]

MAX_WAIT_SECONDS: Final = 10.0
MAX_LAG_SECONDS: Final = 1.0


class Pacer:
    """Holds each frame back until it is due; sleeps, and never spins.

    A jump in the timestamps of more than ten seconds is a cut in the recording, and a reader
    that lags by more than a second was held up: both begin the timetable anew, so that
    nothing stands still and nothing is rushed through.

    Args:
        clock: Monotonic seconds.
        sleep: Blocks for so many seconds.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._start_seconds: float | None = None

    def wait_until(self, pts_seconds: float) -> None:
        """Block until the frame with this timestamp is due; the first one is due at once."""
        now = self._clock()
        if self._start_seconds is None:
            self._start_seconds = now - pts_seconds
        wait = self._start_seconds + pts_seconds - now
        if not -MAX_LAG_SECONDS <= wait <= MAX_WAIT_SECONDS:
            self._start_seconds = now - pts_seconds
        elif wait > 0:
            self._sleep(wait)
