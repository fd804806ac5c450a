"""Detections of a file, in the text form of the MOTChallenge, as a stream."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import ClassVar, Unpack

from videoflow.core.node import NodeOptions, ProducerNode
from videoflow.data.detections import Detections
from videoflow.data.frame import Stamp
from videoflow.data.mot import MotRows, read_mot
from videoflow.errors import FlowStateError, GraphError, SourceError

__all__ = ["MotDetectionsReader"]


class MotDetectionsReader(ProducerNode):
    """Yield the ``Detections`` of each frame of a MOTChallenge file, in order.

    A frame without rows yields empty detections. Ids are passed over; the order of the rows
    is of no meaning, and those of one frame keep theirs. Labels are the classes of the file,
    0 where it has none.

    Args:
        path: Of the file.
        first_frame: The first to yield, counted from 1 as in the file. It gets index 0, so
            that a ``MotWriter`` writes it as frame 1.
        last_frame: The last to yield; None for the last one that has a row.
        stream: Name of the stream; by default the file's name without its ending.
        size_hw: Height and width of the picture in pixels; by default of the smallest one
            that holds all boxes.
        fps: The frame of index i was taken at ``i / fps`` seconds.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A range of frames, a size or a rate that makes no sense.
    """

    preload: ClassVar[tuple[str, ...]] = ("numpy",)

    def __init__(  # noqa: PLR0913 - each is a knob of its own, with a default
        self,
        path: str | os.PathLike[str],
        *,
        first_frame: int = 1,
        last_frame: int | None = None,
        stream: str | None = None,
        size_hw: tuple[int, int] | None = None,
        fps: float = 25.0,
        **options: Unpack[NodeOptions],
    ) -> None:
        super().__init__(**options)
        if first_frame < 1 or (last_frame is not None and last_frame < first_frame):
            raise GraphError(
                f"{self.name!r}: got first_frame={first_frame}, last_frame={last_frame}, "
                "want 1 <= first_frame <= last_frame"
            )
        if not fps > 0 or (size_hw is not None and not min(size_hw) > 0):
            raise GraphError(
                f"{self.name!r}: got fps={fps!r}, size_hw={size_hw!r}, want more than 0"
            )
        self._path = Path(path)
        self._first_frame = first_frame
        self._last_frame = last_frame
        self._stream = stream or self._path.stem
        self._size_hw = size_hw
        self._fps = fps
        self._rows: MotRows | None = None
        self._next_index: int | None = None

    @property
    def stream(self) -> str:
        """The stream's name."""
        return self._stream

    @property
    def num_items(self) -> int | None:
        """One for each frame, or None where the file cannot be read."""
        try:
            return self._end(self._read()) - self._first_frame + 1
        except SourceError:
            return None

    def check(self) -> None:
        """Refuse a file that cannot be read, has a malformed row, or nothing in the range.

        Raises:
            SourceError: So it is; names file and line.
        """
        self._end(self._read())

    def open(self) -> None:
        """Go to ``first_frame``.

        Raises:
            SourceError: As ``check``.
        """
        rows = self._read()
        self._end(rows)
        self._size_hw = self._size_hw or _extent(rows)
        self._next_index = 0

    def next(self) -> Detections:
        """Return the detections of the next frame.

        Raises:
            StopIteration: ``last_frame`` was the one before.
        """
        if self._next_index is None or self._size_hw is None:
            raise FlowStateError(f"{self.name!r} is not open", help="call open() first")
        rows = self._read()
        index = self._next_index
        if self._first_frame + index > self._end(rows):
            raise StopIteration
        self._next_index += 1
        stamp = Stamp(self._stream, index, index / self._fps, self._size_hw)
        return rows.detections(self._first_frame + index, stamp)

    def close(self) -> None:
        """Let the rows go."""
        self._rows = None
        self._next_index = None

    def _read(self) -> MotRows:
        if self._rows is None:
            self._rows = read_mot(self._path)
        return self._rows

    def _end(self, rows: MotRows) -> int:
        """Return the last frame to yield."""
        if self._last_frame is not None:
            return self._last_frame
        if rows.last_frame < self._first_frame:
            raise SourceError(
                f"{self._path}: got {len(rows)} rows, the last of frame {rows.last_frame}, "
                f"want one of frame {self._first_frame} or later",
                help="say last_frame where frames without a box shall come too",
            )
        return rows.last_frame


def _extent(rows: MotRows) -> tuple[int, int]:
    """Return height and width of the smallest picture that holds all boxes."""
    corners = rows.boxes_xywh[:, :2] + rows.boxes_xywh[:, 2:]
    width, height = (max(1, math.ceil(side)) for side in corners.max(axis=0, initial=1.0))
    return height, width
