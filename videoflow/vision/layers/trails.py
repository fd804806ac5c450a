"""The ways that tracks came."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from videoflow.data.detections import Tracks
from videoflow.vision.layers.layer import Depth
from videoflow.vision.scene import Scene

if TYPE_CHECKING:
    from videoflow.vision.canvas import Canvas
    from videoflow.vision.drawing import Pen

__all__ = ["TrailLayer"]

_MAX_POINTS = 512


class TrailLayer:
    """Draws where the feet of each track were in the last seconds, fading with age."""

    name: ClassVar[str] = "trails"
    kinds: ClassVar[tuple[type, ...]] = (Tracks,)
    depth: ClassVar[Depth] = Depth.SHAPE

    def __init__(self) -> None:
        self._trails: dict[int, deque[tuple[float, float, float]]] = {}  # id -> (seconds, x, y)

    def draw(self, scene: Scene, pen: Pen, canvas: Canvas) -> None:
        """Draw the trails of the tracks that are seen."""
        if not scene.style.trail_seconds:
            return
        for tracks in scene.new(Tracks):
            self._extend(
                tracks, scene.now_seconds - scene.style.trail_seconds, scene.now_seconds
            )
        for objects in scene.objects:
            if not isinstance(objects.of, Tracks):
                continue
            for track_id, rgb in zip(objects.of.ids.tolist(), objects.rgbs, strict=True):
                trail = np.array(self._trails.get(track_id, ()))
                if len(trail) > 1:
                    ages = (scene.now_seconds - trail[1:, 0]) / scene.style.trail_seconds
                    pen.trail(canvas, trail[:, 1:], rgb, opacities=np.clip(1 - ages, 0, 1))

    def _extend(self, tracks: Tracks, oldest_seconds: float, now_seconds: float) -> None:
        for track_id, box in zip(tracks.ids.tolist(), tracks.boxes_xyxy.tolist(), strict=True):
            if np.isfinite(box).all():
                trail = self._trails.setdefault(track_id, deque(maxlen=_MAX_POINTS))
                trail.append((now_seconds, (box[0] + box[2]) / 2, box[3]))
        for track_id, trail in list(self._trails.items()):
            while trail and not oldest_seconds <= trail[0][0] <= now_seconds:
                trail.popleft()
            if not trail:
                del self._trails[track_id]
