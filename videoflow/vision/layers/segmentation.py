"""What each pixel is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from videoflow.data.segmentation import Segmentation
from videoflow.vision.layers.layer import Depth
from videoflow.vision.palette import track_rgb
from videoflow.vision.scene import Scene

if TYPE_CHECKING:
    from videoflow.vision.canvas import Canvas
    from videoflow.vision.drawing import Pen

__all__ = ["SegmentationLayer"]

_CLASS_RGBS: Final = tuple(map(track_rgb, range(256)))


class SegmentationLayer:
    """Colours each pixel by its class."""

    name: ClassVar[str] = "segmentation"
    kinds: ClassVar[tuple[type, ...]] = (Segmentation,)
    depth: ClassVar[Depth] = Depth.GROUND

    def draw(self, scene: Scene, pen: Pen, canvas: Canvas) -> None:
        """Colour all classes but the clear ones."""
        style = scene.style
        opacities = [
            0.0 if index in style.clear_classes else style.segmentation_opacity
            for index in range(len(_CLASS_RGBS))
        ]
        for segmentation in scene.of(Segmentation):
            pen.wash(canvas, segmentation.class_map, _CLASS_RGBS, opacities)
