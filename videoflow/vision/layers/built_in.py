"""The layers that there are, and how some of them are picked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from videoflow.errors import GraphError
from videoflow.vision.layers.boxes import BoxLayer
from videoflow.vision.layers.heat import HeatLayer
from videoflow.vision.layers.keypoints import KeypointLayer
from videoflow.vision.layers.labels import LabelLayer
from videoflow.vision.layers.layer import Layer
from videoflow.vision.layers.lines import LineLayer
from videoflow.vision.layers.masks import MaskLayer
from videoflow.vision.layers.segmentation import SegmentationLayer
from videoflow.vision.layers.totals import TableLayer, TotalLayer
from videoflow.vision.layers.trails import TrailLayer
from videoflow.vision.layers.zones import ZoneLayer

__all__ = ["DEFAULT_LAYERS", "LAYERS", "pick_layers"]

_ALL: Final[tuple[type[Layer], ...]] = (
    SegmentationLayer,
    HeatLayer,
    ZoneLayer,
    MaskLayer,
    LineLayer,
    TrailLayer,
    BoxLayer,
    KeypointLayer,
    TableLayer,
    TotalLayer,
    LabelLayer,  # last, so that it goes out of the way of the others
)

LAYERS: Final[dict[str, type[Layer]]] = {layer.name: layer for layer in _ALL}
"""Name to layer, those of equal depth in the order in which they are drawn."""

DEFAULT_LAYERS: Final[tuple[str, ...]] = tuple(name for name in LAYERS if name != "table")
"""What is drawn where nobody says otherwise: the table would tell the totals twice."""


def pick_layers(picked: Sequence[str | type[Layer]]) -> tuple[type[Layer], ...]:
    """Return layers in the order in which they are drawn.

    Args:
        picked: Names of layers, and classes of your own, in any order.

    Raises:
        GraphError: A name that there is not, or something that is no layer.
    """
    layers = [LAYERS.get(one, None) if isinstance(one, str) else one for one in picked]
    for one, layer in zip(picked, layers, strict=True):
        if not all(hasattr(layer, name) for name in ("name", "kinds", "depth", "draw")):
            raise GraphError(
                f"layers: got {one!r}, want any of {', '.join(LAYERS)}, or a class with "
                "name, kinds, depth and draw()",
                help="docs/annotating.md shows a layer of one's own",
            )
    order = list(LAYERS.values())
    found = [layer for layer in layers if layer is not None]
    return tuple(
        sorted(
            found,
            key=lambda layer: (
                layer.depth,
                order.index(layer) if layer in order else len(order),
            ),
        )
    )
