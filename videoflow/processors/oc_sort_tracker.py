"""Follow the objects of each stream: ``vision.trackers.OcSort`` as a node."""

from __future__ import annotations

from typing import Any

from videoflow.processors.tracker_node import TrackerNode

__all__ = ["OcSortTracker"]


class OcSortTracker(TrackerNode):
    """Turn detections into tracks, with ids that begin at 1 in each stream.

    For objects that stop, turn and hide; see ``vision.trackers.OcSort``.

    Args:
        track_threshold: Score above which a detection is looked at, 0 to 1.
        min_iou: How much a detection must overlap the expected box, 0 to 1.
        max_lost_frames: For how many frames of the source a lost track keeps its id.
        min_hits: After how many more looks running a new track comes out.
        momentum_weight: How much the direction of motion counts beside the overlap, 0 to 1.
        momentum_frames: Over how many frames of the source the direction of motion is taken, at
            least 1.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A value out of range.
    """

    algorithm = "OcSort"

    def __init__(  # noqa: PLR0913 - each is a knob of its own, with a default
        self,
        *,
        track_threshold: float = 0.6,
        min_iou: float = 0.3,
        max_lost_frames: int = 30,
        min_hits: int = 3,
        momentum_weight: float = 0.2,
        momentum_frames: int = 3,
        **options: Any,
    ) -> None:
        super().__init__(
            {
                "track_threshold": track_threshold,
                "min_iou": min_iou,
                "max_lost_frames": max_lost_frames,
                "min_hits": min_hits,
                "momentum_weight": momentum_weight,
                "momentum_frames": momentum_frames,
            },
            **options,
        )
