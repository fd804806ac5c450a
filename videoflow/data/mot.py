"""The text form of the MOTChallenge: one box on each line.

``frame,id,left,top,width,height,score,class,visibility``; frames count from 1, lengths are
pixels. Detections have the id -1. In a ground truth the score is 1 where a box counts and 0
where it is to be ignored. What follows the score may be left out. Where MOTChallenge 2015 has
places in the world (or -1) instead of a class, there is no class.

Source: Leal-Taixé et al., *MOTChallenge 2015: towards a benchmark for multi-target tracking*,
section 3.3; Milan et al., *MOT16: a benchmark for multi-object tracking*, table 5 (classes).
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videoflow.data.detections import Detections, Tracks
from videoflow.data.frame import Stamp
from videoflow.data.number_rows import NumberRows, read_number_rows

__all__ = ["MotRows", "mot_lines", "read_mot"]

I64 = NDArray[np.int64]

_COLUMNS = ("frame", "id", "left", "top", "width", "height", "score")
_CLASS = len(_COLUMNS)  # its column, where there is one
_FAR = 1e9  # pixels; much more, and a float32 overflows
_LARGEST = 2**53  # of the whole numbers that a float64 holds one by one


@dataclass(frozen=True, slots=True, eq=False)
class MotRows:
    """The rows of a MOTChallenge file, by rising frame; rows of one frame as in the file.

    Attributes:
        frames: int64 ``[R]``, from 1, never falling.
        ids: int64 ``[R]``; -1 for a box without one.
        boxes_xywh: float64 ``[R, 4]``, left, top, width, height in pixels.
        scores: float64 ``[R]``; in a ground truth whether the box counts.
        classes: int64 ``[R]`` or None where the file has none.
    """

    frames: I64
    ids: I64
    boxes_xywh: NDArray[np.float64]
    scores: NDArray[np.float64]
    classes: I64 | None = None

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def last_frame(self) -> int:
        """The last frame that has a row; 0 without rows."""
        return int(self.frames[-1]) if len(self) else 0

    def between(self, first_frame: int, last_frame: int) -> MotRows:
        """Return the rows of ``first_frame`` to ``last_frame``, renumbered from frame 1."""
        low, high = np.searchsorted(self.frames, (first_frame, last_frame + 1))
        rows = slice(low, high)
        return MotRows(
            self.frames[rows] - (first_frame - 1),
            self.ids[rows],
            self.boxes_xywh[rows],
            self.scores[rows],
            None if self.classes is None else self.classes[rows],
        )

    def detections(self, frame: int, stamp: Stamp) -> Detections:
        """Return what stands in the rows of ``frame``.

        Args:
            frame: From 1; one without rows has no detections.
            stamp: For the result.

        Returns:
            In the order of the file; labels are the classes, 0 where the file has none.
        """
        rows = self.between(frame, frame)
        boxes = rows.boxes_xywh.copy()
        boxes[:, 2:] += boxes[:, :2]
        labels = np.zeros(len(rows), np.int64) if rows.classes is None else rows.classes
        scores = rows.scores.astype(np.float32)
        return Detections(stamp, boxes.astype(np.float32), scores, labels)

    def tracks(self, frame: int, stamp: Stamp) -> Tracks:
        """Return the rows of ``frame`` with their ids; else as ``detections``."""
        found = self.detections(frame, stamp)
        ids = self.between(frame, frame).ids
        return Tracks(stamp, ids, found.boxes_xyxy, found.scores, found.labels)


def read_mot(path: str | os.PathLike[str]) -> MotRows:
    """Read a MOTChallenge file; its rows may stand in any order, and may be none.

    Raises:
        SourceError: It cannot be read, or a row is malformed; names file and line.
    """
    rows = read_number_rows(path, _COLUMNS)
    values = rows.values
    whole = (values == np.floor(values)) & (np.abs(values) < _LARGEST)
    rows.require(whole[:, 0] & (values[:, 0] >= 1), 0, "a whole number from 1")
    rows.require(whole[:, 1], 1, "a whole number")
    for column in range(2, 7):
        rows.require(np.abs(values[:, column]) < _FAR, column, f"less than {_FAR:.0e}")
    for column in (4, 5):
        rows.require(values[:, column] >= 0, column, "0 or more pixels")
    order = np.argsort(values[:, 0], kind="stable")
    values = values[order]
    frames, ids = values[:, 0].astype(np.int64), values[:, 1].astype(np.int64)
    classes = _classes(rows)
    return MotRows(
        frames,
        ids,
        values[:, 2:6],
        values[:, 6],
        None if classes is None else classes[order],
    )


def mot_lines(people: Tracks | Detections) -> str:
    """Return one line for each box, ready to be added to a file.

    The frame is ``stamp.index`` and one; lengths have two decimals, the score has four:
    ``5,7,1.00,2.00,3.00,6.00,1.0000,-1,-1,-1``. What is no box (a side that is not finite, or
    less than 0) is left out: ``read_mot`` would refuse it.
    """
    people = people[_is_box(people.boxes_xyxy)]
    frame = people.stamp.index + 1
    ids = people.ids.tolist() if isinstance(people, Tracks) else [-1] * len(people)
    rows = zip(ids, people.boxes_xyxy.tolist(), people.scores.tolist(), strict=True)
    return "".join(
        f"{frame},{track_id},{left:.2f},{top:.2f},{right - left:.2f},{bottom - top:.2f},"
        f"{score:.4f},-1,-1,-1\n"
        for track_id, (left, top, right, bottom), score in rows
    )


def _is_box(boxes_xyxy: NDArray[np.float32]) -> NDArray[np.bool_]:
    is_finite = np.isfinite(boxes_xyxy).all(axis=1)
    left, top, right, bottom = boxes_xyxy.T
    is_box: NDArray[np.bool_] = is_finite & (left <= right) & (top <= bottom)
    return is_box


def _classes(rows: NumberRows) -> I64 | None:
    """Return the classes, or None where what follows the score is something else."""
    if rows.values.shape[1] <= _CLASS or not len(rows.values):
        return None
    column = rows.values[:, _CLASS]
    is_class = (column == np.floor(column)) & (column >= 0) & (column < _LARGEST)
    return column.astype(np.int64) if is_class.all() else None
