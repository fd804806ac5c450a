"""Where a walker is at any time, and when its way crosses a line: exact, without frames."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from videoflow.data.counts import Direction
from videoflow.data.geometry import Line, Point
from videoflow.errors import ShapeError

__all__ = ["Passage", "Way"]

F64 = NDArray[np.float64]

_FLOOR_PER_PICTURE = 2.2
"""How much longer a step away from the camera is on the floor than in the picture."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A walker crosses a line.

    Attributes:
        seconds: When.
        direction: ``in`` is from the line's left to its right, as ``LineCounter`` says.
    """

    seconds: float
    direction: Direction


@dataclass(frozen=True, slots=True)
class Way:
    """Straight legs, walked or stood at an even speed; before and after them one stands.

    Attributes:
        times: Seconds, rising; when each place is reached.
        places: (x, y) of the feet in pixels, one for each time.

    Raises:
        ShapeError: Fewer than two places, or times that do not rise.

    Example:
        >>> way = Way((0.0, 2.0), ((0.0, 10.0), (8.0, 10.0)))
        >>> way.at(0.5)
        (2.0, 10.0)
        >>> way.passages(Line(start=(4, 20), end=(4, 0)))
        [Passage(seconds=1.0, direction='in')]
    """

    times: tuple[float, ...]
    places: tuple[Point, ...]

    def __post_init__(self) -> None:
        is_rising = all(a < b for a, b in pairwise(self.times))
        if len(self.times) != len(self.places) or len(self.times) < 2 or not is_rising:
            raise ShapeError(
                f"a way: got {len(self.places)} places at {self.times}, "
                "want two or more, at rising times"
            )

    def at_times(self, seconds: F64) -> tuple[F64, F64]:
        """Return where the feet are, x and y, float64 ``[N]`` each, at each of N times."""
        xs, ys = zip(*self.places, strict=True)
        return np.interp(seconds, self.times, xs), np.interp(seconds, self.times, ys)

    def at(self, seconds: float) -> Point:
        """Return where the feet are."""
        xs, ys = zip(*self.places, strict=True)
        return float(np.interp(seconds, self.times, xs)), float(
            np.interp(seconds, self.times, ys)
        )

    def walked_px(self, seconds: float) -> float:
        """Return how far the feet have come in the picture since the beginning."""
        steps = [math.dist(a, b) for a, b in pairwise(self.places)]
        return float(np.interp(seconds, self.times, np.cumsum([0.0, *steps])))

    def yaw(self, seconds: float) -> float:
        """Return where the walker looks, in radians: 0 to the right, pi / 2 to the camera.

        Who stands still between two legs turns evenly from one to the other.
        """
        leg = int(np.searchsorted(self.times, seconds, side="right")) - 1
        leg = min(max(leg, 0), len(self.times) - 2)
        if (own := self._leg_yaw(leg)) is not None:
            return own
        before = self._leg_yaw(leg - 1) if leg else None
        after = self._leg_yaw(leg + 1) if leg + 2 < len(self.times) else None
        if before is None or after is None:
            return before or after or 0.0
        share = (seconds - self.times[leg]) / (self.times[leg + 1] - self.times[leg])
        return before + min(max(share, 0.0), 1.0) * (after - before)

    def passages(self, line: Line) -> list[Passage]:
        """Return where the way crosses the line between its ends, in the order of time.

        A place exactly on the line belongs to its left.

        Source: the leg is cut in the ratio of the distances of its ends from the line;
        O'Rourke, *Computational Geometry in C*, 2nd ed., section 1.5.
        """
        found = []
        for leg, (start, end) in enumerate(pairwise(self.places)):
            was, now = _distance(start, line), _distance(end, line)
            if (was > 0) == (now > 0):
                continue
            share = was / (was - now)
            place = (
                start[0] + share * (end[0] - start[0]),
                start[1] + share * (end[1] - start[1]),
            )
            if 0 <= _along(place, line) <= 1:
                duration = self.times[leg + 1] - self.times[leg]
                seconds = self.times[leg] + share * duration
                found.append(Passage(seconds, "in" if now > 0 else "out"))
        return found

    def _leg_yaw(self, leg: int) -> float | None:
        (x0, y0), (x1, y1) = self.places[leg], self.places[leg + 1]
        if (x0, y0) == (x1, y1):
            return None
        return math.atan2(_FLOOR_PER_PICTURE * (y1 - y0), x1 - x0)


def _distance(place: Point, line: Line) -> float:
    """Return the distance times the line's length; positive on its right."""
    (x0, y0), (x1, y1) = line.start, line.end
    return (x1 - x0) * (place[1] - y0) - (y1 - y0) * (place[0] - x0)


def _along(place: Point, line: Line) -> float:
    """Return where beside the line: 0 at its start, 1 at its end."""
    (x0, y0), (x1, y1) = line.start, line.end
    ways = (x1 - x0, y1 - y0)
    along = (place[0] - x0) * ways[0] + (place[1] - y0) * ways[1]
    return along / (ways[0] ** 2 + ways[1] ** 2)
