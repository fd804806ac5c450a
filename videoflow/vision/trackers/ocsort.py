"""OcSort."""

from __future__ import annotations

from videoflow.vision.trackers.tracker import Tracker

__all__ = ["OcSort"]


class OcSort(Tracker):
    """Follow the objects of one stream."""

    def __init__(
        self,
        *,
        track_threshold: float = 0.6,
        min_iou: float = 0.3,
        max_lost_frames: int = 30,
        min_hits: int = 3,
        momentum_weight: float = 0.2,
        momentum_frames: int = 3,
    ) -> None:
        self._track_threshold = track_threshold
        self._min_iou = min_iou
        self._max_lost_frames = max_lost_frames
        self._min_hits = min_hits
        self._momentum_weight = momentum_weight
        self._momentum_frames = momentum_frames
