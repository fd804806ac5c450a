"""Counting lines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from videoflow.data.counts import Counts
from videoflow.vision.layers.layer import Depth
from videoflow.vision.palette import LINE
from videoflow.vision.scene import Scene

if TYPE_CHECKING:
    from videoflow.vision.canvas import Canvas
    from videoflow.vision.drawing import Pen

__all__ = ["LineLayer"]


class LineLayer:
    """Draws counting lines, bright for a moment after a crossing."""

    name: ClassVar[str] = "lines"
    kinds: ClassVar[tuple[type, ...]] = (Counts,)
    depth: ClassVar[Depth] = Depth.SHAPE

    def __init__(self) -> None:
        self._crossed_at: dict[str, float] = {}  # line -> pts_seconds

    def draw(self, scene: Scene, pen: Pen, canvas: Canvas) -> None:
        """Draw all lines."""
        now = scene.now_seconds
        for counts in scene.new(Counts):
            self._crossed_at |= dict.fromkeys((one.line for one in counts.crossings), now)
        for counts in scene.of(Counts):
            for name, line in counts.lines.items():
                since = now - self._crossed_at.get(name, -math.inf)
                pen.line(canvas, line, LINE, is_bright=0 <= since < scene.style.flash_seconds)
