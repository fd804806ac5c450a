"""What the writers of rows share: values become rows, and a file has rows of one kind."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

from videoflow.consumers.file_writer_node import FileWriterNode
from videoflow.consumers.stream_files import OutputFile
from videoflow.data.rows import CellType, Row, RowForm, Rows, rows_of, stream_of
from videoflow.errors import GraphError

__all__ = ["RowFile", "RowFileWriter", "RowSink", "check_columns"]

_TYPES = ("str", "int", "float", "bool")


class RowSink(OutputFile, Protocol):
    """A file that takes rows whose form is known."""

    def begin(self, form: RowForm) -> None:
        """Hear of the columns, before the first row; not at all where there is no value."""

    def write(self, rows: list[Row]) -> None:
        """Add rows, with a cell for each column."""


class RowFile:
    """A file of rows: its first value, or ``columns``, decides what all rows look like."""

    def __init__(self, sink: RowSink, columns: Mapping[str, CellType] | None) -> None:
        self._sink = sink
        self._columns = columns
        self._form: RowForm | None = None

    def write(self, rows: Rows) -> None:
        """Add rows.

        Raises:
            ShapeError: Of another kind than those before, or with another column.
            OutputError: The file cannot be written.
        """
        if self._form is None:
            self._form = RowForm(rows.form.kind, self._columns or rows.form.columns)
            self._sink.begin(self._form)
        self._sink.write(self._form.fit(rows))

    def publish(self) -> None:
        """Complete the file and give it its name."""
        self._sink.publish()

    def discard(self) -> None:
        """Remove it."""
        self._sink.discard()


class RowFileWriter(FileWriterNode[RowFile]):
    """Write a row for each box, crossing, event of a zone or speed, or for each record.

    A kind of its own between the node and its writers, because all that differs is the sink.

    Args:
        path: Of the file. With ``{stream}`` in it each stream has a file of its own.
        columns: Name to ``str``, ``int``, ``float`` or ``bool``, of mappings and data classes
            of the user's own; by default as the first value shows them.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: ``nb_tasks`` is not 1, or a column of another type.
    """

    preload: ClassVar[tuple[str, ...]] = ("numpy",)

    def __init__(
        self,
        path: str | Path,
        *,
        columns: Mapping[str, CellType] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(path, **options)
        check_columns(self.name, columns)
        self.columns = columns

    @abstractmethod
    def make_sink(self, path: Path) -> RowSink:
        """Open a file that will be at ``path``."""

    def make_file(self, path: Path) -> RowFile:
        """Open a file that will be at ``path``."""
        return RowFile(self.make_sink(path), self.columns)

    def consume(self, *inputs: Any) -> None:
        """Write the rows of each input; None (nobody looked at the frame) has none.

        Raises:
            ShapeError: A value that makes no rows, or none of this file.
            OutputError: The file cannot be written.
        """
        for value in inputs:
            if value is not None:
                rows = rows_of(value)
                self.files.file_for(stream_of(value)).write(rows)


def check_columns(node: str, columns: Mapping[str, CellType] | None) -> None:
    """Refuse a type that there is not.

    Raises:
        GraphError: Names node, column and type.
    """
    for column, type_ in (columns or {}).items():
        if type_ not in _TYPES:
            raise GraphError(
                f"{node!r}: column {column!r}: got {type_!r}, want one of {', '.join(_TYPES)}"
            )
