"""Small results of each kind, as a flow would send them."""

from __future__ import annotations

import numpy as np

from videoflow.data import (
    Counts,
    Crossing,
    Homography,
    LineTotals,
    Speeds,
    Stamp,
    Tracks,
    Visit,
    ZoneCounts,
    ZoneEvent,
    ZoneTotals,
)


def stamp_of(index: int = 0, stream: str = "door") -> Stamp:
    return Stamp(stream, index, index / 10, (90, 160))


def tracks(index: int = 0, stream: str = "door", *, num: int = 2) -> Tracks:
    boxes = np.array([[1, 2, 4, 8], [5, 6, 7, 8]], np.float32)[:num]
    scores = np.array([0.5, 0.75], np.float32)[:num]
    ids, labels = np.array([7, 9])[:num], np.array([0, 2])[:num]
    return Tracks(stamp_of(index, stream), ids, boxes, scores, labels)


def counts(index: int = 0, stream: str = "door", *, num: int = 1) -> Counts:
    stamp = stamp_of(index, stream)
    event = Crossing(stamp, "gate", 7, 2, "in", LineTotals(3, 1))
    return Counts(stamp, (event,) * num, {"gate": event.totals})


def zone_counts(index: int = 0, stream: str = "door", *, kind: str = "entered") -> ZoneCounts:
    stamp, visit = stamp_of(index, stream), Visit("till", 7, 0, 2.5)
    event = ZoneEvent(stamp, kind, visit, ZoneTotals(1, 3, 2))  # type: ignore[arg-type]
    return ZoneCounts(stamp, (event,), (visit,), {"till": event.totals})


def speeds(index: int = 0, stream: str = "door") -> Speeds:
    places = np.array([[1, 2]], np.float32)
    unknown = np.full((1, 2), np.nan, np.float32)
    return Speeds(
        stamp_of(index, stream), np.array([7]), places, places, unknown, Homography(np.eye(3))
    )
