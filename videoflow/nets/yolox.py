"""YOLOX: a one-stage detector without anchors, in its six sizes.

The network only: pictures of any size that is a multiple of 32 in, boxes and logits out.
Batch normalisation is folded, so a layer is one convolution and a SiLU. Modules are defined
in the order in which they run, because that order is how stored weights find them.

Source: Ge et al., *YOLOX: Exceeding YOLO Series in 2021*, arXiv:2107.08430; its backbone,
CSPDarknet with a path aggregation network, from Bochkovskiy et al., *YOLOv4*,
arXiv:2004.10934.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from videoflow.errors import ModelError, ShapeError
from videoflow.nets.conv_weights import ConvWeights
from videoflow.nets.onnx_weights import read_convolutions
from videoflow.nets.predictions import Predictions
from videoflow.nets.yolox_blocks import (
    ConvBlock,
    CspStage,
    PyramidPooling,
    Stem,
    spatial_block,
)
from videoflow.nets.yolox_checkpoint import official_layers, read_checkpoint
from videoflow.nets.yolox_places import STRIDES, decode_boxes, make_places

__all__ = [
    "YoloX",
    "YoloXSize",
    "load_yolox",
    "yolox_l",
    "yolox_m",
    "yolox_nano",
    "yolox_s",
    "yolox_tiny",
    "yolox_x",
]

_WRONG_SIZE: Final = "model and labels must be those that the weights were trained for"


@dataclass(frozen=True, slots=True)
class YoloXSize:
    """What distinguishes the members of the family.

    Attributes:
        depth: Factor of the number of blocks in a stage.
        width: Factor of the number of channels.
        is_depthwise: The 3 x 3 convolutions are split into depthwise and pointwise ones.
    """

    depth: float
    width: float
    is_depthwise: bool = False


class YoloX(nn.Module):
    """The network, with random weights.

    Args:
        size: Which member of the family.
        num_classes: Length of the label list.
    """

    def __init__(self, size: YoloXSize, *, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.backbone = _Backbone(size)
        self.neck = _Neck(size)
        self.heads = nn.ModuleList(
            _Head(int(channels * size.width), size, num_classes=num_classes)
            for channels in (256, 512, 1024)
        )
        self._places: dict[tuple[int, int, torch.device], Tensor] = {}

    def forward(self, images: Tensor) -> Predictions:
        """Predict boxes, in pixels of ``images``.

        Args:
            images: float ``[N, 3, H, W]``, BGR, 0 to 255; H and W multiples of 32.

        Raises:
            ShapeError: A size that is no multiple of 32.
        """
        raw = self.raw(images)
        return raw._replace(boxes=decode_boxes(raw.boxes, self._places_for(images)))

    def raw(self, images: Tensor) -> Predictions:
        """Return what the convolutions give, before boxes are made of it.

        Boxes are offsets from the place's upper left corner in strides, and logarithms of
        sizes in strides. Rows go from the finest level to the coarsest, row by row.

        Args:
            images: See ``forward``.

        Raises:
            ShapeError: See ``forward``.
        """
        height, width = images.shape[-2:]
        if not height or not width or height % STRIDES[-1] or width % STRIDES[-1]:
            raise ShapeError(
                f"YOLOX: got images {list(images.shape)}, "
                f"want height and width to be multiples of {STRIDES[-1]}"
            )
        levels = self.neck(*self.backbone(images))
        parts = [head(level) for head, level in zip(self.heads, levels, strict=True)]
        classes, boxes, objectness = (
            torch.cat([_rows(part) for part in same], dim=1)
            for same in zip(*parts, strict=True)
        )
        return Predictions(boxes, objectness.squeeze(-1), classes)

    def _places_for(self, images: Tensor) -> Tensor:
        """Return float ``[A, 3]``: column, row and stride of every place, made once a size."""
        height, width = images.shape[-2:]
        key = (height, width, images.device)
        if key not in self._places:
            self._places[key] = make_places(height, width).to(images.device)
        return self._places[key]

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_places": {}}


def load_yolox(weights: Path, *, num_classes: int, size: YoloXSize) -> YoloX:
    """Build the network and fill it from a file, with batch normalisation folded.

    Args:
        weights: Of the same size and number of classes: an ONNX export (``.onnx``), or a
            checkpoint of the official code.
        num_classes: Length of the label list.
        size: Which member of the family.

    Returns:
        The network on the CPU in evaluation mode, ``channels_last``, without gradients.

    Raises:
        ModelError: The file does not fit the network; names the first layer that differs.
    """
    with torch.device("meta"):  # every number comes from the file: make up none before
        model = YoloX(size, num_classes=num_classes)
    layers = {n: m for n, m in model.named_modules() if isinstance(m, nn.Conv2d)}
    if weights.suffix == ".onnx":
        stored = read_convolutions(weights)
    else:
        stored = read_checkpoint(
            weights, official_layers(depth=size.depth, is_depthwise=size.is_depthwise)
        )
    if len(layers) != len(stored):
        raise ModelError(
            f"{weights}: got {len(stored)} convolutions, want {len(layers)}", help=_WRONG_SIZE
        )
    for (name, layer), came in zip(layers.items(), stored, strict=True):
        _fill(layer, came, where=f"{weights}, {came.name!r} for {name!r}")
    return model.requires_grad_(False).eval()


def _fill(layer: nn.Conv2d, came: ConvWeights, *, where: str) -> None:
    weight = came.weight
    if isinstance(layer, Stem) and weight.shape[1:] == (12, 3, 3):
        weight = Stem.from_focus(weight)
    if weight.shape != layer.weight.shape or len(came.bias) != layer.out_channels:
        raise ModelError(
            f"{where}: got weight {list(weight.shape)}, bias {list(came.bias.shape)}, "
            f"want {list(layer.weight.shape)}, [{layer.out_channels}]",
            help=_WRONG_SIZE,
        )
    layer.weight = nn.Parameter(weight.contiguous(memory_format=torch.channels_last))
    layer.bias = nn.Parameter(came.bias)


Factory = Callable[..., YoloX]
"""``factory(weights: Path, *, num_classes: int) -> YoloX``: what a model card names."""

yolox_nano: Factory = partial(load_yolox, size=YoloXSize(0.33, 0.25, is_depthwise=True))
"""Build YOLOX-nano from its weights file."""
yolox_tiny: Factory = partial(load_yolox, size=YoloXSize(0.33, 0.375))
"""Build YOLOX-tiny from its weights file."""
yolox_s: Factory = partial(load_yolox, size=YoloXSize(0.33, 0.5))
"""Build YOLOX-s from its weights file."""
yolox_m: Factory = partial(load_yolox, size=YoloXSize(0.67, 0.75))
"""Build YOLOX-m from its weights file."""
yolox_l: Factory = partial(load_yolox, size=YoloXSize(1.0, 1.0))
"""Build YOLOX-l from its weights file."""
yolox_x: Factory = partial(load_yolox, size=YoloXSize(1.33, 1.25))
"""Build YOLOX-x from its weights file."""


class _Backbone(nn.Module):
    """CSPDarknet: the picture at strides 8, 16 and 32."""

    def __init__(self, size: YoloXSize) -> None:
        super().__init__()
        width = int(64 * size.width)
        blocks = max(round(3 * size.depth), 1)
        split = size.is_depthwise

        def stage(channels: int, num_blocks: int, *, is_last: bool = False) -> nn.Sequential:
            return nn.Sequential(
                spatial_block(channels // 2, channels, stride=2, is_depthwise=split),
                PyramidPooling(channels) if is_last else nn.Identity(),
                CspStage(
                    channels,
                    channels,
                    num_blocks=num_blocks,
                    has_shortcut=not is_last,
                    is_depthwise=split,
                ),
            )

        self.stem = Stem(width)
        self.to_stride4 = stage(2 * width, blocks)
        self.to_stride8 = stage(4 * width, 3 * blocks)
        self.to_stride16 = stage(8 * width, 3 * blocks)
        self.to_stride32 = stage(16 * width, blocks, is_last=True)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fine = self.to_stride8(self.to_stride4(self.stem(images)))
        middle = self.to_stride16(fine)
        return fine, middle, self.to_stride32(middle)


class _Neck(nn.Module):
    """Path aggregation: what is seen coarsely goes to the fine levels, and back."""

    def __init__(self, size: YoloXSize) -> None:
        super().__init__()
        fine, middle, coarse = (int(c * size.width) for c in (256, 512, 1024))
        split = size.is_depthwise

        def stage(num_in: int, num_out: int) -> CspStage:
            return CspStage(
                num_in,
                num_out,
                num_blocks=round(3 * size.depth),
                has_shortcut=False,
                is_depthwise=split,
            )

        self.narrow_coarse = ConvBlock(coarse, middle)
        self.down_middle = stage(2 * middle, middle)
        self.narrow_middle = ConvBlock(middle, fine)
        self.down_fine = stage(2 * fine, fine)
        self.shrink_fine = spatial_block(fine, fine, stride=2, is_depthwise=split)
        self.up_middle = stage(2 * fine, middle)
        self.shrink_middle = spatial_block(middle, middle, stride=2, is_depthwise=split)
        self.up_coarse = stage(2 * middle, coarse)

    def forward(
        self, fine: Tensor, middle: Tensor, coarse: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        from_coarse = self.narrow_coarse(coarse)
        middle = self.down_middle(torch.cat((_double(from_coarse), middle), dim=1))
        from_middle = self.narrow_middle(middle)
        fine = self.down_fine(torch.cat((_double(from_middle), fine), dim=1))
        middle = self.up_middle(torch.cat((self.shrink_fine(fine), from_middle), dim=1))
        coarse = self.up_coarse(torch.cat((self.shrink_middle(middle), from_coarse), dim=1))
        return fine, middle, coarse


class _Head(nn.Module):
    """One level's classes, boxes and objectness, from two branches."""

    def __init__(self, num_in: int, size: YoloXSize, *, num_classes: int) -> None:
        super().__init__()
        width = int(256 * size.width)

        def branch() -> nn.Sequential:
            return nn.Sequential(
                *(spatial_block(width, width, is_depthwise=size.is_depthwise) for _ in range(2))
            )

        self.stem = ConvBlock(num_in, width)
        self.class_branch = branch()
        self.classes = nn.Conv2d(width, num_classes, 1)
        self.box_branch = branch()
        self.boxes = nn.Conv2d(width, 4, 1)
        self.objectness = nn.Conv2d(width, 1, 1)

    def forward(self, level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.stem(level)
        y = self.box_branch(x)
        return self.classes(self.class_branch(x)), self.boxes(y), self.objectness(y)


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def _rows(level: Tensor) -> Tensor:
    """Turn ``[N, C, H, W]`` into ``[N, H * W, C]``, which ``channels_last`` has for nothing."""
    return level.permute(0, 2, 3, 1).flatten(1, 2)
