"""SqliteWriter: tables, transactions, and who else writes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.flows.environment import HANG_SECONDS
from tests.results import counts, speeds, tracks, zone_counts
from videoflow.consumers import SqliteWriter
from videoflow.errors import GraphError, OutputError, ShapeError

ROOT = Path(__file__).parent.parent.parent


def rows(path: Path, query: str) -> list[Any]:
    """Read as another program would, beside the writer."""
    database = sqlite3.connect(path)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def write(path: Path, *values: Any, **options: Any) -> None:
    writer = SqliteWriter(path, **options)
    writer.check()
    writer.open()
    try:
        for value in values:
            writer.consume(value)
    finally:
        writer.close()


def test_a_table_for_each_kind(tmp_path: Path) -> None:
    """Boxes, crossings, events, speeds and records stand in tables of their own, typed."""
    path = tmp_path / "new" / "results.db"

    write(path, tracks(4), None, counts(4), zone_counts(4), speeds(4), {"level": 0.5})

    assert rows(path, "SELECT * FROM boxes") == [
        ("door", 4, 0.4, 7, 1, 2, 4, 8, 0.5, 0),
        ("door", 4, 0.4, 9, 5, 6, 7, 8, 0.75, 2),
    ]
    assert rows(path, "SELECT line, direction, total_in FROM crossings") == [("gate", "in", 3)]
    assert rows(path, "SELECT zone, event FROM zone_events") == [("till", "entered")]
    assert rows(path, "SELECT x_m, speed_mps FROM speeds") == [(1.0, None)]
    assert rows(path, "SELECT level, typeof(level) FROM records") == [(0.5, "real")]


def test_an_empty_table_is_a_table(tmp_path: Path) -> None:
    """Where nobody crossed, a query finds no rows rather than no table."""
    write(tmp_path / "r.db", counts(num=0))

    assert rows(tmp_path / "r.db", "SELECT * FROM crossings") == []


def test_rows_are_added(tmp_path: Path) -> None:
    """What a database holds stays, and a second run adds to it."""
    write(tmp_path / "r.db", counts(1))
    write(tmp_path / "r.db", counts(2))

    assert rows(tmp_path / "r.db", 'SELECT "index" FROM crossings') == [(1,), (2,)]


def test_commits_by_the_clock(tmp_path: Path) -> None:
    """The first is there at once, those behind it together when the time has passed."""
    path, now = tmp_path / "r.db", [0.0]
    writer = SqliteWriter(path, commit_seconds=1.0, clock=lambda: now[0])
    writer.open()
    seen = []

    for now[0] in (0.0, 0.4, 0.8, 1.0, 1.5):
        writer.consume({"at": now[0]})
        seen.append(len(rows(path, "SELECT * FROM records")))
    writer.end_stream("door", "failed")
    seen.append(len(rows(path, "SELECT * FROM records")))
    writer.close()

    assert seen == [1, 1, 1, 4, 4, 5]


def test_commits_by_the_number_of_rows(tmp_path: Path) -> None:
    """A flood does not wait for the clock in memory."""
    path = tmp_path / "r.db"
    writer = SqliteWriter(path, max_pending_rows=3, clock=lambda: 0.0)
    writer.open()
    seen = []

    for number in range(5):
        writer.consume({"number": number})
        seen.append(len(rows(path, "SELECT * FROM records")))
    writer.close()

    assert seen == [1, 1, 1, 4, 4]


WRITE_FOR_EVER = """
import itertools, sys
from videoflow.consumers import SqliteWriter
writer = SqliteWriter(sys.argv[1], commit_seconds=0, max_pending_rows=50)
writer.open()
for number in itertools.count():
    writer.consume({"who": int(sys.argv[2]), "number": number})
    if number == 100:
        print("ready", flush=True)
    if number == int(sys.argv[3]):
        break
writer.close()
"""


def start(path: Path, who: int, last: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITE_FOR_EVER, str(path), str(who), str(last)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_what_is_committed_outlives_a_kill(tmp_path: Path) -> None:
    """After kill -9 the rows are there, without a hole, and another writer goes on."""
    path = tmp_path / "r.db"

    with start(path, 0, -1) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        os.kill(writer.pid, signal.SIGKILL)
    numbers = [row[0] for row in rows(path, "SELECT number FROM records")]
    write(path, {"who": 1, "number": -1})

    assert len(numbers) > 100
    assert numbers == list(range(len(numbers)))
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert rows(path, "SELECT number FROM records WHERE who = 1") == [(-1,)]


def test_several_writers_to_one_file(tmp_path: Path) -> None:
    """Each waits for the others, also when the file is made, and no row is lost."""
    path = tmp_path / "r.db"

    writers = [start(path, who, 300) for who in range(3)]
    for writer in writers:
        with writer:
            writer.communicate(timeout=HANG_SECONDS)

    assert [writer.returncode for writer in writers] == [0, 0, 0]
    per_writer = rows(path, "SELECT who, count(*), max(number) FROM records GROUP BY who")
    assert per_writer == [(who, 301, 300) for who in range(3)]


def test_a_table_with_other_columns(tmp_path: Path) -> None:
    """Columns that the table has not are told by name, and what is there stays."""
    path = tmp_path / "r.db"
    write(path, {"a": 1})

    with pytest.raises(OutputError, match="table records: got columns a, want b too"):
        write(path, {"a": 1, "b": 2})
    with pytest.raises(ShapeError, match="got a column 'b'"):
        write(path, {"a": 1}, {"b": 2})

    assert rows(path, "SELECT * FROM records") == [(1,), (1,)]


def test_check(tmp_path: Path) -> None:
    """What is no database, or cannot be written, is refused before the flow starts."""
    (tmp_path / "text").write_text("no database, but long enough to be looked at" * 9)

    SqliteWriter(tmp_path / "new.db").check()
    with pytest.raises(OutputError, match="not a database"):
        SqliteWriter(tmp_path / "text").check()
    with pytest.raises(OutputError, match="is a folder"):
        SqliteWriter(tmp_path).check()
    with pytest.raises(OutputError, match="cannot be written"):
        SqliteWriter(tmp_path / "text" / "r.db").check()
    assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"commit_seconds": -1}, id="time"),
        pytest.param({"max_pending_rows": 0}, id="rows"),
        pytest.param({"columns": {"a": "text"}}, id="type"),
    ],
)
def test_refuses_what_makes_no_sense(options: dict[str, Any]) -> None:
    """A wrong argument is refused when the node is made."""
    with pytest.raises(GraphError, match="want"):
        SqliteWriter("r.db", **options)
