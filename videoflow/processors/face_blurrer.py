"""Makes the faces in a picture unrecognisable."""

from __future__ import annotations

import math
from types import NoneType
from typing import TYPE_CHECKING, Any

from videoflow.core.node import PerStreamProcessorNode
from videoflow.core.wanted import wanted_input
from videoflow.data.detections import Detections, Tracks
from videoflow.data.frame import Frame
from videoflow.errors import GraphError

if TYPE_CHECKING:
    from videoflow.vision.blurring import BlurMethod
    from videoflow.vision.faces import FaceMemory, FaceRegion

__all__ = ["FaceBlurrer"]

_REGIONS = ("auto", "head", "box")
_METHODS = ("pixelate", "smooth")
_WIRING = "FaceBlurrer()(frames, people)"


class FaceBlurrer(PerStreamProcessorNode["FaceMemory"]):
    """Hide faces in a copy of each frame, which keeps its layout and its device.

    ``FaceBlurrer()(frames, people)``, with detections or tracks of people, or of faces with
    ``region="box"``. Every box is hidden, whatever its score and label: the detector is where
    these are chosen, and a low score threshold hides more.

    No frame goes on with a face that was known a moment ago: one that is missed stays hidden
    for ``hold_seconds``; where the input is ``None`` (nobody looked at this frame) all stay
    hidden where they were last seen, and their regions grow; before anybody has looked, the
    whole picture is hidden. What the detector never finds cannot be hidden.

    Args:
        region: What is hidden. ``box``: the boxes. ``head``: the upper 30 % of each box, or
            more of a wide one. ``auto``: the head where the people have COCO's 17 keypoints,
            else as ``head``. See ``vision.faces.face_regions``.
        method: ``pixelate`` or ``smooth``; both leave only the mean colours of a few cells.
        num_cells: So many cells along a region's longer side; 1 leaves one colour.
        margin: What is added to a region on each side, as a share of its side.
        hold_seconds: For how long a face that is no longer found stays hidden.
        growth_per_second: By what share of its side the region of a face that is not seen
            grows on each side. Somebody who walks across the picture needs 3.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A value that makes no sense.
    """

    preload = ("torch", "numpy", "scipy.optimize")

    def __init__(  # noqa: PLR0913 - one for each thing that can be chosen, all optional
        self,
        *,
        region: FaceRegion = "auto",
        method: BlurMethod = "pixelate",
        num_cells: int = 5,
        margin: float = 0.1,
        hold_seconds: float = 0.5,
        growth_per_second: float = 3.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        for key, choice, choices in (
            ("region", region, _REGIONS),
            ("method", method, _METHODS),
        ):
            if choice not in choices:
                want = " or ".join(map(repr, choices))
                raise GraphError(f"{self.name!r}: got {key}={choice!r}, want {want}")
        if not isinstance(num_cells, int) or isinstance(num_cells, bool) or num_cells < 1:
            raise GraphError(f"{self.name!r}: got num_cells={num_cells!r}, want an int >= 1")
        for key, value in (
            ("margin", margin),
            ("hold_seconds", hold_seconds),
            ("growth_per_second", growth_per_second),
        ):
            if not 0 <= value < math.inf:
                raise GraphError(f"{self.name!r}: got {key}={value!r}, want 0 or more")
        self.region: FaceRegion = region
        self.method: BlurMethod = method
        self.num_cells = num_cells
        self.margin = margin
        self.hold_seconds = hold_seconds
        self.growth_per_second = growth_per_second

    def make_state(self, stream: str) -> FaceMemory:
        """Return a memory that hides the whole picture until somebody has looked."""
        from videoflow.vision.faces import FaceMemory  # scipy: only where faces are hidden

        return FaceMemory(
            hold_seconds=self.hold_seconds, growth_per_second=self.growth_per_second
        )

    def process(self, state: FaceMemory, *inputs: Any) -> Frame:
        """Return the frame with its faces hidden.

        Args:
            state: Of the stream.
            *inputs: The frame; detections, tracks or None.

        Raises:
            GraphError: Something else.
        """
        from videoflow.vision.blurring import blur_regions  # torch: in the worker
        from videoflow.vision.faces import face_regions

        frame: Frame = wanted_input(self.name, inputs, 0, Frame, help=_WIRING)
        people: Detections | Tracks | None = wanted_input(
            self.name, inputs, 1, Detections, Tracks, NoneType, help=_WIRING
        )
        found = (
            None
            if people is None
            else face_regions(people, region=self.region, margin=self.margin)
        )
        regions = state.update(found, now_seconds=frame.pts_seconds, size_hw=frame.size_hw)
        source = frame.pixels
        target = self.slot_tensor(tuple(source.shape)).copy_(source)
        blur_regions(
            target, frame.layout, regions, method=self.method, num_cells=self.num_cells
        )
        return Frame(target, frame.stamp, frame.layout, frame.color)
