"""Camera motion from the pictures: ``vision.camera_motion.estimate_warp`` as a node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from videoflow.core.node import PerStreamProcessorNode
from videoflow.data.camera_motion import CameraMotion
from videoflow.errors import GraphError

if TYPE_CHECKING:
    from videoflow.data import Frame

__all__ = ["CameraMotionEstimator", "LastPicture"]

_LEAST_SIDE_PX = 16  # of the plane that is looked at


@dataclass(slots=True)
class LastPicture:
    """What one stream showed.

    Attributes:
        plane: uint8 ``[h, w]``, brightness of the frame before; None before the first.
    """

    plane: NDArray[np.uint8] | None = None


class CameraMotionEstimator(PerStreamProcessorNode[LastPicture]):
    """Say how the picture shifted between each two frames of a stream.

    For a tracker and a camera that turns: ``BotSortTracker()(people, motion)`` with
    ``motion = CameraMotionEstimator()(cameras)``. Shifts only, no turn and no zoom; see
    ``vision.camera_motion.estimate_warp``. The first frame, and one of another size than the
    one before, has not moved.

    Args:
        step_px: Look at one pixel in so many, each way; fewer are quicker and less exact. In
            small pictures it is less, so that 16 are left.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: ``step_px`` is below 1.
    """

    preload = ("numpy", "torch")

    def __init__(self, *, step_px: int = 4, **options: Any) -> None:
        super().__init__(**options)
        if step_px < 1:
            raise GraphError(f"{self.name!r}: got step_px={step_px}, want 1 or more")
        self.step_px = step_px

    def make_state(self, stream: str) -> LastPicture:
        """Return the memory of a stream that has shown nothing."""
        return LastPicture()

    def process(self, state: LastPicture, *inputs: Any) -> CameraMotion:
        """Return the motion that led to one frame.

        Args:
            state: Of the stream.
            *inputs: The frame.
        """
        from videoflow.vision.camera_motion import estimate_warp

        frame: Frame = inputs[0]
        step = max(1, min(self.step_px, min(frame.size_hw) // _LEAST_SIDE_PX))
        before, state.plane = state.plane, _brightness(frame, step)
        if before is None or before.shape != state.plane.shape:
            return CameraMotion(frame.stamp, np.eye(2, 3))
        warp = estimate_warp(before, state.plane)
        warp[:, 2] *= step
        return CameraMotion(frame.stamp, warp)


def _brightness(frame: Frame, step: int) -> NDArray[np.uint8]:
    """Return one pixel in ``step`` of the luma, or of the green that is most of it."""
    height = frame.size_hw[0]
    plane = frame.pixels[:height] if frame.layout == "nv12" else frame.pixels[1]
    thinned: NDArray[np.uint8] = plane[::step, ::step].cpu().numpy().copy()
    return thinned
