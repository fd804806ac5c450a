"""A clock for bounds on time, which leaves out what a busy machine makes its processes wait."""

from __future__ import annotations

import time
from pathlib import Path

_PRESSURE = Path("/proc/pressure/cpu")
_MOST_SLOWDOWN = 10.0


class QuietClock:
    """Counts the seconds since it was made in which no process waited for a core.

    On a quiet machine these are all seconds, so that a bound holds as it is written; beside
    other work a bound is reached later, at the latest when ten times as long has passed. What
    idles too long is seen on any machine: who idles waits for no core.

    Source: ``some`` in Documentation/accounting/psi.rst of Linux. Where a kernel does not
    tell, all seconds count.
    """

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._stalled = _stalled_seconds()

    def seconds(self) -> float:
        """Return how many there were so far."""
        passed = time.monotonic() - self._begin
        stalled = _stalled_seconds() - self._stalled
        return max(passed - stalled, passed / _MOST_SLOWDOWN)


def _stalled_seconds() -> float:
    try:
        some = _PRESSURE.read_text().splitlines()[0]
    except OSError:  # an older kernel, or one that was started without it
        return 0.0
    return int(some.rpartition("total=")[2]) / 1e6
