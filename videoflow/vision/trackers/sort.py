"""SORT: a Kalman filter, overlap, and nothing else."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from videoflow.vision.assignment import best_pairs
from videoflow.vision.boxes import F64, iou
from videoflow.vision.kalman import AreaMotion
from videoflow.vision.trackers import table as c
from videoflow.vision.trackers.crowd import Crowd
from videoflow.vision.trackers.tracker import Pairs, Tracker

__all__ = ["Sort"]


class Sort(Tracker):
    """Follow the objects of one stream."""

    def __init__(
        self,
        *,
        track_threshold: float = 0.6,
        min_iou: float = 0.3,
        max_lost_frames: int = 30,
        min_hits: int = 3,
    ) -> None:
        super().__init__(
            AreaMotion(),
            least_score=np.nextafter(np.float32(track_threshold), np.float32(-1)),
            new_score=0.0,
            max_lost_frames=max_lost_frames,
        )
        self._min_iou = min_iou
        self._min_hits = min_hits

    def _pair(self, tracks: F64, boxes_xyxy: F64, found: F64) -> Pairs:
        overlap = iou(boxes_xyxy, found[:, c.BOX])
        overlap *= tracks[:, c.LABEL, None] == found[:, c.FOUND_LABEL]
        rows, columns = linear_sum_assignment(overlap, maximize=True)
        is_pair = overlap[rows, columns] >= self._min_iou
        return rows[is_pair], columns[is_pair]

    def _settle(self, crowd: Crowd) -> None:
        show_streaks(crowd, self._min_hits)


def show_streaks(crowd: Crowd, min_hits: int) -> None:
    """Show who was seen in more than ``min_hits`` looks running, or in the first looks."""
    tracks = crowd.tracks
    enough = [0 if memory.num_looks <= min_hits else min_hits for memory in crowd.memories]
    is_shown = tracks[:, c.STREAK] >= crowd.of_tracks(enough)
    is_shown &= tracks[:, c.IS_LOST] == 0
    tracks[:, c.IS_SHOWN] = is_shown
    crowd.confirm(is_shown & (tracks[:, c.ID] == 0))
