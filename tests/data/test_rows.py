"""Values as rows: names, types and cells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tests.results import counts, speeds, stamp_of, tracks, zone_counts
from videoflow.data import Detections, Stamp
from videoflow.data.rows import BOXES, CROSSINGS, SPEEDS, ZONE_EVENTS, RowForm, rows_of
from videoflow.errors import ShapeError


@pytest.mark.parametrize(
    ("value", "form", "cells"),
    [
        pytest.param(
            tracks(4, num=1), BOXES, [("door", 4, 0.4, 7, 1, 2, 4, 8, 0.5, 0)], id="tracks"
        ),
        pytest.param(tracks(num=0), BOXES, [], id="nobody"),
        pytest.param(
            tracks(4)[[1]], BOXES, [("door", 4, 0.4, 9, 5, 6, 7, 8, 0.75, 2)], id="a-row"
        ),
        pytest.param(
            counts(4), CROSSINGS, [("door", 4, 0.4, "gate", 7, 2, "in", 3, 1)], id="counts"
        ),
        pytest.param(counts(num=0), CROSSINGS, [], id="no-crossing"),
        pytest.param(
            zone_counts(4),
            ZONE_EVENTS,
            [("door", 4, 0.4, "till", 7, 0, "entered", 2.5, 1, 3, 2)],
            id="zone",
        ),
    ],
)
def test_known_kinds(value: Any, form: RowForm, cells: list[Any]) -> None:
    """Each kind has its own columns, the same with and without rows, and a cell for each."""
    rows = rows_of(value)

    assert (rows.form, rows.cells) == (form, cells)
    assert all(len(row) == len(form.columns) for row in rows.cells)


def test_detections_have_the_id_minus_1() -> None:
    """Boxes without an id have the same columns as those with one."""
    rows = rows_of(Detections.empty(stamp_of()))

    assert rows.form is BOXES


def test_an_unknown_speed_is_nan() -> None:
    """A place is told before a velocity is known."""
    (row,) = rows_of(speeds()).cells

    assert row[:6] == ("door", 0, 0.0, 7, 1.0, 2.0)
    assert all(math.isnan(cell) for cell in row[6:] if isinstance(cell, float))
    assert list(SPEEDS.columns)[6:] == ["x_mps", "y_mps", "speed_mps"]
    assert [type(cell) for cell in row[6:]] == [float] * 3


@dataclass
class LevelReading:
    stamp: Stamp
    level: np.float32
    note: str | None = None


def test_a_data_class_is_a_row() -> None:
    """It gives its name and fields; its stamp becomes the place that all rows have."""
    rows = rows_of(LevelReading(stamp_of(4), np.float32(0.5)))

    assert rows.form.kind == "level_reading"
    assert rows.form.columns == {
        "stream": "str",
        "index": "int",
        "pts_seconds": "float",
        "level": "float",
        "note": None,
    }
    assert rows.cells == [("door", 4, 0.4, 0.5, None)]


def test_a_mapping_is_a_row() -> None:
    """What is nested gets a dotted name; a bool is no int."""
    rows = rows_of({"a": {"b": True}, "c": 2})

    assert rows.form == RowForm("records", {"a.b": "bool", "c": "int"})
    assert rows.cells == [(True, 2)]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(7, "got int, want Detections", id="number"),
        pytest.param({"a": [1]}, "column 'a': got list", id="list"),
        pytest.param({"a": np.zeros(2)}, "column 'a': got ndarray", id="array"),
    ],
)
def test_what_makes_no_row(value: Any, message: str) -> None:
    """The message names what came, and where."""
    with pytest.raises(ShapeError, match=message):
        rows_of(value)


def test_rows_fit_the_first_ones_columns() -> None:
    """What is missing is None and the order is the first one's; another column is refused."""
    form = RowForm("records", {"a": "int", "b": "int"})

    assert form.fit(rows_of({"b": 1})) == [(None, 1)]
    assert form.fit(rows_of({"b": 1, "a": 2})) == [(2, 1)]
    with pytest.raises(ShapeError, match="got a column 'c', want only a, b"):
        form.fit(rows_of({"c": 1}))
    with pytest.raises(ShapeError, match="got crossings, want records"):
        form.fit(rows_of(counts()))
