"""CsvWriter and ParquetWriter: what they write, and when it appears."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.results import counts, speeds, tracks, zone_counts
from videoflow.consumers.csv_writer import CsvWriter
from videoflow.consumers.parquet_writer import ParquetWriter
from videoflow.data.rows import BOXES
from videoflow.errors import GraphError, MissingDependencyError, OutputError, ShapeError

Writer = type[CsvWriter] | type[ParquetWriter]


@pytest.fixture(params=[CsvWriter, ParquetWriter])
def kind(request: pytest.FixtureRequest) -> Writer:
    """Return each writer whose library is there."""
    if request.param is ParquetWriter:
        pytest.importorskip("pyarrow")
    chosen: Writer = request.param
    return chosen


def run(writer: CsvWriter | ParquetWriter, *values: Any, **endings: str) -> None:
    """Check, open, consume the values, end the streams, close."""
    writer.check()
    writer.open()
    try:
        for value in values:
            writer.consume(value)
        for stream, ending in endings.items():
            writer.end_stream(stream, ending)  # type: ignore[arg-type]
    finally:
        writer.close()


def read_parquet(path: Path) -> Any:
    return pytest.importorskip("pyarrow.parquet").read_table(path)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_csv_of_boxes(tmp_path: Path) -> None:
    """The names stand first, then a line for each box; frames that nobody saw have none."""
    path = tmp_path / "boxes.csv"

    run(CsvWriter(path), tracks(4), None, tracks(5, num=0), door="finished")

    assert path.read_bytes() == (
        b"stream,index,pts_seconds,id,x0,y0,x1,y1,score,label\n"
        b"door,4,0.4,7,1.0,2.0,4.0,8.0,0.5,0\n"
        b"door,4,0.4,9,5.0,6.0,7.0,8.0,0.75,2\n"
    )


def test_csv_of_events(tmp_path: Path) -> None:
    """Events have a line each, also several inputs of one kind; NaN is an empty cell."""
    run(CsvWriter(tmp_path / "c.csv"), counts(1), counts(2, num=2), door="finished")
    run(CsvWriter(tmp_path / "z.csv"), zone_counts(1), door="finished")
    run(CsvWriter(tmp_path / "s.csv"), speeds(1), door="finished")

    assert len((tmp_path / "c.csv").read_text().splitlines()) == 4
    assert (tmp_path / "z.csv").read_text().splitlines()[1] == (
        "door,1,0.1,till,7,0,entered,2.5,1,3,2"
    )
    assert (tmp_path / "s.csv").read_text().splitlines()[1] == "door,1,0.1,7,1.0,2.0,,,"


def test_csv_quotes_what_would_break_it(tmp_path: Path) -> None:
    """Commas, quotes and line ends in a text stay in their cell."""
    record = {"stream": "döör", "note": 'a,"b"\nc'}

    run(CsvWriter(tmp_path / "r.csv"), record, döör="finished")

    assert (tmp_path / "r.csv").read_text() == 'stream,note\ndöör,"a,""b""\nc"\n'


def test_parquet_of_boxes(tmp_path: Path) -> None:
    """Columns have their types, and rows go out by groups as they come."""
    path = tmp_path / "boxes.parquet"
    pq = pytest.importorskip("pyarrow.parquet")

    run(ParquetWriter(path, max_group_rows=3), *map(tracks, range(4)), door="finished")

    file = pq.ParquetFile(path)
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [
        3,
        3,
        2,
    ]
    table = file.read()
    assert table.column_names == list(BOXES.columns)
    assert [str(kind) for kind in table.schema.types[:4]] == [
        "string",
        "int64",
        "double",
        "int64",
    ]
    assert table["index"].to_pylist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert table["x0"].to_pylist()[:2] == [1.0, 5.0]


def test_parquet_holds_few_rows_in_memory(tmp_path: Path) -> None:
    """What made a full group is not held any longer."""
    pytest.importorskip("pyarrow")
    writer = ParquetWriter(tmp_path / "boxes.parquet", max_group_rows=2)
    writer.open()

    writer.consume(tracks(0))
    writer.consume(tracks(1, num=1))

    assert len(writer.files.file_for("door")._sink._rows) == 1  # type: ignore[attr-defined]
    writer.close()


def test_a_value_without_rows_gives_the_columns(kind: Writer, tmp_path: Path) -> None:
    """Where nobody crossed, the columns are there all the same."""
    run(kind(tmp_path / "c.out"), counts(num=0), door="finished")

    if kind is CsvWriter:
        assert (tmp_path / "c.out").read_text().startswith("stream,index,pts_seconds,line")
    else:
        assert read_parquet(tmp_path / "c.out").column_names[3] == "line"


def test_no_value_at_all_is_an_empty_file(kind: Writer, tmp_path: Path) -> None:
    """A stream of which nothing is known still publishes what can be read."""
    run(kind(tmp_path / "c.out"), None, door="finished")

    if kind is CsvWriter:
        assert (tmp_path / "c.out").read_text() == ""
    else:
        assert read_parquet(tmp_path / "c.out").num_rows == 0


def test_named_columns(kind: Writer, tmp_path: Path) -> None:
    """Columns that are named before may be empty in the first record, and keep their order."""
    records = [{"b": None}, {"a": 1, "b": 0.5}]

    run(kind(tmp_path / "r", columns={"a": "int", "b": "float"}), *records, door="finished")

    if kind is CsvWriter:
        assert (tmp_path / "r").read_text() == "a,b\n,\n1,0.5\n"
    else:
        assert read_parquet(tmp_path / "r").to_pylist() == [
            {"a": None, "b": None},
            {"a": 1, "b": 0.5},
        ]


def test_a_file_has_one_kind_of_row(kind: Writer, tmp_path: Path) -> None:
    """Another kind, or another column, is refused, and nothing is published."""
    with pytest.raises(ShapeError, match="got crossings, want boxes"):
        run(kind(tmp_path / "r"), tracks(), counts(), door="finished")
    with pytest.raises(ShapeError, match="got a column 'b'"):
        run(kind(tmp_path / "r"), {"a": 1}, {"a": 1, "b": 2}, door="finished")

    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("records", "message"),
    [
        pytest.param([{"a": None}], "column 'a': got None first", id="unknown-type"),
        pytest.param([{"a": 1}, {"a": "x"}], "want 'a: int64'", id="other-type"),
    ],
)
def test_parquet_wants_types(tmp_path: Path, records: list[Any], message: str) -> None:
    """A column whose type is not known, or changes, is refused with the way out."""
    pytest.importorskip("pyarrow")

    with pytest.raises(OutputError, match=message) as caught:
        run(ParquetWriter(tmp_path / "r"), *records, door="finished")

    assert "columns={" in str(caught.value.help)
    assert names(tmp_path) == []


def test_a_file_for_each_stream(kind: Writer, tmp_path: Path) -> None:
    """With {stream} each stream's file appears when it ends; a failed one's does not."""
    values = [tracks(0, "a"), tracks(0, "b")]

    run(kind(tmp_path / "new" / "{stream}.out"), *values, a="finished", b="failed")

    assert names(tmp_path / "new") == ["a.out"]


@pytest.mark.parametrize(
    ("endings", "is_published"),
    [
        pytest.param({"door": "finished"}, True, id="finished"),
        pytest.param({"door": "stopped"}, True, id="stopped"),
        pytest.param({"door": "failed"}, False, id="failed"),
        pytest.param({}, False, id="torn down"),
    ],
)
def test_published_only_when_complete(
    kind: Writer, endings: dict[str, str], is_published: bool, tmp_path: Path
) -> None:
    """An older file is replaced by a complete one only, and nothing else is left behind."""
    path = tmp_path / "out"
    path.write_text("older")

    run(kind(path), tracks(), **endings)

    assert (path.read_bytes() != b"older") is is_published
    assert names(tmp_path) == ["out"]


def test_check(kind: Writer, tmp_path: Path) -> None:
    """What cannot be written is refused before the flow starts."""
    (tmp_path / "file").touch()

    with pytest.raises(OutputError, match="is a folder"):
        kind(tmp_path).check()
    with pytest.raises(OutputError, match="cannot be written"):
        kind(tmp_path / "file" / "b.csv").check()


def test_arguments(kind: Writer) -> None:
    """A type that there is not, and a second worker, are refused."""
    with pytest.raises(GraphError, match=r"column 'a': got 'text', want one of str"):
        kind("out", columns={"a": "text"})  # type: ignore[dict-item]
    with pytest.raises(GraphError, match="nb_tasks"):
        kind("out", nb_tasks=2)


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not installed it is told so before the flow starts, with the line that does."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(MissingDependencyError, match=r'pip install "videoflow\[parquet\]"'):
        ParquetWriter(tmp_path / "out.parquet").check()
