"""What a counter says about one frame: events, and the totals so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from videoflow.data.frame import Stamp
from videoflow.data.geometry import Line

__all__ = ["Counts", "Crossing", "Direction", "LineTotals"]

Direction = Literal["in", "out"]
"""Which way a line was crossed: ``in`` is to its right, seen along it."""


@dataclass(frozen=True, slots=True)
class LineTotals:
    """How many have crossed a line so far in one stream.

    Attributes:
        into: From the line's left to its right.
        out_of: From the line's right to its left.
    """

    into: int = 0
    out_of: int = 0


@dataclass(frozen=True, slots=True)
class Crossing:
    """One object crossed one line.

    Attributes:
        stamp: The frame at which the crossing was certain, see ``docs/counting.md``.
        line: Name of the line.
        track_id: Who crossed.
        label: Class index of who crossed.
        direction: ``in`` is from the line's left to its right.
        totals: The line's totals with this crossing.
    """

    stamp: Stamp
    line: str
    track_id: int
    label: int
    direction: Direction
    totals: LineTotals


@dataclass(frozen=True, slots=True)
class Counts:
    """What happened at the lines of a stream in one frame.

    Attributes:
        stamp: Which frame of which stream.
        crossings: The events of this frame, in the order of their track ids.
        totals: Line name to totals, with this frame's events.
        label_totals: Line name to class index to totals; only classes that have crossed.
        lines: Line name to where it lies, so that who draws the counts needs nothing else.
    """

    stamp: Stamp
    crossings: tuple[Crossing, ...]
    totals: dict[str, LineTotals]
    label_totals: dict[str, dict[int, LineTotals]] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
