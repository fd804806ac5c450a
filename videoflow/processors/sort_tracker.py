"""Follow the objects of each stream: ``vision.trackers.Sort`` as a node."""

from __future__ import annotations

from typing import Any

from videoflow.processors.tracker_node import TrackerNode

__all__ = ["SortTracker"]


class SortTracker(TrackerNode):
    """Turn detections into tracks, with ids that begin at 1 in each stream.

    The plainest tracker; see ``vision.trackers.Sort``.

    Args:
        track_threshold: Score from which a detection is looked at, 0 to 1.
        min_iou: How much a detection must overlap the expected box, 0 to 1.
        max_lost_frames: For how many frames of the source a lost track keeps its id.
        min_hits: After how many more looks running a new track comes out.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A value out of range.
    """

    algorithm = "Sort"

    def __init__(
        self,
        *,
        track_threshold: float = 0.6,
        min_iou: float = 0.3,
        max_lost_frames: int = 30,
        min_hits: int = 3,
        **options: Any,
    ) -> None:
        super().__init__(
            {
                "track_threshold": track_threshold,
                "min_iou": min_iou,
                "max_lost_frames": max_lost_frames,
                "min_hits": min_hits,
            },
            **options,
        )
