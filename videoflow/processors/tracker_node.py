"""What every node that follows objects does: one tracker for each stream, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar

from videoflow.core.node import PerStreamProcessorNode
from videoflow.core.wanted import wanted_input
from videoflow.data.camera_motion import CameraMotion
from videoflow.data.detections import Detections
from videoflow.errors import GraphError

if TYPE_CHECKING:
    from videoflow.data import Tracks
    from videoflow.vision.trackers import Tracker

__all__ = ["TrackerNode", "above"]


class TrackerNode(PerStreamProcessorNode["Tracker"]):
    """Turn detections into tracks, with ids that begin at 1 in each stream.

    A kind of its own between the node and its trackers, because all that differs between them
    is the class in ``algorithm`` and its settings.

    Attributes:
        algorithm: The name of a class of ``vision.trackers``.

    Args:
        settings: Arguments for it: a count of frames (``*_frames``, ``min_hits``) is an int
            >= 0, all else 0 to 1.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A setting out of range.
    """

    auto_device = "cpu"
    algorithm: ClassVar[str]
    preload = ("numpy", "scipy.optimize")

    def __init__(self, settings: Mapping[str, float], /, **options: Any) -> None:
        super().__init__(**options)
        for key, value in settings.items():
            is_count = key.endswith("_frames") or key == "min_hits"
            least = 1 if key == "momentum_frames" else 0
            if not (value >= least and (float(value).is_integer() if is_count else value <= 1)):
                want = f"an int >= {least}" if is_count else "0 to 1"
                raise GraphError(f"{self.name!r}: got {key}={value!r}, want {want}")
        self.settings = dict(settings)

    def make_state(self, stream: str) -> Tracker:
        """Return a tracker that knows nobody."""
        from videoflow.vision import trackers  # scipy: only where tracks are made

        made: Tracker = getattr(trackers, self.algorithm)(**self.settings)
        return made

    def process(self, state: Tracker, *inputs: Any) -> Tracks | None:
        """Return the tracks of one frame.

        Args:
            state: The stream's tracker.
            *inputs: The detections, or None where nobody looked. Then, in any order, what
                speaks for every frame: ``CameraMotion``, whose warp the tracker gets, or
                anything else with a ``stamp``; each may be None.
        """
        detections: Detections | None = wanted_input(
            self.name, inputs, 0, Detections, NoneType, help="the detector goes first"
        )
        beside = [value for value in inputs[1:] if value is not None]
        warp = next((value.warp for value in beside if isinstance(value, CameraMotion)), None)
        if detections is not None:
            return state.update(detections, warp=warp)
        return state.coast(beside[0].stamp, warp=warp) if beside else None


def above(track_threshold: float, new_track_threshold: float | None) -> float:
    """Return ``new_track_threshold``, or where it is None ``track_threshold`` + 0.1."""
    if new_track_threshold is not None:
        return new_track_threshold
    return min(1.0, round(track_threshold + 0.1, 6))
