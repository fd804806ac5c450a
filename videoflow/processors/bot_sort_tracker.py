"""Follow the objects of each stream: ``vision.trackers.BotSort`` as a node."""

from __future__ import annotations

from typing import Any

from videoflow.processors.tracker_node import TrackerNode, above

__all__ = ["BotSortTracker"]


class BotSortTracker(TrackerNode):
    """Turn detections into tracks, with ids that begin at 1 in each stream.

    For a camera that moves: with ``CameraMotion`` as a second parent,
    ``BotSortTracker()(people, motion)``, boxes are expected where the camera's motion takes
    them. Detections with embeddings are told apart by them; see ``vision.trackers.BotSort``.

    Args:
        track_threshold: Score above which a detection is strong, 0 to 1.
        new_track_threshold: Score from which a detection that nobody claims begins a track,
            0 to 1; ``track_threshold`` + 0.1 if None.
        max_cost: How unlike the expected box a strong detection may be, 0 to 1.
        max_lost_frames: For how many frames of the source a lost track keeps its id.
        max_appearance_cost: How unlike a track's embedding that of a detection may be, 0 to 1.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A value out of range.
    """

    algorithm = "BotSort"

    def __init__(
        self,
        *,
        track_threshold: float = 0.6,
        new_track_threshold: float | None = None,
        max_cost: float = 0.8,
        max_lost_frames: int = 30,
        max_appearance_cost: float = 0.25,
        **options: Any,
    ) -> None:
        super().__init__(
            {
                "track_threshold": track_threshold,
                "new_track_threshold": above(track_threshold, new_track_threshold),
                "max_cost": max_cost,
                "max_lost_frames": max_lost_frames,
                "max_appearance_cost": max_appearance_cost,
            },
            **options,
        )
