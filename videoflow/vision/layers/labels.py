"""What is written beside an object."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from videoflow.data.detections import Detections, Tracks
from videoflow.data.speeds import Speeds
from videoflow.data.zones import ZoneCounts
from videoflow.vision.layers.layer import Depth
from videoflow.vision.layers.wording import duration, speed
from videoflow.vision.scene import Scene

if TYPE_CHECKING:
    from videoflow.vision.canvas import Canvas
    from videoflow.vision.drawing import Pen
    from videoflow.vision.style import LabelPart

__all__ = ["LabelLayer"]


_GAP = "  "


class LabelLayer:
    """Writes who each object is on a plate above its box."""

    name: ClassVar[str] = "labels"
    kinds: ClassVar[tuple[type, ...]] = (Tracks, Detections, Speeds, ZoneCounts)
    depth: ClassVar[Depth] = Depth.TEXT

    def draw(self, scene: Scene, pen: Pen, canvas: Canvas) -> None:
        """Write all labels, where they do not cover each other if there is such a place."""
        known = _Known(scene)
        for objects in scene.objects:
            parts = scene.style.detection_label
            if isinstance(objects.of, Tracks):
                parts = scene.style.track_label
            for row, (box, rgb) in enumerate(
                zip(objects.of.boxes_xyxy, objects.rgbs, strict=True)
            ):
                text = known.text(objects.of, row, parts)
                if text:
                    pen.box_label(canvas, text, box, rgb, places=scene.places)


class _Known:
    """What can be said of an object."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._speeds: dict[int, float] = {}  # id -> metres per second
        self._dwells: dict[int, float] = {}  # id -> seconds
        for speeds in scene.of(Speeds):
            self._speeds |= zip(speeds.ids.tolist(), speeds.speeds_mps.tolist(), strict=True)
        for counts in scene.of(ZoneCounts):
            self._dwells |= {visit.track_id: visit.dwell_seconds for visit in counts.visits}

    def text(self, of: Tracks | Detections, row: int, parts: tuple[LabelPart, ...]) -> str:
        words = (self._word(of, row, part) for part in parts)
        return _GAP.join(word for word in words if word)

    def _word(self, of: Tracks | Detections, row: int, part: LabelPart) -> str:
        if part == "class":
            return self._scene.class_name(int(of.labels[row]))
        if part == "score":
            return f"{of.scores[row]:.2f}"
        if isinstance(of, Detections):
            return ""
        track_id = int(of.ids[row])
        if part == "id":
            return str(track_id)
        if part == "speed":
            return speed(self._speeds.get(track_id, math.nan), self._scene.style.speed_unit)
        return duration(self._dwells.get(track_id, math.nan))
