"""Write results to an SQLite database that others may read meanwhile."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from videoflow.consumers.published_file import check_target
from videoflow.consumers.row_file_writer import check_columns
from videoflow.core.node import ConsumerNode, Ending
from videoflow.data.rows import CellType, Row, RowForm, rows_of
from videoflow.errors import GraphError, OutputError

__all__ = ["SqliteWriter"]

_SQL_TYPES: Final = {"str": " TEXT", "int": " INTEGER", "float": " REAL", "bool": " INTEGER"}


class SqliteWriter(ConsumerNode):
    """Add rows to the tables of a database, in transactions.

    Takes what ``CsvWriter`` takes, with the same columns; each kind has a table: ``boxes``,
    ``crossings``, ``zone_events``, ``speeds``, ``records`` for mappings, and the name in snake
    case for other data classes. Tables are made when they are missing, and added to when they
    are there. None and NaN are NULL.

    The database is no file that is complete at an end: rows are there for others once they are
    committed, and stay, whatever happens to the flow: also those of a stream that failed. A row
    is committed at once when the last commit is ``commit_seconds`` ago, else together with
    those after it, when that time has passed (seen when something arrives, also a value
    without rows), and at the end of each stream. A kill -9 loses what is not committed, never
    what is; a power cut may take the last commits with it.

    Several nodes, workers and flows may write to one file: it is in write-ahead mode, which
    wants a local disk, and each waits for the others.

    Args:
        path: Of the database.
        columns: Name to ``str``, ``int``, ``float`` or ``bool``, of mappings and data classes
            of the user's own; by default as the first value shows them.
        commit_seconds: At most one commit in so many seconds.
        max_pending_rows: Commits earlier when so many rows wait.
        busy_seconds: How long others may hold the file before that is an error.
        clock: Returns seconds that never go back.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A value that makes no sense.

    Source: https://www.sqlite.org/wal.html (concurrency, durability).
    """

    auto_device = "cpu"
    shares_output: ClassVar[bool] = True

    def __init__(  # noqa: PLR0913 - what a database is told once
        self,
        path: str | Path,
        *,
        columns: Mapping[str, CellType] | None = None,
        commit_seconds: float = 1.0,
        max_pending_rows: int = 10_000,
        busy_seconds: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        check_columns(self.name, columns)
        for key, value, least in (
            ("commit_seconds", commit_seconds, 0),
            ("max_pending_rows", max_pending_rows, 1),
            ("busy_seconds", busy_seconds, 0),
        ):
            if not value >= least:
                raise GraphError(f"{self.name!r}: got {key}={value!r}, want >= {least}")
        self.path = Path(path).expanduser().absolute()
        self.columns = columns
        self.commit_seconds = commit_seconds
        self.max_pending_rows = max_pending_rows
        self.busy_seconds = busy_seconds
        self._clock = clock
        self._database: sqlite3.Connection | None = None
        self._tables: dict[str, _Table] = {}
        self._committed_seconds = -float("inf")

    def check(self) -> None:
        """Make the folder of ``path``, and look at a database that is there.

        Raises:
            OutputError: A folder, a file that is no database or may not be written, or a
                folder that cannot be made or written to.
        """
        check_target(self.path)
        if not self.path.exists():
            return
        if not os.access(self.path, os.W_OK):
            raise OutputError(f"{self.path}: may not be written", help="change its rights")
        try:
            database = sqlite3.connect(self.path, timeout=self.busy_seconds)
            try:
                database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            finally:
                database.close()
        except sqlite3.Error as error:
            raise self._error(error) from error

    def output_path(self, stream: str) -> Path:
        """Return the database, which other writers of rows may write to as well."""
        return self.path

    def open(self) -> None:
        """Connect; the file is made if it is not there.

        Raises:
            OutputError: It cannot be opened.
        """
        self._tables = {}
        self._committed_seconds = -float("inf")
        try:
            self._database = sqlite3.connect(
                self.path, timeout=self.busy_seconds, isolation_level=None
            )
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
        except sqlite3.Error as error:
            raise self._error(error) from error

    def consume(self, *inputs: Any) -> None:
        """Take the rows of each input; None (nobody looked at the frame) has none.

        Raises:
            ShapeError: A value that makes no rows, or none of its table.
            OutputError: The database cannot be written.
        """
        for value in inputs:
            if value is None:
                continue
            rows = rows_of(value)
            table = self._tables.get(rows.form.kind)
            if table is None:
                form = RowForm(rows.form.kind, self.columns or rows.form.columns)
                table = self._tables[rows.form.kind] = _Table(form)
            table.pending += table.form.fit(rows)
        is_time = self._clock() - self._committed_seconds >= self.commit_seconds
        if is_time or self._num_pending() >= self.max_pending_rows:
            self._commit()

    def end_stream(self, stream: str, ending: Ending) -> None:
        """Commit what waits."""
        self._commit()

    def close(self) -> None:
        """Commit what waits, and let go of the file."""
        database = self._database
        if database is None:
            return
        try:
            self._commit()
        finally:
            self._database = None
            database.close()

    def _num_pending(self) -> int:
        return sum(len(table.pending) for table in self._tables.values())

    def _commit(self) -> None:
        database = self._database
        assert database is not None, "open() comes first"
        if all(table.is_made and not table.pending for table in self._tables.values()):
            return
        try:
            database.execute("BEGIN IMMEDIATE")
            try:
                for table in self._tables.values():
                    table.write(database)
                database.execute("COMMIT")
            finally:
                if database.in_transaction:
                    database.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise self._error(error) from error
        for table in self._tables.values():
            table.pending.clear()
            table.is_made = True
        self._committed_seconds = self._clock()

    def _error(self, error: sqlite3.Error) -> OutputError:
        return OutputError(
            f"{self.path}: {error}",
            help="choose an SQLite database, or a new file, that you may write to",
        )


class _Table:
    """A table of the database, and the rows that wait for it."""

    def __init__(self, form: RowForm) -> None:
        self.form = form
        self.pending: list[Row] = []
        self.is_made = False

    def write(self, database: sqlite3.Connection) -> None:
        """Add the pending rows, in the transaction of the caller."""
        name = _quoted(self.form.kind)
        if not self.is_made:
            columns = ", ".join(
                _quoted(column) + ("" if type_ is None else _SQL_TYPES[type_])
                for column, type_ in self.form.columns.items()
            )
            database.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
            self._check_columns(database)
        names = ", ".join(map(_quoted, self.form.columns))
        marks = ", ".join("?" * len(self.form.columns))
        database.executemany(f"INSERT INTO {name} ({names}) VALUES ({marks})", self.pending)

    def _check_columns(self, database: sqlite3.Connection) -> None:
        rows = database.execute(f"PRAGMA table_info({_quoted(self.form.kind)})")
        there = {row[1] for row in rows}
        missing = [column for column in self.form.columns if column not in there]
        if missing:
            raise sqlite3.OperationalError(
                f"table {self.form.kind}: got columns {', '.join(sorted(there))}, "
                f"want {missing[0]} too"
            )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
