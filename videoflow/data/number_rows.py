"""Text files of numbers, a row on each line, and messages that name the line."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from videoflow.errors import SourceError

__all__ = ["NumberRows", "read_number_rows"]


@dataclass(frozen=True, slots=True, eq=False)
class NumberRows:
    """The rows of a file, as they stand in it.

    Attributes:
        path: The file.
        columns: The meaning of the values that every row has, in order.
        values: float64 ``[R, C]``, all finite; there may be more columns than are named.
        lines: int64 ``[R]``, the line of each row, from 1.
    """

    path: Path
    columns: Sequence[str]
    values: NDArray[np.float64]
    lines: NDArray[np.int64]

    def require(self, is_good: NDArray[np.bool_], column: int, want: str) -> None:
        """Refuse the first row that is not good.

        Args:
            is_good: bool ``[R]``.
            column: Whose value was looked at.
            want: What it should have been.

        Raises:
            SourceError: There is such a row; names file and line.
        """
        if not is_good.all():
            row = int(np.argmin(is_good))
            raise SourceError(
                f"{self.path}:{self.lines[row]}: got {self.columns[column]} "
                f"{self.values[row, column]:g}, want {want}"
            )


def read_number_rows(path: str | os.PathLike[str], columns: Sequence[str]) -> NumberRows:
    """Read rows of numbers, separated by commas, or by blanks where there is no comma.

    Empty lines are passed over.

    Args:
        path: Of the file.
        columns: What the first values of each row mean; rows may have more.

    Raises:
        SourceError: The file cannot be read, or a row is too short, of another length than
            the first, or holds something that is no finite number; names file and line.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors on Windows put a mark before it
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be read: {error.strerror or error}",
            help=f"want a file of rows: {', '.join(columns)}",
        ) from error
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{path}: got bytes that are not UTF-8, want rows of text",
            help=f"want a file of rows: {', '.join(columns)}",
        ) from error
    rows: list[list[float]] = []
    lines: list[int] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        row = _parse(line, columns, f"{path}:{number}")
        if rows and len(row) != len(rows[0]):
            raise SourceError(
                f"{path}:{number}: got {len(row)} values, want {len(rows[0])} as in line "
                f"{lines[0]}",
                help="a file that was cut off ends like this",
            )
        rows.append(row)
        lines.append(number)
    values = np.array(rows).reshape(len(rows), len(rows[0]) if rows else len(columns))
    return NumberRows(path, columns, values, np.array(lines, np.int64))


def _parse(line: str, columns: Sequence[str], where: str) -> list[float]:
    parts = line.split(",") if "," in line else line.split()
    if len(parts) < len(columns):
        raise SourceError(
            f"{where}: got {len(parts)} values, want at least {len(columns)}: "
            + ", ".join(columns),
            help="they stand apart by commas or by spaces",
        )
    values = []
    for index, part in enumerate(parts):
        try:
            values.append(float(part))
        except ValueError:
            values.append(math.nan)
        if not math.isfinite(values[-1]):
            name = columns[index] if index < len(columns) else f"value {index + 1}"
            raise SourceError(f"{where}: got {name} {part.strip()!r}, want a finite number")
    return values
