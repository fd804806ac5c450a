"""Lines in the picture."""

from __future__ import annotations

from dataclasses import dataclass

from videoflow.errors import ShapeError

__all__ = ["Line"]


@dataclass(frozen=True, slots=True)
class Line:
    """A directed segment in pixels of the source frame, x to the right and y down.

    Seen from ``start`` towards ``end``, the left of a line that is drawn from left to right
    is the upper half of the picture.

    Attributes:
        start: (x, y).
        end: (x, y), another point.

    Raises:
        ShapeError: The two points are one.
    """

    start: tuple[float, float]
    end: tuple[float, float]

    def __post_init__(self) -> None:
        if self.start == self.end:
            raise ShapeError(
                f"a line from {self.start} to {self.end} has no direction",
                help="give two different points",
            )
