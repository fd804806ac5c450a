"""Results as tables of pandas, from memory and from the files that a flow writes; its door.

Boxes have a row each: ``stream, index, pts_seconds, id, x0, y0, x1, y1, score, label``, with
the id -1 where there is none. Crossings have a row each: ``stream, index, pts_seconds, line,
id, label, direction, total_in, total_out``.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from videoflow.data.counts import Counts
from videoflow.data.detections import Detections, Tracks
from videoflow.data.mot import read_mot
from videoflow.data.rows import BOXES, CROSSINGS, flat_record, rows_of
from videoflow.data.speeds import Speeds
from videoflow.data.zones import ZoneCounts
from videoflow.errors import MissingDependencyError, ShapeError, SourceError

if TYPE_CHECKING:
    import pandas

__all__ = ["read_boxes", "read_crossings", "to_pandas"]

_BOX: Final = tuple(BOXES.columns)
_CROSSING: Final = tuple(CROSSINGS.columns)

Row = tuple[Any, ...]


def to_pandas(values: Iterable[Any]) -> pandas.DataFrame:
    """Return what a node put out, or a part of a report, as one table.

    Args:
        values: All of one kind: ``Detections`` or ``Tracks`` (a row for each box), ``Counts``
            (a row for each crossing), ``ZoneCounts`` (a row for each event), ``Speeds`` (a row
            for each object), or other data classes, such as ``report.nodes``,
            ``report.streams`` and ``report.ages`` (a row for each, a column for each field;
            what is counted by cause or name has a column ``field.name`` for each). None (nobody
            looked at the frame) is passed over.

    Returns:
        Without any value, a table without columns.

    Raises:
        MissingDependencyError: pandas is not installed.
        ShapeError: A value that is none of these.

    Example:
        >>> to_pandas([]).empty
        True
    """
    there = [value for value in values if value is not None]
    kinds = {type(value) for value in there}
    if not there:
        return _table([])
    if kinds <= {Detections, Tracks} or (
        len(kinds) == 1 and kinds <= {Counts, ZoneCounts, Speeds}
    ):
        tables = [rows_of(value) for value in there]
        return _table([row for rows in tables for row in rows.cells], tables[0].form.columns)
    if len(kinds) == 1 and dataclasses.is_dataclass(there[0]):
        return _table([flat_record(dataclasses.asdict(value)) for value in there])
    raise ShapeError(
        f"got {', '.join(sorted(kind.__name__ for kind in kinds))}, want only "
        "Detections and Tracks, only Counts, ZoneCounts or Speeds, or only other data classes"
    )


def read_boxes(path: str | os.PathLike[str]) -> pandas.DataFrame:
    """Read the file of a ``MotWriter``, or of a ``JsonLinesWriter`` that got boxes.

    Args:
        path: Ends in ``.jsonl`` for JSON Lines; all else is in MOTChallenge's form, where the
            stream is the file's name without its ending, pts_seconds is not a number, and
            the label is the class or 0.

    Raises:
        MissingDependencyError: pandas is not installed.
        SourceError: The file cannot be read, or a line is malformed; names file and line.
    """
    path = Path(path)
    if path.suffix == ".jsonl":
        return _table(list(_box_rows_of_json(path)), _BOX)
    rows = read_mot(path)
    left_top, size = rows.boxes_xywh[:, :2], rows.boxes_xywh[:, 2:]
    boxes = np.hstack([left_top, left_top + size])
    columns: dict[str, Any] = {
        "stream": path.stem,
        "index": rows.frames - 1,
        "pts_seconds": np.nan,
        "id": rows.ids,
        **dict(zip(("x0", "y0", "x1", "y1"), boxes.T, strict=True)),
        "score": rows.scores,
        "label": np.zeros(len(rows), np.int64) if rows.classes is None else rows.classes,
    }
    return _table(columns, _BOX)


def read_crossings(path: str | os.PathLike[str]) -> pandas.DataFrame:
    """Read the file of a ``JsonLinesWriter`` that got counts.

    Raises:
        MissingDependencyError: pandas is not installed.
        SourceError: The file cannot be read, or a line is malformed; names file and line.
    """
    keys = ("stream", "frame", "pts_seconds", "line", "track_id", *_CROSSING[5:])
    rows = [_pick(where, record, keys) for where, record in _records(Path(path))]
    return _table(rows, _CROSSING)


def _table(values: Any, columns: Iterable[str] | None = None) -> pandas.DataFrame:
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingDependencyError(
            "tables need pandas, which is not installed",
            help='pip install "videoflow[pandas]"',
        ) from error
    return pd.DataFrame(values, columns=None if columns is None else list(columns))


def _box_rows_of_json(path: Path) -> Iterator[Row]:
    for where, record in _records(path):
        place = _pick(where, record, ("stream", "frame", "pts_seconds"))
        kind = "tracks" if "tracks" in record else "detections"
        (boxes,) = _pick(where, record, (kind,))
        for box in boxes:
            corners, score, label = _pick(where, box, ("box_xyxy", "score", "label"))
            yield (*place, box.get("track_id", -1), *corners, score, label)


def _records(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the place and the value of each line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: cannot be read: {error}") from error
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise SourceError(f"{path}:{number}: got {line[:40]!r}, want JSON") from error
        yield f"{path}:{number}", record


def _pick(where: str, record: Any, keys: Iterable[str]) -> Row:
    """Return the values of ``keys``."""
    wanted = tuple(keys)
    if not isinstance(record, dict) or not all(key in record for key in wanted):
        got = sorted(record) if isinstance(record, dict) else record
        raise SourceError(f"{where}: got {got}, want an object with {', '.join(wanted)}")
    return tuple(record[key] for key in wanted)
