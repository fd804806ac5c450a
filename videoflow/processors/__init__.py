"""Nodes that compute one output from the inputs of one frame."""

from videoflow.processors.crop_transformer import CropTransformer
from videoflow.processors.mask_transformer import MaskTransformer
from videoflow.processors.resize_transformer import ResizeTransformer

__all__ = ["CropTransformer", "MaskTransformer", "ResizeTransformer"]
