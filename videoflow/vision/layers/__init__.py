"""What an annotator draws: a file for each kind of thing, and a list of them."""

from videoflow.vision.layers.built_in import DEFAULT_LAYERS, LAYERS, pick_layers
from videoflow.vision.layers.layer import Depth, Layer

__all__ = ["DEFAULT_LAYERS", "LAYERS", "Depth", "Layer", "pick_layers"]
