"""MotionTrack: ByteTrack with a better eye for motion, that of the camera included."""

from __future__ import annotations

import numpy as np

from videoflow.vision.boxes import F64, height_modulated_iou
from videoflow.vision.camera_motion import shift_of_boxes
from videoflow.vision.kalman import SidesMotion
from videoflow.vision.trackers import table as c
from videoflow.vision.trackers.crowd import Crowd
from videoflow.vision.trackers.strength import (
    Gates,
    pair_known,
    pair_others,
    settle,
    whole_pixels,
)
from videoflow.vision.trackers.tracker import Pairs, Tracker

__all__ = ["MotionTrack"]

_WEAK_SCORE = 0.1  # a detection at or below is no detection
_LEAST_WEAK_LIKENESS = 0.6


class MotionTrack(Tracker):
    """Follow the objects of one stream."""

    _holds_size = True

    def __init__(
        self,
        *,
        track_threshold: float = 0.6,
        new_track_threshold: float = 0.7,
        max_cost: float = 0.9,
        max_lost_frames: int = 30,
    ) -> None:
        super().__init__(
            SidesMotion(),
            least_score=_WEAK_SCORE,
            new_score=new_track_threshold,
            max_lost_frames=max_lost_frames,
            settings={
                "track_threshold": track_threshold,
                "new_track_threshold": new_track_threshold,
                "max_cost": max_cost,
                "max_lost_frames": max_lost_frames,
            },
        )
        threshold = np.float32(track_threshold)
        self._gates = Gates(
            strong_score=float(np.nextafter(threshold, np.float32(-1))),
            weak_score=float(threshold),
            known=1 - max_cost,
            weak=_LEAST_WEAK_LIKENESS,
            weak_finds_lost=True,
        )

    def _pair(self, tracks: F64, boxes_xyxy: F64, found: F64) -> Pairs:
        likeness, overlap = self._likeness(tracks, boxes_xyxy, found)
        i, j = pair_known(tracks, found, likeness, self._gates)
        is_seen = tracks[i, c.IS_LOST] == 0
        shift = shift_of_boxes(boxes_xyxy[i[is_seen]], found[j[is_seen], c.BOX])
        if shift is not None:
            c.beliefs(tracks)[:, 0, :2] += shift
            likeness, overlap = self._likeness(tracks, boxes_xyxy + np.tile(shift, 2), found)
            i, j = pair_known(tracks, found, likeness, self._gates)
        return pair_others(
            tracks, found, (i, j), likeness=likeness, overlap=overlap, gates=self._gates
        )

    def _likeness(self, tracks: F64, boxes_xyxy: F64, found: F64) -> tuple[F64, F64]:
        overlap = _overlap(boxes_xyxy, found[:, c.BOX])
        overlap *= tracks[:, c.LABEL, None] == found[:, c.FOUND_LABEL]
        return overlap * found[:, c.FOUND_SCORE], overlap

    def _settle(self, crowd: Crowd) -> None:
        settle(crowd, self._motion, _overlap)


def _overlap(boxes_xyxy: F64, others_xyxy: F64) -> F64:
    return height_modulated_iou(whole_pixels(boxes_xyxy), whole_pixels(others_xyxy))
