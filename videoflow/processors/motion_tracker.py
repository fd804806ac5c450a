"""Follow the objects of each stream: ``vision.trackers.MotionTrack`` as a node."""

from __future__ import annotations

from typing import Any

from videoflow.processors.tracker_node import TrackerNode, above

__all__ = ["MotionTracker"]


class MotionTracker(TrackerNode):
    """Turn detections into tracks, with ids that begin at 1 in each stream.

    The one to begin with; see ``vision.trackers.MotionTrack``. It takes ``CameraMotion`` as a
    second parent.

    Args:
        track_threshold: Score above which a detection is strong, 0 to 1.
        new_track_threshold: Score from which a detection that nobody claims begins a track,
            0 to 1; ``track_threshold`` + 0.1 if None.
        max_cost: How unlike the expected box a strong detection may be, 0 to 1.
        max_lost_frames: For how many frames of the source a lost track keeps its id.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A value out of range.
    """

    algorithm = "MotionTrack"

    def __init__(
        self,
        *,
        track_threshold: float = 0.6,
        new_track_threshold: float | None = None,
        max_cost: float = 0.9,
        max_lost_frames: int = 30,
        **options: Any,
    ) -> None:
        super().__init__(
            {
                "track_threshold": track_threshold,
                "new_track_threshold": above(track_threshold, new_track_threshold),
                "max_cost": max_cost,
                "max_lost_frames": max_lost_frames,
            },
            **options,
        )
