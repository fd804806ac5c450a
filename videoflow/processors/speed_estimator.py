"""Estimate how fast people walk in each stream: ``vision.counting.FloorSpeeds`` as a node."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from videoflow.core.node import PerStreamProcessorNode
from videoflow.data.homography import Homography
from videoflow.errors import GraphError, ShapeError
from videoflow.processors.picture_sizes import refuse_other_size
from videoflow.processors.wanted_tracks import wanted_tracks
from videoflow.vision.counting import FloorSpeeds

if TYPE_CHECKING:
    from videoflow.data import Speeds

__all__ = ["SpeedEstimator"]


class SpeedEstimator(PerStreamProcessorNode["SpeedEstimation"]):
    """Estimate where on the floor people are, in metres, and how fast they walk.

    What a speed is, and how much it lags behind, is in ``docs/counting.md``. Where a tracker
    passes ``None``, ``None`` comes out.

    Args:
        image_xy: Four or more points on the floor, (x, y) in pixels of the source picture; no
            three of them on one line.
        floor_xy_m: Where the same points are on the floor, (X, Y) in metres from a place of
            your choice, in the same order.
        window_seconds: How far back a speed looks; it is that of half a window ago.
        max_gap_frames: After so many frames without a sighting an id is forgotten.
        labels: The class indices to follow, or None for all.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: Points that do not say how the floor lies, or a number out of range.
    """

    auto_device = "cpu"
    preload = ("numpy",)

    def __init__(
        self,
        image_xy: Sequence[Sequence[float]],
        floor_xy_m: Sequence[Sequence[float]],
        *,
        window_seconds: float = 1.0,
        max_gap_frames: int = 300,
        labels: Collection[int] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.window_seconds = window_seconds
        self.max_gap_frames = max_gap_frames
        self.labels = labels
        try:
            self.homography = Homography.from_points(image_xy, floor_xy_m)
            self.make_state("")
        except ShapeError as error:
            raise GraphError(f"{self.name!r}: {error.message}", help=error.help) from error

    def make_state(self, stream: str) -> SpeedEstimation:
        """Return an estimator that knows nobody."""
        return SpeedEstimation(
            FloorSpeeds(
                self.homography,
                window_seconds=self.window_seconds,
                max_gap_frames=self.max_gap_frames,
                labels=self.labels,
            )
        )

    def process(self, state: SpeedEstimation, *inputs: Any) -> Speeds | None:
        """Return the places and velocities of the tracks of one frame.

        Args:
            state: Of the stream.
            *inputs: The tracks, or None.

        Raises:
            ConfigError: The picture has changed its size: ``image_xy`` is in pixels of the
                first one.
        """
        tracks = wanted_tracks(self.name, inputs)
        if tracks is None:
            return None
        state.size_hw = state.size_hw or tracks.stamp.size_hw
        refuse_other_size(self.name, tracks.stamp, state.size_hw, places="points of image_xy")
        return state.speeds.update(tracks)


class SpeedEstimation:
    """The speeds of one stream, and how large its pictures are."""

    def __init__(self, speeds: FloorSpeeds) -> None:
        self.speeds = speeds
        self.size_hw: tuple[int, int] | None = None
