"""SORT: a Kalman filter, overlap, and nothing else."""

from __future__ import annotations

import numpy as np

from videoflow.vision.assignment import pair_all_then_refuse
from videoflow.vision.boxes import F64, iou
from videoflow.vision.kalman import AreaMotion
from videoflow.vision.trackers import table as c
from videoflow.vision.trackers.crowd import Crowd
from videoflow.vision.trackers.tracker import Pairs, Tracker

__all__ = ["Sort", "show_streaks"]


class Sort(Tracker):
    """Follow the objects of one stream by overlap with where they are expected.

    A track comes out when it was seen in ``min_hits`` looks running after its first, or in the
    first ``min_hits`` looks of the stream at once, and again only after as many when it was
    lost. The boxes that come out are the filter's belief.

    Reproduces the authors' figures to the last digit (there ``max_lost_frames`` is 1). Boxes of
    different classes never belong to one track.

    Args:
        track_threshold: Score from which a detection counts, 0 to 1.
        min_iou: Least overlap of a track and a detection, 0 to 1.
        max_lost_frames: For how many frames of the source a lost track can be found again.
        min_hits: After how many more looks a new track comes out.

    Raises:
        ConfigError: A value out of range.

    Source: Bewley et al., *Simple online and realtime tracking*, ICIP 2016.
    """

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
            least_score=float(np.nextafter(np.float32(track_threshold), np.float32(-1))),
            new_score=0.0,
            max_lost_frames=max_lost_frames,
            settings={
                "track_threshold": track_threshold,
                "min_iou": min_iou,
                "max_lost_frames": max_lost_frames,
                "min_hits": min_hits,
            },
        )
        self._min_iou = min_iou
        self._min_hits = min_hits

    def _pair(self, tracks: F64, boxes_xyxy: F64, found: F64) -> Pairs:
        overlap = iou(boxes_xyxy, found[:, c.BOX])
        overlap *= tracks[:, c.LABEL, None] == found[:, c.FOUND_LABEL]
        return pair_all_then_refuse(overlap, overlap, min_iou=self._min_iou)

    def _settle(self, crowd: Crowd) -> None:
        show_streaks(crowd, min_hits=self._min_hits)


def show_streaks(crowd: Crowd, *, min_hits: int) -> None:
    """Confirm and show who was seen in so many looks running, or in the first looks."""
    tracks = crowd.tracks
    enough = [min_hits if memory.num_looks > min_hits else 0 for memory in crowd.memories]
    is_shown = tracks[:, c.STREAK] >= crowd.of_tracks(enough)
    is_shown &= tracks[:, c.IS_LOST] == 0
    tracks[:, c.IS_SHOWN] = is_shown
    crowd.confirm(is_shown & (tracks[:, c.ID] == 0))
