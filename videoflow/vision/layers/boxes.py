"""The outlines of what was found or is followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from videoflow.data.detections import Detections, Tracks
from videoflow.vision.layers.layer import Depth
from videoflow.vision.scene import Scene

if TYPE_CHECKING:
    from videoflow.vision.canvas import Canvas
    from videoflow.vision.drawing import Pen

__all__ = ["BoxLayer"]


class BoxLayer:
    """Draws a box around each object."""

    name: ClassVar[str] = "boxes"
    kinds: ClassVar[tuple[type, ...]] = (Tracks, Detections)
    depth: ClassVar[Depth] = Depth.SHAPE

    def draw(self, scene: Scene, pen: Pen, canvas: Canvas) -> None:
        """Draw the boxes of all objects."""
        for objects in scene.objects:
            for box, rgb in zip(objects.of.boxes_xyxy, objects.rgbs, strict=True):
                pen.box(canvas, box, rgb)
