"""Values as rows with names and types: what a table, a file of rows and a database need.

Boxes, crossings, events of zones and speeds have forms of their own; any other data class,
and any mapping, is one row. Knows no file format and no library.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

import numpy as np

from videoflow.data.counts import Counts
from videoflow.data.detections import Detections, Tracks
from videoflow.data.frame import Stamp
from videoflow.data.speeds import Speeds
from videoflow.data.zones import ZoneCounts
from videoflow.errors import ShapeError

__all__ = [
    "BOXES",
    "CROSSINGS",
    "SPEEDS",
    "ZONE_EVENTS",
    "Cell",
    "CellType",
    "Row",
    "RowForm",
    "Rows",
    "flat_record",
    "rows_of",
    "stream_of",
]

Cell = str | int | float | bool | None
CellType = Literal["str", "int", "float", "bool"]
"""What the cells of a column are, or None."""

Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class RowForm:
    """The columns of one kind of row.

    Attributes:
        kind: Lower case, such as ``boxes``; a data class gives its name in snake case.
        columns: Name to type, in order; None where the first value did not show the type.
    """

    kind: str
    columns: Mapping[str, CellType | None]

    def fit(self, rows: Rows) -> list[Row]:
        """Return the cells of ``rows`` in this form's columns; what is missing is None.

        Raises:
            ShapeError: Rows of another kind, or with a column that this form has not.
        """
        if rows.form.kind != self.kind:
            raise ShapeError(
                f"got {rows.form.kind}, want {self.kind} as before",
                help="give each kind of value a writer of its own",
            )
        if [*rows.form.columns] == [*self.columns]:
            return rows.cells
        unknown = [name for name in rows.form.columns if name not in self.columns]
        if unknown:
            raise ShapeError(
                f"got a column {unknown[0]!r}, want only {', '.join(self.columns)}",
                help="name all columns before: columns={'level': 'float'}",
            )
        places = {name: place for place, name in enumerate(rows.form.columns)}
        order = [places.get(name) for name in self.columns]
        return [tuple(None if i is None else row[i] for i in order) for row in rows.cells]


@dataclass(frozen=True, slots=True)
class Rows:
    """What one value says, row by row.

    Attributes:
        form: The columns.
        cells: A tuple for each row, with a cell for each column.
    """

    form: RowForm
    cells: list[Row]

    @classmethod
    def of_record(cls, kind: str, record: Mapping[str, Any]) -> Self:
        """Return one row, its types as the record shows them.

        Raises:
            ShapeError: A value that is no text, number, bool or None.
        """
        cells = {name: _cell(name, value) for name, value in record.items()}
        columns = {name: _type_of(cell) for name, cell in cells.items()}
        return cls(RowForm(kind, columns), [tuple(cells.values())])


_PLACE: Final[dict[str, CellType]] = {"stream": "str", "index": "int", "pts_seconds": "float"}
_WHO: Final[dict[str, CellType]] = {"id": "int", "label": "int"}


def _form(kind: str, *parts: dict[str, CellType], **columns: CellType) -> RowForm:
    merged = dict(_PLACE)
    for part in (*parts, columns):
        merged |= part
    return RowForm(kind, merged)


BOXES: Final = _form(
    "boxes",
    id="int",
    x0="float",
    y0="float",
    x1="float",
    y1="float",
    score="float",
    label="int",
)
"""A row for each box; the id is -1 where nobody gave one."""

CROSSINGS: Final = _form(
    "crossings", {"line": "str"}, _WHO, direction="str", total_in="int", total_out="int"
)
"""A row for each crossing."""

ZONE_EVENTS: Final = _form(
    "zone_events",
    {"zone": "str"},
    _WHO,
    event="str",
    dwell_seconds="float",
    occupancy="int",
    entries="int",
    exits="int",
)
"""A row for each visit that begins, ends, or is open at the end."""

SPEEDS: Final = _form(
    "speeds",
    id="int",
    x_m="float",
    y_m="float",
    x_mps="float",
    y_mps="float",
    speed_mps="float",
)
"""A row for each object: its place on the floor and its velocity, NaN while unknown."""


def rows_of(value: Any) -> Rows:
    """Return the rows of a value that is not None.

    Args:
        value: ``Detections`` or ``Tracks`` (``BOXES``), ``Counts`` (``CROSSINGS``),
            ``ZoneCounts`` (``ZONE_EVENTS``), ``Speeds`` (``SPEEDS``), another data class or a
            mapping (one row; what it nests has columns ``outer.inner``, and a stamp becomes
            stream, index and pts_seconds).

    Raises:
        ShapeError: Another value, or one that holds more than text, numbers and bools.

    Example:
        >>> rows = rows_of({"stream": "door", "level": 0.5})
        >>> rows.form.columns, rows.cells
        ({'stream': 'str', 'level': 'float'}, [('door', 0.5)])
    """
    if isinstance(value, Detections | Tracks):
        return Rows(BOXES, list(_box_rows(value)))
    if isinstance(value, Counts):
        return Rows(CROSSINGS, list(_crossing_rows(value)))
    if isinstance(value, ZoneCounts):
        return Rows(ZONE_EVENTS, list(_zone_rows(value)))
    if isinstance(value, Speeds):
        return Rows(SPEEDS, list(_speed_rows(value)))
    if isinstance(value, Mapping):
        return Rows.of_record("records", flat_record(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return Rows.of_record(_snake_case(type(value).__name__), flat_record(_fields(value)))
    raise ShapeError(
        f"got {type(value).__name__}, want Detections, Tracks, Counts, ZoneCounts, Speeds, "
        "a mapping or another data class"
    )


def stream_of(value: Any) -> str | None:
    """Return the stream that a value says it is of: by its stamp, or a key of that name."""
    if isinstance(value, Mapping):
        stream = value.get("stream")
        return stream if isinstance(stream, str) else None
    stamp = getattr(value, "stamp", None)
    return stamp.stream if isinstance(stamp, Stamp) else None


def flat_record(record: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a record without records in it.

    Example:
        >>> flat_record({"a": {"b": 1}, "c": 2})
        {'a.b': 1, 'c': 2}
    """
    return dict(_flat(record))


