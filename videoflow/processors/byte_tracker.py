"""Follow the objects of each stream: ``vision.trackers.ByteTrack`` as a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from videoflow.core.node import PerStreamProcessorNode
from videoflow.errors import GraphError

if TYPE_CHECKING:
    from videoflow.data import Detections, Stamp, Tracks
    from videoflow.vision.trackers import ByteTrack

__all__ = ["ByteTracker"]


class Stamped(Protocol):
    """Anything that knows which frame it belongs to: a frame, detections, counts."""

    @property
    def stamp(self) -> Stamp:
        """Which frame of which stream."""


class ByteTracker(PerStreamProcessorNode["ByteTrack"]):
    """Turn detections into tracks, with ids that begin at 1 in each stream.

    Only confirmed tracks come out; see ``vision.trackers.ByteTrack`` for what that means.

    A detector that does not look at every frame passes ``None``. With a second parent that
    speaks for every frame, ``ByteTracker()(people, cameras)``, the tracks are then moved on and
    come out at their predicted places; without, ``None`` comes out, and the tracks are moved
    on when the detector looks again.

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

    preload = ("numpy", "scipy.optimize")

    def __init__(
        self,
        *,
        track_threshold: float = 0.6,
        new_track_threshold: float | None = None,
        max_cost: float = 0.9,
        max_lost_frames: int = 30,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if new_track_threshold is None:
            new_track_threshold = min(1.0, track_threshold + 0.1)
        shares = {
            "track_threshold": track_threshold,
            "new_track_threshold": new_track_threshold,
            "max_cost": max_cost,
        }
        for key, value in shares.items():
            if not 0 <= value <= 1:
                raise GraphError(f"{self.name!r}: got {key}={value!r}, want 0 to 1")
        if not max_lost_frames >= 0:
            raise GraphError(
                f"{self.name!r}: got max_lost_frames={max_lost_frames!r}, want an int >= 0"
            )
        self.track_threshold = track_threshold
        self.new_track_threshold = new_track_threshold
        self.max_cost = max_cost
        self.max_lost_frames = max_lost_frames

    def make_state(self, stream: str) -> ByteTrack:
        """Return a tracker that knows nobody."""
        from videoflow.vision.trackers import ByteTrack  # scipy: only where tracks are made

        return ByteTrack(
            track_threshold=self.track_threshold,
            new_track_threshold=self.new_track_threshold,
            max_cost=self.max_cost,
            max_lost_frames=self.max_lost_frames,
        )

    def process(self, state: ByteTrack, *inputs: Any) -> Tracks | None:
        """Return the tracks of one frame.

        Args:
            state: The stream's tracker.
            *inputs: The detections or None, and optionally anything with a ``stamp``.
        """
        detections: Detections | None = inputs[0]
        if detections is not None:
            return state.update(detections)
        of_frame: Stamped | None = inputs[1] if len(inputs) > 1 else None
        return None if of_frame is None else state.coast(of_frame.stamp)
