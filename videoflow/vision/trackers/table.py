"""The tracks of one stream as columns: a step is the same few calls for any number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from videoflow.data.detections import Detections
from videoflow.vision.kalman import BoxMotion

__all__ = ["TrackTable"]

I64 = NDArray[np.int64]


@dataclass(slots=True)
class TrackTable:
    """T tracks, one in each row of every column.

    Attributes:
        motion: Where they are.
        ids: int64 ``[T]``, 0 while a track is not confirmed.
        is_lost: bool ``[T]``, not seen in the last look.
        first_seen: int64 ``[T]``, on the tracker's clock, in frames.
        last_seen: int64 ``[T]``, the same.
        scores: float32 ``[T]``, of the last detection.
        labels: int64 ``[T]``, of the last detection.
    """

    motion: BoxMotion
    ids: I64
    is_lost: NDArray[np.bool_]
    first_seen: I64
    last_seen: I64
    scores: NDArray[np.float32]
    labels: I64

    @classmethod
    def empty(cls) -> Self:
        """Return a table without tracks."""
        none = np.zeros(0, np.int64)
        motion = BoxMotion.begin(np.zeros((0, 4)))
        nothing = np.zeros(0, np.float32)
        return cls(motion, none, np.zeros(0, np.bool_), none, none, nothing, none)

    def __len__(self) -> int:
        return len(self.ids)

    def begin(self, found: Detections, *, clock: int) -> None:
        """Add one unconfirmed track for each detection."""
        num = len(found)
        now = np.full(num, clock, np.int64)
        self.motion = self.motion.join(BoxMotion.begin(found.boxes_xyxy))
        self.ids = np.concatenate([self.ids, np.zeros(num, np.int64)])
        self.is_lost = np.concatenate([self.is_lost, np.zeros(num, np.bool_)])
        self.first_seen = np.concatenate([self.first_seen, now])
        self.last_seen = np.concatenate([self.last_seen, now])
        self.scores = np.concatenate([self.scores, found.scores])
        self.labels = np.concatenate([self.labels, found.labels])

    def see(self, rows: NDArray[np.intp], found: Detections, *, clock: int) -> None:
        """Take a new look at the tracks of ``rows``: one detection for each, in order."""
        self.motion.correct(rows, found.boxes_xyxy)
        self.is_lost[rows] = False
        self.last_seen[rows] = clock
        self.scores[rows] = found.scores
        self.labels[rows] = found.labels

    def drop(self, rows: NDArray[np.intp]) -> None:
        """Remove the tracks of ``rows``; the others move up."""
        if not len(rows):
            return
        keep = np.ones(len(self), np.bool_)
        keep[rows] = False
        self.motion = self.motion.pick(keep)
        self.ids, self.is_lost = self.ids[keep], self.is_lost[keep]
        self.first_seen, self.last_seen = self.first_seen[keep], self.last_seen[keep]
        self.scores, self.labels = self.scores[keep], self.labels[keep]