def _flat(record: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in record.items():
        inner = value
        if isinstance(value, Stamp):
            yield from zip(_PLACE, _place(value), strict=True)
            continue
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            inner = _fields(value)
        if isinstance(inner, Mapping):
            yield from ((f"{key}.{name}", item) for name, item in _flat(inner))
        else:
            yield str(key), value


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _cell(name: str, value: Any) -> Cell:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | int | float):
        return value
    raise ShapeError(
        f"column {name!r}: got {type(value).__name__}, want a text, a number, a bool or None",
        help="send one number for each column, or write JSON Lines",
    )


def _type_of(cell: Cell) -> CellType | None:
    types: dict[type, CellType] = {bool: "bool", int: "int", float: "float", str: "str"}
    return next((name for kind, name in types.items() if isinstance(cell, kind)), None)


def _box_rows(people: Detections | Tracks) -> Iterator[Row]:
    place = _place(people.stamp)
    ids = people.ids.tolist() if isinstance(people, Tracks) else [-1] * len(people)
    columns = (people.boxes_xyxy.tolist(), people.scores.tolist(), people.labels.tolist())
    for track_id, box, score, label in zip(ids, *columns, strict=True):
        yield (*place, track_id, *box, score, label)


def _crossing_rows(counts: Counts) -> Iterator[Row]:
    for one in counts.crossings:
        who = (one.line, one.track_id, one.label, one.direction)
        yield (*_place(one.stamp), *who, one.totals.into, one.totals.out_of)


def _zone_rows(counts: ZoneCounts) -> Iterator[Row]:
    for event in counts.events:
        visit, totals = event.visit, event.totals
        who = (visit.zone, visit.track_id, visit.label, event.kind, visit.dwell_seconds)
        yield (*_place(event.stamp), *who, totals.occupancy, totals.entries, totals.exits)


def _speed_rows(speeds: Speeds) -> Iterator[Row]:
    place = _place(speeds.stamp)
    numbers: Iterable[list[float]] = np.column_stack(
        (speeds.positions_m, speeds.velocities_mps, speeds.speeds_mps)
    ).tolist()
    for track_id, row in zip(speeds.ids.tolist(), numbers, strict=True):
        yield (*place, track_id, *row)


def _place(stamp: Stamp) -> tuple[str, int, float]:
    return stamp.stream, stamp.index, stamp.pts_seconds


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
