"""Numbers as people read them."""

from __future__ import annotations

import math
from typing import Final

from videoflow.vision.style import SpeedUnit

__all__ = ["duration", "speed"]

_PER_MPS: Final[dict[SpeedUnit, float]] = {"m/s": 1.0, "km/h": 3.6, "mph": 3600 / 1609.344}


def duration(seconds: float) -> str:
    """Return a duration, ``""`` for NaN.

    Example:
        >>> duration(7.6), duration(125), duration(7325)
        ('7 s', '2:05', '2:02:05')
    """
    if not math.isfinite(seconds):
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"


def speed(mps: float, unit: SpeedUnit) -> str:
    """Return a speed given in metres per second in ``unit``, ``""`` for NaN.

    Example:
        >>> speed(1.5, "km/h")
        '5.4 km/h'
    """
    return f"{mps * _PER_MPS[unit]:.1f} {unit}" if math.isfinite(mps) else ""
