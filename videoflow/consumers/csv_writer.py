"""Write results as CSV: names first, then a row for each result, UTF-8.

Source: RFC 4180, but for the line end, which is a line feed.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from pathlib import Path

from videoflow.consumers.published_file import PublishedFile
from videoflow.consumers.row_file_writer import RowFileWriter
from videoflow.data.rows import Cell, Row, RowForm

__all__ = ["CsvWriter"]


class CsvWriter(RowFileWriter):
    """Write rows to a file that appears, whole, when the flow has ended.

    - ``Detections``, ``Tracks``: a row for each box (``data.rows.BOXES`` has the columns).
    - ``Counts``: a row for each crossing (``CROSSINGS``).
    - ``ZoneCounts``: a row for each visit that begins, ends or is open (``ZONE_EVENTS``).
    - ``Speeds``: a row for each object (``SPEEDS``).
    - A mapping or another data class: one row.

    A file holds one of these; its first line names the columns as soon as a value came, also
    one without rows. None and NaN are empty cells. A text that a spreadsheet would take for a
    formula is written as it is.

    Args:
        path: Of the file. With ``{stream}`` in it each stream has a file of its own.
        columns: Name to ``str``, ``int``, ``float`` or ``bool``, of mappings and data classes
            of the user's own; by default as the first value shows them.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: ``nb_tasks`` is not 1, or a column of another type.
    """

    def make_sink(self, path: Path) -> _CsvFile:
        """Open a file that will be at ``path``."""
        return _CsvFile(path)


class _CsvFile:
    """Rows as lines."""

    def __init__(self, path: Path) -> None:
        self._file = PublishedFile(path)
        self.publish = self._file.publish
        self.discard = self._file.discard

    def begin(self, form: RowForm) -> None:
        self.write([tuple(form.columns)])

    def write(self, rows: list[Row]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(map(_shown, rows))
        self._file.write(text.getvalue().encode())


def _shown(row: Row) -> Iterator[Cell]:
    return (None if isinstance(c, float) and math.isnan(c) else c for c in row)
