"""The boxes that a detection network starts from, made once for a size of input."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator, DefaultBoxGenerator
from torchvision.models.detection.image_list import ImageList

from videoflow.nets.torchvision.selecting import exact

__all__ = ["Anchors"]


class Anchors:
    """Remembers the anchors of the size seen last: a video keeps its size.

    Args:
        generator: Of the model.
    """

    def __init__(self, generator: AnchorGenerator | DefaultBoxGenerator) -> None:
        self._generator: nn.Module = generator
        self._key: object = None
        self._anchors = torch.empty(0, 4)

    def __call__(self, images: Tensor, levels: Sequence[Tensor]) -> Tensor:
        """Return float32 ``[A, 4]``, left, top, right, bottom in pixels of the input.

        Args:
            images: float ``[N, 3, H, W]``.
            levels: What the network sees at its levels, float ``[N, C, h, w]`` each.
        """
        key = (images.shape[2:], images.dtype, images.device)
        if key != self._key:
            sizes = [exact(level[:1, :1]) for level in levels]
            picture = ImageList(images[:1], [tuple(images.shape[2:])])
            (self._anchors,) = self._generator(picture, sizes)
            self._key = key
        return self._anchors
