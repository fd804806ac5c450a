"""Results as tables, from memory and from files."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from videoflow.consumers import JsonLinesWriter, MotWriter
from videoflow.core import ConsumerNode
from videoflow.data import (
    Counts,
    Crossing,
    Detections,
    LineTotals,
    Stamp,
    Tracks,
    read_boxes,
    read_crossings,
    to_pandas,
)
from videoflow.errors import MissingDependencyError, ShapeError, SourceError

pytest.importorskip("pandas")

BOX = ["stream", "index", "pts_seconds", "id", "x0", "y0", "x1", "y1", "score", "label"]


def tracks(index: int, num: int = 2) -> Tracks:
    stamp = Stamp("door", index, index / 10, (90, 160))
    boxes = np.array([[1, 2, 4, 8], [5, 6, 7, 8]], np.float32)[:num]
    scores = np.array([0.5, 0.75], np.float32)[:num]
    return Tracks(stamp, np.array([7, 9])[:num], boxes, scores, np.array([0, 2])[:num])


def counts(index: int, num: int = 1) -> Counts:
    stamp = Stamp("door", index, index / 10, (90, 160))
    event = Crossing(stamp, "gate", 7, 2, "in", LineTotals(3, 1))
    return Counts(stamp, (event,) * num, {"gate": LineTotals(3, 1)})


def write(writer: ConsumerNode, *values: object) -> None:
    writer.open()
    for value in values:
        writer.consume(value)
    writer.end_stream("door", "finished")
    writer.close()


def test_a_row_for_each_box() -> None:
    """Boxes of all frames stand in one table; None and frames without a box have no row."""
    table = to_pandas([tracks(0), None, tracks(1, 0), tracks(2, 1)])

    assert list(table.columns) == BOX
    assert table.iloc[0].tolist() == ["door", 0, 0.0, 7, 1, 2, 4, 8, 0.5, 0]
    assert table["index"].tolist() == [0, 0, 2]
    assert table["id"].tolist() == [7, 9, 7]


def test_a_detection_has_the_id_minus_1() -> None:
    """Where nobody gave ids, the column is there all the same."""
    of = tracks(0)

    table = to_pandas([Detections(of.stamp, of.boxes_xyxy, of.scores, of.labels)])

    assert table["id"].tolist() == [-1, -1]


def test_a_row_for_each_crossing() -> None:
    """A table of crossings has its columns also where nobody crossed."""
    table = to_pandas([counts(0, 0), counts(4)])

    assert table.iloc[0].tolist() == ["door", 4, 0.4, "gate", 7, 2, "in", 3, 1]
    assert list(to_pandas([counts(0, 0)]).columns) == list(table.columns)


@dataclass(frozen=True)
class Part:
    name: str
    dropped: dict[str, int] = field(default_factory=dict)


def test_a_row_for_each_part_of_a_report() -> None:
    """Fields are columns; what is counted by cause has one for each cause."""
    table = to_pandas([Part("a", {"late": 3}), Part("b")])

    assert list(table.columns) == ["name", "dropped.late"]
    assert table["dropped.late"].fillna(0).tolist() == [3, 0]


def test_values_of_two_kinds_make_no_table() -> None:
    """Nothing is an empty table; a mixture, and what is no result, is refused."""
    assert to_pandas([]).empty
    assert to_pandas([None]).empty
    with pytest.raises(ShapeError, match="got Counts, Tracks"):
        to_pandas([tracks(0), counts(0)])
    with pytest.raises(ShapeError, match="got int"):
        to_pandas([1])


def test_boxes_of_json_lines_come_back(tmp_path: Path) -> None:
    """What a JsonLinesWriter wrote is the table of what it got."""
    write(JsonLinesWriter(tmp_path / "a.jsonl"), tracks(0), tracks(1, 0), tracks(2, 1))

    assert read_boxes(tmp_path / "a.jsonl").equals(to_pandas([tracks(0), tracks(2, 1)]))


def test_boxes_of_a_mot_file_come_back(tmp_path: Path) -> None:
    """What a MotWriter wrote has its ids, boxes and scores; times and classes are not in it."""
    write(MotWriter(tmp_path / "door.txt"), tracks(0), tracks(2, 1))

    table, wanted = read_boxes(tmp_path / "door.txt"), to_pandas([tracks(0), tracks(2, 1)])

    lost = ["pts_seconds", "label"]
    assert table.drop(columns=lost).equals(wanted.drop(columns=lost))
    assert table["pts_seconds"].isna().all()
    assert list(table.columns) == BOX


def test_crossings_come_back(tmp_path: Path) -> None:
    """What a JsonLinesWriter wrote is the table of what it got, also where nobody crossed."""
    write(JsonLinesWriter(tmp_path / "a.jsonl"), counts(0, 0), counts(4))
    write(JsonLinesWriter(tmp_path / "b.jsonl"), counts(0, 0))

    assert read_crossings(tmp_path / "a.jsonl").equals(to_pandas([counts(4)]))
    assert list(read_crossings(tmp_path / "b.jsonl").columns) == list(to_pandas([counts(0)]))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("{", "got '{', want JSON", id="no json"),
        pytest.param("7", "got 7, want an object with stream, frame", id="number"),
        pytest.param('{"stream": "a"}', r"got \['stream'\], want an object with", id="other"),
    ],
)
def test_a_malformed_line_is_told(tmp_path: Path, line: str, message: str) -> None:
    """The message names file and line."""
    path = tmp_path / "a.jsonl"
    path.write_text(f"\n{line}\n")

    for read in (read_boxes, read_crossings):
        with pytest.raises(SourceError, match=rf"a\.jsonl:2: {message}"):
            read(path)
    with pytest.raises(SourceError, match="cannot be read"):
        read_crossings(tmp_path / "none.jsonl")


def test_without_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not installed it is told the one line that does."""
    monkeypatch.setitem(sys.modules, "pandas", None)

    with pytest.raises(MissingDependencyError, match=r'pip install "videoflow\[pandas\]"'):
        to_pandas([tracks(0)])
