"""Lines and polygons in the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from numbers import Real
from typing import Any

from videoflow.errors import ShapeError

__all__ = ["Line", "Numbers", "Point", "Polygon", "points_of"]

Point = tuple[float, float]
"""x and y, in pixels unless something else is said."""
Numbers = Sequence[float] | Sequence[Sequence[float]]
"""Points as one writes them: ``[x, y, x, y]``, or ``[[x, y], [x, y]]``."""


def points_of(numbers: Numbers) -> tuple[Point, ...]:
    """Return points from numbers, which may stand in pairs or one after the other.

    Raises:
        ShapeError: Something else.

    Example:
        >>> points_of([0, 5, 9, 5]) == points_of([(0, 5), (9, 5)]) == ((0.0, 5.0), (9.0, 5.0))
        True
    """
    try:
        pairs: list[Any] = list(numbers)
        if all(isinstance(value, Real) for value in pairs):
            pairs = list(zip(pairs[::2], pairs[1::2], strict=True))
        return tuple((float(x), float(y)) for x, y in pairs)
    except (TypeError, ValueError) as error:
        raise ShapeError(
            f"got {numbers!r}, want points: [x, y, x, y, ...] or [[x, y], [x, y], ...]"
        ) from error


@dataclass(frozen=True, slots=True)
class Line:
    """A directed segment in pixels of the source frame, x to the right and y down.

    Seen from ``start`` towards ``end``, the left of a line that is drawn from left to right
    is the upper half of the picture.

    Attributes:
        start: (x, y).
        end: (x, y), another point.

    Raises:
        ShapeError: The two points are one, or not finite.
    """

    start: Point
    end: Point

    @classmethod
    def of(cls, numbers: Line | Numbers) -> Line:
        """Return the line from one point to another: ``[x, y, x, y]``, or two points.

        Raises:
            ShapeError: Not two different points.
        """
        if isinstance(numbers, Line):
            return numbers
        points = points_of(numbers)
        if len(points) != 2:
            raise ShapeError(f"got {numbers!r}, want two different points (x, y)")
        return cls(*points)

    def __post_init__(self) -> None:
        if self.start == self.end or not all(map(math.isfinite, (*self.start, *self.end))):
            raise ShapeError(
                f"a line from {self.start} to {self.end} has no direction, "
                "want two different points (x, y)",
                help="for example from (0, 360) to (1280, 360)",
            )


@dataclass(frozen=True, slots=True)
class Polygon:
    """An area in pixels of the source frame, with straight edges that do not cross.

    Attributes:
        points: The corners (x, y), one after the other along the rim, either way round; the
            last is joined to the first.

    Raises:
        ShapeError: Fewer than three corners, a corner that is not finite or comes twice in a
            row, edges that cross, or no area.

    Example:
        >>> Polygon(((0, 0), (10, 0), (10, 10), (0, 10))).area
        100.0
    """

    points: tuple[Point, ...]

    @classmethod
    def of(cls, numbers: Polygon | Numbers) -> Polygon:
        """Return the area with these corners: ``[x, y, x, y, ...]``, or a point for each.

        Raises:
            ShapeError: No polygon.
        """
        return numbers if isinstance(numbers, Polygon) else cls(points_of(numbers))

    def __post_init__(self) -> None:
        wrong = self._fault()
        if wrong:
            raise ShapeError(
                f"a polygon with the corners {self.points} {wrong}",
                help="give three or more corners (x, y), in the order of a walk along the rim",
            )

    @property
    def area(self) -> float:
        """Square pixels, above 0."""
        twice = sum(_cross(a, b) for a, b in self.edges)
        return abs(float(twice)) / 2

    @property
    def edges(self) -> tuple[tuple[Point, Point], ...]:
        """The pairs of neighbouring corners."""
        return tuple(zip(self.points, self.points[1:] + self.points[:1], strict=True))

    def _fault(self) -> str:
        if len(self.points) < 3:
            return f"has {len(self.points)} of them, want at least 3"
        if not all(math.isfinite(value) for point in self.points for value in point):
            return "has one that is not finite"
        if any(a == b for a, b in self.edges):
            return "has the same one twice in a row"
        if any(_is_crossing(*pair) for pair in combinations(self.edges, 2)):
            return "has edges that cross"
        return "" if self.area > 0 else "has no area"


def _cross(a: Point, b: Point, origin: Point = (0.0, 0.0)) -> float:
    """Return twice the signed area of the triangle ``origin``, ``a``, ``b``."""
    x, y = origin
    return (a[0] - x) * (b[1] - y) - (a[1] - y) * (b[0] - x)


def _is_crossing(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    """Say whether two segments cross between their ends; touching is no crossing.

    Source: O'Rourke, *Computational Geometry in C*, 2nd ed., section 1.5.
    """
    (a, b), (c, d) = one, other
    return _cross(c, d, a) * _cross(c, d, b) < 0 and _cross(a, b, c) * _cross(a, b, d) < 0
