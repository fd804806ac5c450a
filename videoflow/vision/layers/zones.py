"""Zones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from videoflow.data.zones import ZoneCounts
from videoflow.vision.layers.layer import Depth
from videoflow.vision.palette import zone_rgb
from videoflow.vision.scene import Scene

if TYPE_CHECKING:
    from videoflow.vision.canvas import Canvas
    from videoflow.vision.drawing import Pen

__all__ = ["ZoneLayer"]


class ZoneLayer:
    """Tints zones, with a bold rim for a moment after somebody came or went."""

    name: ClassVar[str] = "zones"
    kinds: ClassVar[tuple[type, ...]] = (ZoneCounts,)
    depth: ClassVar[Depth] = Depth.AREA

    def __init__(self) -> None:
        self._changed_at: dict[str, float] = {}  # zone -> pts_seconds

    def draw(self, scene: Scene, pen: Pen, canvas: Canvas) -> None:
        """Draw all zones."""
        now, style = scene.now_seconds, scene.style
        for counts in scene.new(ZoneCounts):
            self._changed_at |= dict.fromkeys((one.visit.zone for one in counts.events), now)
        for counts in scene.of(ZoneCounts):
            for number, (name, zone) in enumerate(counts.zones.items()):
                since = now - self._changed_at.get(name, -math.inf)
                pen.polygon(
                    canvas,
                    zone,
                    zone_rgb(number),
                    opacity=style.zone_opacity,
                    is_bright=0 <= since < style.flash_seconds,
                )
