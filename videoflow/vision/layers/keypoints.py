"""Joints and bones."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from videoflow.data.detections import Detections, Tracks
from videoflow.vision.layers.layer import Depth
from videoflow.vision.palette import RGB, WHITE
from videoflow.vision.scene import Scene
from videoflow.vision.skeletons import COCO_SKELETON, Bones

if TYPE_CHECKING:
    from videoflow.vision.canvas import Canvas
    from videoflow.vision.drawing import Pen

__all__ = ["KeypointLayer"]

_NUM_COCO_KEYPOINTS = 17


class KeypointLayer:
    """Draws the keypoints of each object, and the bones between them."""

    name: ClassVar[str] = "keypoints"
    kinds: ClassVar[tuple[type, ...]] = (Tracks, Detections)
    depth: ClassVar[Depth] = Depth.SHAPE

    def draw(self, scene: Scene, pen: Pen, canvas: Canvas) -> None:
        """Draw the skeletons of all objects that have keypoints."""
        for objects in scene.objects:
            keypoints = objects.of.keypoints
            if keypoints is None:
                continue
            bones = _bones(scene.style.skeleton, keypoints.shape[1])
            for points, rgb in zip(keypoints, objects.rgbs, strict=True):
                is_seen = points[:, 2] >= scene.style.min_keypoint_score
                _draw_one(pen, canvas, points[:, :2].astype(np.float64), is_seen, bones, rgb)


def _bones(skeleton: Bones | None, num_keypoints: int) -> NDArray[np.intp]:
    if skeleton is None:
        skeleton = COCO_SKELETON if num_keypoints == _NUM_COCO_KEYPOINTS else ()
    bones = np.array(skeleton, np.intp).reshape(-1, 2)
    return bones[(bones < num_keypoints).all(axis=1)]


def _draw_one(  # noqa: PLR0913 - a helper of the loop above
    pen: Pen,
    canvas: Canvas,
    points_xy: NDArray[np.float64],
    is_seen: NDArray[np.bool_],
    bones: NDArray[np.intp],
    rgb: RGB,
) -> None:
    pen.segments(canvas, points_xy[bones[is_seen[bones].all(axis=1)]], rgb, width=1.5)
    pen.dots(canvas, points_xy[is_seen], rgb, width=3.5)
    pen.dots(canvas, points_xy[is_seen], WHITE, width=1.5)
