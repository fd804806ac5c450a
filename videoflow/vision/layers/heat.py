"""Where people stood."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

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

    Neighbouring cells are evened out. The colour tells the square root of a cell's share of
    the hottest one's seconds: one place where somebody waited would else be all that is seen.
    """

    name: ClassVar[str] = "heat"
    kinds: ClassVar[tuple[type, ...]] = (HeatMap,)
    depth: ClassVar[Depth] = Depth.GROUND

    def draw(self, scene: Scene, pen: Pen, canvas: Canvas) -> None:
        """Colour the picture."""
        top = len(HEAT) - 1
        opacities = scene.style.heat_opacity * np.sqrt(np.linspace(0, 1, top + 1))
        for heat in scene.of(HeatMap):
            seconds = _smooth(np.clip(heat.seconds, 0, None))
            hottest = seconds.max(initial=0)
            if hottest > 0:
                share = np.sqrt(seconds / hottest)
                levels = np.rint(top * share).astype(np.uint8)
                pen.wash(canvas, levels, HEAT, opacities.tolist(), cell_px=heat.cell_px)


def _smooth(cells: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return ``[R, C]`` with each cell shared with its neighbours, 1 : 2 : 1, twice."""
    for _ in range(2):
        rows = np.pad(cells, ((1, 1), (0, 0)), mode="edge")
        cells = (rows[:-2] + 2 * rows[1:-1] + rows[2:]) / 4
        columns = np.pad(cells, ((0, 0), (1, 1)), mode="edge")
        cells = (columns[:, :-2] + 2 * columns[:, 1:-1] + columns[:, 2:]) / 4
    return cells
