"""MotionTrack."""

from __future__ import annotations

from videoflow.vision.trackers.tracker import Tracker

__all__ = ["MotionTrack"]


class MotionTrack(Tracker):
    """Follow the objects of one stream."""

    def __init__(
        self,
        *,
        track_threshold: float = 0.6,
        new_track_threshold: float = 0.7,
        max_cost: float = 0.9,
        max_lost_frames: int = 30,
    ) -> None:
        self._track_threshold = track_threshold
        self._new_track_threshold = new_track_threshold
        self._max_cost = max_cost
        self._max_lost_frames = max_lost_frames
