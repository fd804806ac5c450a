"""What a zone counter says about one frame: who came and went, who is there, since when."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from videoflow.data.frame import Stamp
from videoflow.data.geometry import Polygon

__all__ = ["Visit", "ZoneCounts", "ZoneEvent", "ZoneEventKind", "ZoneTotals"]

ZoneEventKind = Literal["entered", "appeared", "left", "lost", "open"]
"""How a visit begins and ends.

It begins when somebody ``entered`` over the rim, or ``appeared`` inside; it ends when the
visitor ``left`` over the rim, or was ``lost`` inside. Visits that are ``open`` at the end of
the stream are told then.
"""


@dataclass(frozen=True, slots=True)
class ZoneTotals:
    """What has happened in a zone so far in one stream.

    Attributes:
        occupancy: Visitors who are inside at this moment.
        entries: How often somebody came in over the rim.
        exits: How often somebody went out over the rim.
        num_visits: Visits that have ended.
        dwell_seconds: How long those visits were, taken together.
    """

    occupancy: int = 0
    entries: int = 0
    exits: int = 0
    num_visits: int = 0
    dwell_seconds: float = 0.0

    @property
    def mean_dwell_seconds(self) -> float:
        """How long a visit was on average; NaN before the first has ended."""
        return self.dwell_seconds / self.num_visits if self.num_visits else math.nan


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody is in a zone.

    Attributes:
        zone: Name of the zone.
        track_id: Who.
        label: Class index of who it is.
        dwell_seconds: For how long, up to this frame.
    """

    zone: str
    track_id: int
    label: int
    dwell_seconds: float


@dataclass(frozen=True, slots=True)
class ZoneEvent:
    """A visit has begun or ended.

    Attributes:
        stamp: The frame at which it was certain, see ``docs/counting.md``.
        kind: ``entered``, ``appeared``, ``left``, ``lost`` or ``open``.
        visit: Whose visit to which zone; at its end ``dwell_seconds`` is its whole length.
        totals: The zone's totals with this event.
    """

    stamp: Stamp
    kind: ZoneEventKind
    visit: Visit
    totals: ZoneTotals


@dataclass(frozen=True, slots=True)
class ZoneCounts:
    """What happened in the zones of a stream in one frame.

    Attributes:
        stamp: Which frame of which stream.
        events: Visits that ended or began in this frame.
        visits: Who is inside, by zone and rising track id.
        totals: Zone name to totals, with this frame's events.
        label_totals: Zone name to class index to totals; only classes with a visit.
        zones: Zone name to where it lies, so that who draws the counts needs nothing else.
    """

    stamp: Stamp
    events: tuple[ZoneEvent, ...]
    visits: tuple[Visit, ...]
    totals: dict[str, ZoneTotals]
    label_totals: dict[str, dict[int, ZoneTotals]] = field(default_factory=dict)
    zones: dict[str, Polygon] = field(default_factory=dict)
