"""ByteTrack: associate every detection box, also the weak ones."""

from __future__ import annotations

import numpy as np

from videoflow.vision.boxes import F64
from videoflow.vision.kalman import AspectMotion
from videoflow.vision.trackers import table as c
from videoflow.vision.trackers.crowd import Crowd
from videoflow.vision.trackers.strength import (
    WEAK_SCORE,
    Gates,
    pair_known,
    pair_others,
    settle,
    whole_pixel_iou,
)
from videoflow.vision.trackers.tracker import Pairs, Tracker

__all__ = ["ByteTrack"]


class ByteTrack(Tracker):
    """Follow the objects of one stream by overlap, weak boxes included.

    A track is confirmed when it is seen in two looks running (in the stream's first look at
    once). One that is not seen for a while keeps its place and its id for ``max_lost_frames``,
    and comes out again when it is found. The boxes that come out are the filter's belief.

    Reproduces the authors' figures to the last digit, and so their reading of a score that is
    exactly ``track_threshold``: neither strong nor weak. Unlike there, an id is given when a
    track is confirmed, so that ids have no holes; frames may be missing; and boxes of different
    classes never belong to one track.

    Args:
        track_threshold: Score above which a detection is strong, 0 to 1.
        new_track_threshold: Score from which a strong detection that nobody claims begins a
            track, 0 to 1.
        max_cost: Gate of the first match, on 1 - IoU x score, 0 to 1.
        max_lost_frames: For how many frames of the source a lost track can be found again.

    Raises:
        ConfigError: A value out of range.

    Source: Zhang et al., *ByteTrack: multi-object tracking by associating every detection
    box*, ECCV 2022, algorithm 1; constants as in the authors' code for MOT17.
    """

    _holds_size = True
    _rests_newborn = True

    def __init__(
        self,
        *,
        track_threshold: float = 0.6,
        new_track_threshold: float = 0.7,
        max_cost: float = 0.9,
        max_lost_frames: int = 30,
    ) -> None:
        super().__init__(
            AspectMotion(),
            least_score=WEAK_SCORE,
            new_score=new_track_threshold,
            max_lost_frames=max_lost_frames,
            settings={
                "track_threshold": track_threshold,
                "new_track_threshold": new_track_threshold,
                "max_cost": max_cost,
                "max_lost_frames": max_lost_frames,
            },
        )
        strong_score = float(np.float32(track_threshold))
        self._gates = Gates(strong_score, strong_score, known=1 - max_cost)

    def _pair(self, tracks: F64, boxes_xyxy: F64, found: F64) -> Pairs:
        overlap = whole_pixel_iou(boxes_xyxy, found[:, c.BOX])
        overlap *= tracks[:, c.LABEL, None] == found[:, c.FOUND_LABEL]
        likeness = overlap * found[:, c.FOUND_SCORE]
        known = pair_known(tracks, found, likeness, self._gates)
        return pair_others(
            tracks, found, known, likeness=likeness, overlap=overlap, gates=self._gates
        )

    def _settle(self, crowd: Crowd) -> None:
        settle(crowd, self._motion, whole_pixel_iou)
