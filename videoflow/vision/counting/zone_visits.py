"""Who is in which zone, since when: the meaning is written in docs/counting.md.

Knows foot points and rims; not where tracks come from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from videoflow.data.detections import Tracks
from videoflow.data.frame import Stamp
from videoflow.data.geometry import Polygon
from videoflow.data.zones import Visit, ZoneCounts, ZoneEvent, ZoneEventKind, ZoneTotals
from videoflow.errors import ShapeError
from videoflow.vision.counting.clock import Clock
from videoflow.vision.counting.hysteresis import looks, settle
from videoflow.vision.counting.rim import Rims
from videoflow.vision.counting.roster import Records, Roster, blank_record
from videoflow.vision.counting.sightings import Sightings, label_array

__all__ = ["ZoneVisits"]

_BEGINS = ("entered", "appeared")


class _Change(NamedTuple):
    """What is new about somebody and a zone."""

    kind: ZoneEventKind
    zone: str
    track_id: int
    label: int
    dwell_seconds: float


class ZoneVisits:
    """Follow the visits to the zones of one stream.

    Args:
        zones: Name to area; at least one. They may overlap.
        margin: Half the width of the band along a rim that is neither inside nor outside, in
            box heights.
        min_frames: For how many sightings running somebody must be beyond the band.
        max_gap_frames: After so many frames of the source without a sighting an id is
            forgotten, and its visits are over.
        labels: The class indices to follow, or None for all.

    Raises:
        ShapeError: No zone, or a number out of range.
    """

    def __init__(
        self,
        zones: Mapping[str, Polygon],
        *,
        margin: float = 0.05,
        min_frames: int = 2,
        max_gap_frames: int = 30,
        labels: Collection[int] | None = None,
    ) -> None:
        if not zones or not margin >= 0 or min_frames < 1 or max_gap_frames < 1:
            raise ShapeError(
                f"ZoneVisits: got {len(zones)} zones, margin={margin}, "
                f"min_frames={min_frames}, max_gap_frames={max_gap_frames}, want at least "
                "one zone, a margin >= 0, and at least one frame"
            )
        self.zones = dict(zones)
        self._names = list(zones)
        self._rims = Rims(list(zones.values()))
        self._margin = margin
        self._min_frames = min_frames
        self._max_gap_frames = max_gap_frames
        self._labels = label_array(labels)
        self.reset()

    def reset(self) -> None:
        """Forget everybody, and count from 0 again."""
        each = (len(self.zones),)
        self._roster = Roster(
            blank_record(
                last_seconds=(0.0, np.float64, ()),
                look=(0, np.int8, each),  # where last seen: -1 outside, 0 band, 1 inside
                run=(0, np.int64, each),  # for how many sightings running
                run_seconds=(0.0, np.float64, each),  # the first of them
                side=(0, np.int8, each),  # where it is settled
                visit_seconds=(0.0, np.float64, each),  # the beginning of a visit
                label=(0, np.int64, each),  # of the visitor, then
            ),
            max_gap_frames=self._max_gap_frames,
        )
        self._clock = Clock()
        self._stamp: Stamp | None = None
        self._totals = dict.fromkeys(self.zones, ZoneTotals())
        self._label_totals: dict[str, dict[int, ZoneTotals]] = {name: {} for name in self.zones}

    def update(self, tracks: Tracks) -> ZoneCounts:
        """Take the tracks of the next frame.

        Args:
            tracks: Of a later frame than the last ones; ``stamp.index`` may jump.

        Returns:
            The visits that are over for want of a sighting, then those that ended or began at
            this frame, by rising id and in the order of the zones; and who is inside.
        """
        self._clock.tick(tracks.stamp)
        self._stamp = tracks.stamp
        changes = [*self._lost(), *self._looked(Sightings.of(tracks, self._labels))]
        events = tuple(self._count(tracks.stamp, change) for change in changes)
        return self._counts(tracks.stamp, events)

    def finish(self) -> ZoneCounts | None:
        """Tell the visits that have not ended when the stream has; None before any frame.

        Totals stay as they are: who is inside is still inside.
        """
        if self._stamp is None:
            return None
        stamp = self._stamp
        open_visits = _visits(self._roster.rows, self._names)
        events = tuple(
            ZoneEvent(stamp, "open", visit, self._totals[visit.zone]) for visit in open_visits
        )
        return self._counts(stamp, events)

    def _lost(self) -> Iterator[_Change]:
        """Forget who was not seen for too long; yield their visits."""
        for visit in _visits(self._roster.forget(self._clock.frame), self._names):
            yield _Change("lost", visit.zone, visit.track_id, visit.label, visit.dwell_seconds)

    def _looked(self, seen: Sightings) -> Iterator[_Change]:
        """Take a look at who is seen; yield the visits that end or begin."""
        if not len(seen):
            return
        now = self._clock.seconds
        places = self._roster.meet(seen.ids, self._clock.frame)
        rows = self._roster.rows[places]
        look = looks(self._rims.signed_distances(seen.feet), seen.heights, margin=self._margin)
        rows["run_seconds"] = np.where(look == rows["look"], rows["run_seconds"], now)
        was = rows["side"].copy()
        is_settled = settle(rows, look, min_frames=self._min_frames)
        begins = is_settled & (look == 1) & (was != 1)
        ends = is_settled & (look == -1) & (was == 1)
        visit_seconds = np.where(begins, rows["run_seconds"], rows["visit_seconds"])
        rows["visit_seconds"] = visit_seconds
        rows["label"] = np.where(begins, seen.labels[:, None], rows["label"])
        rows["last_seconds"] = now
        self._roster.rows[places] = rows
        for row, zone in np.argwhere(begins | ends):
            is_begin = bool(begins[row, zone])
            kind: ZoneEventKind = "left"
            if is_begin:
                kind = "entered" if was[row, zone] else "appeared"
            last = now if is_begin else rows["run_seconds"][row, zone]
            yield _Change(
                kind,
                self._names[zone],
                int(seen.ids[row]),
                int(rows["label"][row, zone]),
                float(last - visit_seconds[row, zone]),
            )

    def _count(self, stamp: Stamp, change: _Change) -> ZoneEvent:
        kind, zone, track_id, label, dwell_seconds = change
        of_label = self._label_totals[zone]
        of_label[label] = _with(of_label.get(label, ZoneTotals()), kind, dwell_seconds)
        self._totals[zone] = _with(self._totals[zone], kind, dwell_seconds)
        visit = Visit(zone, track_id, label, dwell_seconds)
        return ZoneEvent(stamp, kind, visit, self._totals[zone])

    def _counts(self, stamp: Stamp, events: tuple[ZoneEvent, ...]) -> ZoneCounts:
        return ZoneCounts(
            stamp,
            events,
            tuple(_visits(self._roster.rows, self._names)),
            dict(self._totals),
            {name: dict(totals) for name, totals in self._label_totals.items()},
            dict(self.zones),
        )


def _visits(rows: Records, names: list[str]) -> list[Visit]:
    """Return the visits of people, by zone and then by rising id, up to the last sighting."""
    dwell_seconds = rows["last_seconds"][:, None] - rows["visit_seconds"]
    return [
        Visit(
            names[zone],
            int(rows["id"][row]),
            int(rows["label"][row, zone]),
            float(dwell_seconds[row, zone]),
        )
        for zone, row in np.argwhere(rows["side"].T == 1)
    ]


def _with(totals: ZoneTotals, kind: ZoneEventKind, dwell_seconds: float) -> ZoneTotals:
    """Return ``totals`` after an event."""
    if kind in _BEGINS:
        return replace(
            totals,
            occupancy=totals.occupancy + 1,
            entries=totals.entries + (kind == "entered"),
        )
    return replace(
        totals,
        occupancy=totals.occupancy - 1,
        exits=totals.exits + (kind == "left"),
        num_visits=totals.num_visits + 1,
        dwell_seconds=totals.dwell_seconds + dwell_seconds,
    )
