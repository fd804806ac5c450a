"""The tracks of a stream as rows of one array, and the detections of a look likewise.

A row is moved, dropped, or sent to another table in one operation, and many streams are one
array after another. Ids, labels and frame numbers are floats here: whole numbers are exact in
float64 up to 2^53.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from videoflow.data.detections import Detections
from videoflow.vision.boxes import F64

__all__ = ["beliefs", "pack"]

# A track: the columns that all trackers have; an algorithm's own come behind them.
BELIEF = slice(0, 20)  # of a BoxMotion, [5, 4]
ID = 20  # 0 until the track is confirmed
STREAK = 21  # looks running in which it was seen, without its first
FIRST_SEEN = 22  # on the stream's clock, in frames of the source
LAST_SEEN = 23
SCORE = 24  # of the last detection; these four lie as in a detection
LABEL = 25
SOURCE = 26  # which row of the last look's Detections
STREAM = 27  # which of the streams of the present call
IS_LOST = 28  # not seen in the last look
IS_SHOWN = 29  # came out at the last look
NUM_COLUMNS = 30

# A detection.
BOX = slice(0, 4)
FOUND_SCORE = 4
FOUND_LABEL = 5
FOUND_SOURCE = 6
FOUND_STREAM = 7
FOUND = slice(4, 8)  # score, label, source, stream
SEEN = slice(24, 28)  # the same of a track


def beliefs(tracks: F64) -> F64:
    """Return the columns of the motion filter as float64 ``[T, 5, 4]``, a view."""
    return tracks[:, BELIEF].reshape(-1, 5, 4)


def pack(detections: Sequence[Detections], *, least_score: float) -> F64:
    """Return the usable detections with more than ``least_score`` as rows.

    Returns:
        float64 ``[D, 8]``: box, score, label, row in its ``Detections``, and which of
        ``detections`` that is. Boxes that are not finite, or not wider and higher than nothing,
        are left out, and so are scores that are no number.
    """
    if len(detections) == 1:
        (one,) = detections
        boxes_xyxy, scores, labels = one.boxes_xyxy, one.scores, one.labels
    else:
        boxes_xyxy = np.concatenate([found.boxes_xyxy for found in detections])
        scores = np.concatenate([found.scores for found in detections])
        labels = np.concatenate([found.labels for found in detections])
    is_good = scores > least_score
    is_good &= boxes_xyxy[:, 2] > boxes_xyxy[:, 0]
    is_good &= boxes_xyxy[:, 3] > boxes_xyxy[:, 1]
    if not np.isfinite(boxes_xyxy).all():
        is_good &= np.isfinite(boxes_xyxy).all(axis=1)
    rows: NDArray[np.intp] = is_good.nonzero()[0]
    packed = np.empty((len(rows), 8))
    packed[:, :4] = boxes_xyxy[rows]
    packed[:, 4] = scores[rows]
    packed[:, 5] = labels[rows]
    packed[:, 6] = rows
    packed[:, 7] = 0.0
    if len(detections) > 1:
        ends = np.cumsum([len(found) for found in detections])
        packed[:, 7] = streams = np.searchsorted(ends, rows, side="right")
        packed[:, 6] -= np.concatenate([[0], ends])[streams]
    return packed
