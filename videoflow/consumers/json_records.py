"""Values as JSON: the records that a file has a line for, and a message system a message."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from videoflow.data.counts import Counts, Crossing
from videoflow.data.detections import Detections, Tracks
from videoflow.data.frame import Stamp
from videoflow.data.heat_map import HeatMap
from videoflow.data.speeds import Speeds
from videoflow.data.zones import ZoneCounts, ZoneEvent
from videoflow.errors import OutputError

__all__ = ["Record", "json_records", "to_json"]

Record = dict[str, Any]


def json_records(value: Any) -> Iterator[Any]:
    """Yield what a value has to say.

    - ``Counts``: a record for each crossing, none for a frame without one.
    - ``ZoneCounts``: a record for each visit that begins, ends or is open at the end.
    - ``Speeds``: a record for each frame, with the people on the floor.
    - ``HeatMap``: a record for each map.
    - ``Detections``, ``Tracks``: a record for each frame, with its boxes (two decimals).
    - ``None`` (nobody looked at the frame): nothing.
    - Any other value: itself.
    """
    if isinstance(value, Counts):
        yield from map(_of_crossing, value.crossings)
    elif isinstance(value, ZoneCounts):
        yield from map(_of_zone_event, value.events)
    elif isinstance(value, Speeds):
        yield _of_stamp(value.stamp) | {"speeds": _speeds(value)}
    elif isinstance(value, HeatMap):
        seconds = value.seconds.astype(np.float64).round(3)
        yield _of_stamp(value.stamp) | {"cell_px": value.cell_px, "seconds": seconds}
    elif isinstance(value, Tracks):
        ids = [{"track_id": track_id} for track_id in value.ids.tolist()]
        boxes = [a | b for a, b in zip(ids, _boxes(value), strict=True)]
        yield _of_stamp(value.stamp) | {"tracks": boxes}
    elif isinstance(value, Detections):
        yield _of_stamp(value.stamp) | {"detections": _boxes(value)}
    elif value is not None:
        yield value


def to_json(value: Any) -> str:
    """Return a value as one line of JSON.

    Data classes become objects and NumPy arrays lists, at any depth; a number that is not
    finite becomes null.

    Raises:
        OutputError: It holds what JSON cannot hold.
    """
    try:
        return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False)
    except TypeError as error:
        raise OutputError(
            f"got {type(value).__name__}: {error}; want what JSON can hold",
            help="send a dict, a dataclass, or what a node of this package puts out",
        ) from error


def _of_crossing(crossing: Crossing) -> Record:
    return _of_stamp(crossing.stamp) | {
        "track_id": crossing.track_id,
        "label": crossing.label,
        "direction": crossing.direction,
        "line": crossing.line,
        "total_in": crossing.totals.into,
        "total_out": crossing.totals.out_of,
    }


def _of_zone_event(event: ZoneEvent) -> Record:
    visit, totals = event.visit, event.totals
    return _of_stamp(event.stamp) | {
        "track_id": visit.track_id,
        "label": visit.label,
        "zone": visit.zone,
        "event": event.kind,
        "dwell_seconds": round(visit.dwell_seconds, 3),
        "occupancy": totals.occupancy,
        "entries": totals.entries,
        "exits": totals.exits,
    }


def _speeds(speeds: Speeds) -> list[Record]:
    columns = (speeds.positions_m, speeds.velocities_mps, speeds.speeds_mps)
    rows = zip(
        speeds.ids.tolist(),
        *(column.astype(np.float64).round(3).tolist() for column in columns),
        strict=True,
    )
    return [
        {"track_id": track_id, "position_m": at, "velocity_mps": velocity, "speed_mps": speed}
        for track_id, at, velocity, speed in rows
    ]


def _of_stamp(stamp: Stamp) -> Record:
    return {"stream": stamp.stream, "frame": stamp.index, "pts_seconds": stamp.pts_seconds}


def _boxes(people: Tracks | Detections) -> list[Record]:
    boxes = people.boxes_xyxy.astype(np.float64).round(2).tolist()
    scores = people.scores.astype(np.float64).round(4).tolist()
    return [
        {"box_xyxy": box, "score": score, "label": label}
        for box, score, label in zip(boxes, scores, people.labels.tolist(), strict=True)
    ]


def _plain(value: Any) -> Any:
    """Turn dataclasses and NumPy values into what ``json`` takes, at any depth."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return value
