"""Write results as JSON Lines: one JSON value on each line, UTF-8."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from videoflow.consumers.published_file import check_target
from videoflow.consumers.text_outputs import TextOutputs
from videoflow.core.node import ConsumerNode, Ending
from videoflow.data.counts import Counts, Crossing
from videoflow.data.detections import Detections, Tracks
from videoflow.data.frame import Stamp
from videoflow.data.heat_map import HeatMap
from videoflow.data.speeds import Speeds
from videoflow.data.zones import ZoneCounts, ZoneEvent
from videoflow.errors import GraphError, OutputError

__all__ = ["JsonLinesWriter"]

Record = dict[str, Any]


class JsonLinesWriter(ConsumerNode):
    """Write what arrives to a file that appears, whole, when the flow has ended.

    - ``Counts``: a line for each crossing, none for a frame without one.
    - ``ZoneCounts``: a line for each visit that begins, ends or is open at the end.
    - ``Speeds``: a line for each frame, with the people on the floor.
    - ``HeatMap``: a line for each map.
    - ``Detections``, ``Tracks``: a line for each frame, with its boxes (two decimals).
    - A dict or a dataclass: a line; NumPy arrays become lists.
    - Any other value that JSON knows: a line with that value.
    - ``None`` (nobody looked at the frame): no line.

    A number that is not finite becomes null. With several parents each input is written in
    turn.

    Args:
        path: Of the file. With ``{stream}`` in it each stream has a file of its own.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: ``nb_tasks`` is not 1: two workers cannot write one file.
    """

    def __init__(self, path: str | Path, **options: Any) -> None:
        super().__init__(**options)
        if self.options["nb_tasks"] != 1:
            raise GraphError(
                f"{self.name!r}: got nb_tasks={self.options['nb_tasks']}, want 1 for one file"
            )
        self.path = Path(path).expanduser().absolute()
        self._outputs: TextOutputs | None = None

    def check(self) -> None:
        """Make the folder of ``path``.

        Raises:
            OutputError: ``path`` is a folder, or its folder cannot be written to.
        """
        check_target(self.path)

    def open(self) -> None:
        """Begin; files are made when something is written."""
        self._outputs = TextOutputs(self.path)

    def consume(self, *inputs: Any) -> None:
        """Write the lines of each input.

        Raises:
            OutputError: A value that JSON cannot hold, or a file that cannot be written.
        """
        for value in inputs:
            if value is None:
                continue
            stream = _stream_of(value)
            for record in _records(value):
                self._write(stream, record)

    def end_stream(self, stream: str, ending: Ending) -> None:
        """Publish the file of ``stream`` if it has one of its own and did not fail."""
        assert self._outputs is not None
        self._outputs.end_stream(stream, ending)

    def close(self) -> None:
        """Publish the shared file if every stream ended and none failed."""
        if self._outputs is not None:
            self._outputs.close()
            self._outputs = None

    def _write(self, stream: str | None, record: Any) -> None:
        assert self._outputs is not None
        try:
            line = json.dumps(_plain(record), ensure_ascii=False, allow_nan=False)
        except TypeError as error:
            raise OutputError(
                f"{self.name!r}: got {type(record).__name__}: {error}; want what JSON can hold",
                help="send a dict, a dataclass, or what a node of this package puts out",
            ) from error
        self._outputs.write(stream, line + "\n")


def _records(value: Any) -> Iterator[Any]:
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
    else:
        yield value


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


def _stream_of(value: Any) -> str | None:
    if isinstance(value, Mapping):
        stream = value.get("stream")
        return stream if isinstance(stream, str) else None
    stamp = getattr(value, "stamp", None)
    return stamp.stream if isinstance(stamp, Stamp) else None


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
