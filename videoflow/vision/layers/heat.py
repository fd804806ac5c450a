"""Where people stood."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from videoflow.data.heat_map import HeatMap
from videoflow.vision.layers.layer import Depth
from videoflow.vision.palette import HEAT
from videoflow.vision.scene import Scene

if TYPE_CHECKING:
    from videoflow.vision.canvas import Canvas
    from videoflow.vision.drawing import Pen

__all__ = ["HeatLayer"]


class HeatLayer:
    """Colours where people stood, clear where nobody did.

    The colour tells the square root of a cell's share of the hottest one's seconds: one place
    where somebody waited would else be all that is seen.
    """

    name: ClassVar[str] = "heat"
    kinds: ClassVar[tuple[type, ...]] = (HeatMap,)
    depth: ClassVar[Depth] = Depth.GROUND

    def draw(self, scene: Scene, pen: Pen, canvas: Canvas) -> None:
        """Colour the picture."""
        top = len(HEAT) - 1
        opacities = scene.style.heat_opacity * np.sqrt(np.linspace(0, 1, top + 1))
        for heat in scene.of(HeatMap):
            hottest = heat.seconds.max(initial=0)
            if hottest > 0:
                share = np.sqrt(np.clip(heat.seconds, 0, None) / hottest)
                levels = np.rint(top * share).astype(np.uint8)
                pen.wash(canvas, levels, HEAT, opacities.tolist(), cell_px=heat.cell_px)
