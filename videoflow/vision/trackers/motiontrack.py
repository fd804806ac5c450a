"""MotionTrack: ByteTrack with a better eye for motion, that of the camera included."""

from __future__ import annotations

import numpy as np

from videoflow.vision.boxes import F64, height_modulated_iou
from videoflow.vision.camera_motion import shift_of_boxes
from videoflow.vision.kalman import SidesMotion
from videoflow.vision.trackers import table as c
from videoflow.vision.trackers.crowd import Crowd
from videoflow.vision.trackers.strength import (
    WEAK_SCORE,
    Gates,
    pair_known,
    pair_others,
    settle,
    whole_pixels,
)
from videoflow.vision.trackers.tracker import Pairs, Tracker

__all__ = ["MotionTrack"]

_LEAST_WEAK_LIKENESS = 0.6  # closer than ByteTrack's 0.5: weak boxes may find lost tracks
_SIDE_DOUBT = 2.0


class MotionTrack(Tracker):
    """Follow the objects of one stream by how they, and the camera, move; the recommended one.

    It is made of

    - ByteTrack: strong boxes first, weak ones second, score x overlap, the life of a track;
    - a Kalman filter on width and height (BoT-SORT), which believes a measured side half as
      much as a measured place (ours);
    - overlap times overlap of the heights (Hybrid-SORT);
    - weak boxes may find lost tracks too, behind a closer gate (ours);
    - the camera's motion, felt from the boxes (ours): when most objects are found to one side
      of where they were expected, all tracks are moved there and matched again. So a moving
      camera needs no look at its pictures; ``warp`` helps still, as it also knows zoom and
      turn.

    What each part brings is measured by ``benchmarks/tracker_parts.py`` and told in
    ``docs/tracking.md``. No appearance is used. A track is confirmed when it is seen in two
    looks running (in the stream's first look at once). The boxes that come out are the filter's
    belief. Boxes of different classes never belong to one track.

    Args:
        track_threshold: Score above which a detection is strong, 0 to 1.
        new_track_threshold: Score from which a strong detection that nobody claims begins a
            track, 0 to 1.
        max_cost: Gate of the first match, on 1 - overlap x score, 0 to 1.
        max_lost_frames: For how many frames of the source a lost track can be found again.

    Raises:
        ConfigError: A value out of range.

    Source: Zhang et al., *ByteTrack*, ECCV 2022; Aharon, Orfaig and Bobrovsky, *BoT-SORT*,
    2022, section 3.1; Yang et al., *Hybrid-SORT*, AAAI 2024, section 3.3.
    """

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
            SidesMotion(side_doubt=_SIDE_DOUBT),
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
        threshold = np.float32(track_threshold)
        self._gates = Gates(
            strong_score=float(threshold),
            weak_score=float(np.nextafter(threshold, np.float32(2))),
            known=1 - max_cost,
            weak=_LEAST_WEAK_LIKENESS,
            weak_finds_lost=True,
        )

    def _pair(self, tracks: F64, boxes_xyxy: F64, found: F64) -> Pairs:
        likeness, overlap = self._likeness(tracks, boxes_xyxy, found)
        known = pair_known(tracks, found, likeness, self._gates)
        shift = self._shift(tracks, boxes_xyxy, found, known)
        if shift is not None:
            c.beliefs(tracks)[:, 0, :2] += shift
            likeness, overlap = self._likeness(tracks, boxes_xyxy + np.tile(shift, 2), found)
            known = pair_known(tracks, found, likeness, self._gates)
        return pair_others(
            tracks, found, known, likeness=likeness, overlap=overlap, gates=self._gates
        )

    def _shift(self, tracks: F64, boxes_xyxy: F64, found: F64, known: Pairs) -> F64 | None:
        """Return how far the camera moved, as those tell that were seen in the last look."""
        i, j = known
        is_sure = tracks[i, c.IS_LOST] == 0
        return shift_of_boxes(boxes_xyxy[i[is_sure]], found[j[is_sure], c.BOX])

    def _likeness(self, tracks: F64, boxes_xyxy: F64, found: F64) -> tuple[F64, F64]:
        overlap = _overlap(boxes_xyxy, found[:, c.BOX])
        overlap *= tracks[:, c.LABEL, None] == found[:, c.FOUND_LABEL]
        return overlap * found[:, c.FOUND_SCORE], overlap

    def _settle(self, crowd: Crowd) -> None:
        settle(crowd, self._motion, _overlap)


def _overlap(boxes_xyxy: F64, others_xyxy: F64) -> F64:
    return height_modulated_iou(whole_pixels(boxes_xyxy), whole_pixels(others_xyxy))
