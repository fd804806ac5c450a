"""Small scenes for trackers: people as boxes, and walks of one person."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from videoflow.data import Detections, Stamp, Tracks
from videoflow.vision.trackers import BotSort, ByteTrack, MotionTrack, OcSort, Sort, Tracker

__all__ = ["KINDS", "found", "person", "run"]

KINDS: dict[str, Callable[[], Tracker]] = {
    "sort": Sort,
    "bytetrack": ByteTrack,
    "ocsort": OcSort,
    "botsort": BotSort,
    "motiontrack": MotionTrack,
}


def found(
    index: int, *boxes: tuple[float, ...], score: float = 0.9, label: int = 0
) -> Detections:
    """Detections of frame ``index``; a box may bring its own score as a fifth number."""
    array = np.array([box[:4] for box in boxes], np.float32).reshape(-1, 4)
    scores = np.array([box[4] if len(box) > 4 else score for box in boxes], np.float32)
    labels = np.full(len(boxes), label, np.int64)
    return Detections(Stamp("cam", index, index / 25, (480, 640)), array, scores, labels)


def person(x: float, y: float = 100.0) -> tuple[float, float, float, float]:
    """Return the box of a person whose left upper corner is at (x, y)."""
    return (x, y, x + 40, y + 100)


def run(tracker: Tracker, xs: Mapping[int, float]) -> list[Tracks]:
    """Let one person walk: frame index to x."""
    return [tracker.update(found(index, person(x))) for index, x in xs.items()]
