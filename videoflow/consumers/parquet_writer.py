"""Write results as Parquet; the door to pyarrow."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from videoflow.consumers.published_file import PublishedFile, cannot_write
from videoflow.consumers.row_file_writer import RowFileWriter
from videoflow.data.rows import CellType, Row, RowForm
from videoflow.errors import GraphError, MissingDependencyError, OutputError

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetWriter as ArrowWriter

__all__ = ["ParquetWriter"]

_ARROW_TYPES: Final = {"str": "string", "int": "int64", "float": "float64", "bool": "bool"}


class ParquetWriter(RowFileWriter):
    """Write rows to a Parquet file that appears, whole, when the flow has ended.

    Takes what ``CsvWriter`` takes, with the same columns; texts are ``string``, numbers
    ``int64`` and ``float64``. Rows leave the memory by row groups, as they come.

    Args:
        path: Of the file. With ``{stream}`` in it each stream has a file of its own.
        columns: Name to ``str``, ``int``, ``float`` or ``bool``, of mappings and data classes
            of the user's own; by default as the first value shows them, where none may be None.
        max_group_rows: Rows of a row group; so many are held in memory for each file.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: ``nb_tasks`` is not 1, or a value that makes no sense.
    """

    preload: ClassVar[tuple[str, ...]] = ("numpy", "pyarrow.parquet")

    def __init__(
        self,
        path: str | Path,
        *,
        columns: Mapping[str, CellType] | None = None,
        max_group_rows: int = 65_536,
        **options: Any,
    ) -> None:
        super().__init__(path, columns=columns, **options)
        if max_group_rows < 1:
            raise GraphError(f"{self.name!r}: got max_group_rows={max_group_rows}, want >= 1")
        self.max_group_rows = max_group_rows

    def check(self) -> None:
        """Make the folder of ``path``, and look for pyarrow.

        Raises:
            MissingDependencyError: pyarrow is not installed.
            OutputError: ``path`` is a folder, or its folder cannot be written to.
        """
        _import_arrow()
        super().check()

    def make_sink(self, path: Path) -> _ParquetFile:
        """Open a file that will be at ``path``."""
        return _ParquetFile(path, max_group_rows=self.max_group_rows)


class _ParquetFile:
    """Rows that become row groups."""

    def __init__(self, path: Path, *, max_group_rows: int) -> None:
        self._arrow = _import_arrow()
        self._file = PublishedFile(path)
        self._max_group_rows = max_group_rows
        self._rows: list[Row] = []
        self._schema: Any = None
        self._writer: ArrowWriter | None = None

    def begin(self, form: RowForm) -> None:
        for name, type_ in form.columns.items():
            if type_ is None:
                raise OutputError(
                    f"{self._file.path}: column {name!r}: got None first, want its type",
                    help=f"ParquetWriter(path, columns={{{name!r}: 'float', ...}})",
                )
        self._schema = self._arrow.schema(
            [(n, _ARROW_TYPES[t]) for n, t in form.columns.items() if t is not None]
        )

    def write(self, rows: list[Row]) -> None:
        self._rows += rows
        while len(self._rows) >= self._max_group_rows:
            self._write_group(self._rows[: self._max_group_rows])
            del self._rows[: self._max_group_rows]

    def publish(self) -> None:
        try:
            self._write_group(self._rows)
            assert self._writer is not None
            self._writer.close()
        except OSError as error:
            self.discard()
            if isinstance(error, OutputError):
                raise
            raise cannot_write(self._file.path, error) from error
        self._file.publish()

    def discard(self) -> None:
        if self._writer is not None:
            with contextlib.suppress(OSError):  # it writes a footer, perhaps to a full disk
                self._writer.close()
        self._file.discard()

    def _write_group(self, rows: list[Row]) -> None:
        if self._writer is None:
            schema = self._arrow.schema([]) if self._schema is None else self._schema
            self._schema = schema
            self._writer = self._arrow.parquet.ParquetWriter(self._file.file, schema)
        if not rows:
            return
        try:
            columns = [
                self._arrow.array(column, type=field.type)
                for field, column in zip(self._schema, zip(*rows, strict=True), strict=True)
            ]
            self._writer.write_table(
                self._arrow.Table.from_arrays(columns, schema=self._schema)
            )
        except self._arrow.ArrowException as error:
            raise OutputError(
                f"{self._file.path}: {error}; want {self._schema.to_string()!r}",
                help="name the columns' types: columns={'level': 'float'}",
            ) from error
        except OSError as error:
            raise cannot_write(self._file.path, error) from error


def _import_arrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependencyError(
            "Parquet needs pyarrow, which is not installed",
            help='pip install "videoflow[parquet]"',
        ) from error
    return pyarrow
