"""The pixels of each object."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from videoflow.data.detections import Detections, Tracks
from videoflow.vision.layers.layer import Depth
from videoflow.vision.scene import Scene

if TYPE_CHECKING:
    from videoflow.vision.canvas import Canvas
    from videoflow.vision.drawing import Pen

__all__ = ["MaskLayer"]


class MaskLayer:
    """Tints the pixels of each object that has a mask."""

    name: ClassVar[str] = "masks"
    kinds: ClassVar[tuple[type, ...]] = (Tracks, Detections)
    depth: ClassVar[Depth] = Depth.AREA

    def draw(self, scene: Scene, pen: Pen, canvas: Canvas) -> None:
        """Tint what belongs to an object in its colour."""
        for objects in scene.objects:
            masks = objects.of.masks
            if masks is None:
                continue
            corners = masks.corners_xy.tolist()
            for crop, (x, y), rgb in zip(masks.crops, corners, objects.rgbs, strict=True):
                pen.mask(canvas, crop, (x, y), rgb, opacity=scene.style.mask_opacity)
