"""The blocks that YOLOX is made of; each is a convolution with a SiLU, or several of them.

What was measured on two cores with AVX-512 (nano, 320 x 416, batch 4, ms a frame):
``channels_last`` 8.2 to 13 without and 5.7 with; the stem as one strided convolution instead
of slices and a concatenation, 5.0; oneDNN's fused SiLU and packed weights (private operators
of torch) and ``torch.jit.optimize_for_inference`` brought nothing more.

Source: Wang et al., *CSPNet*, arXiv:1911.11929; He et al., *Spatial Pyramid Pooling*,
arXiv:1406.4729; Ge et al., *YOLOX*, arXiv:2107.08430.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["ConvBlock", "CspStage", "PyramidPooling", "Stem", "spatial_block"]


class ConvBlock(nn.Conv2d):
    """A convolution that keeps the size (or divides it by ``stride``), then a SiLU."""

    def __init__(
        self, num_in: int, num_out: int, kernel: int = 1, *, stride: int = 1, groups: int = 1
    ) -> None:
        padding = (kernel - 1) // 2
        super().__init__(num_in, num_out, kernel, stride, padding, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """Return float ``[N, out, H / stride, W / stride]``."""
        return F.silu(super().forward(x), inplace=True)


class Stem(ConvBlock):
    """The first layer: half the size, from three colours.

    YOLOX sorts each 2 x 2 pixels into 12 channels and runs a 3 x 3 convolution over them
    ("focus"). That is a 6 x 6 convolution of stride 2 over the pixels, with the same numbers
    in another order and without the sorting.
    """

    def __init__(self, num_out: int) -> None:
        super().__init__(3, num_out, 6, stride=2)

    @staticmethod
    def from_focus(weight: Tensor) -> Tensor:
        """Reorder ``[out, 12, 3, 3]`` over sorted channels to ``[out, 3, 6, 6]`` over pixels.

        The four groups of three channels are the pixels at the upper left, lower left,
        upper right and lower right.
        """
        groups = weight.reshape(-1, 2, 2, 3, 3, 3)  # [out, dx, dy, colour, y, x]
        return groups.permute(0, 3, 4, 2, 5, 1).reshape(-1, 3, 6, 6)


def spatial_block(
    num_in: int, num_out: int, *, stride: int = 1, is_depthwise: bool
) -> nn.Module:
    """Return a 3 x 3 convolution block, split in depthwise and pointwise if so wished."""
    if not is_depthwise:
        return ConvBlock(num_in, num_out, 3, stride=stride)
    return nn.Sequential(
        ConvBlock(num_in, num_in, 3, stride=stride, groups=num_in), ConvBlock(num_in, num_out)
    )


class _Bottleneck(nn.Module):
    def __init__(self, channels: int, *, has_shortcut: bool, is_depthwise: bool) -> None:
        super().__init__()
        self.mix = ConvBlock(channels, channels)
        self.spatial = spatial_block(channels, channels, is_depthwise=is_depthwise)
        self.has_shortcut = has_shortcut

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.spatial(self.mix(x))
        return y + x if self.has_shortcut else y


class CspStage(nn.Module):
    """Half of the channels go through bottlenecks, half around them."""

    def __init__(
        self,
        num_in: int,
        num_out: int,
        *,
        num_blocks: int,
        has_shortcut: bool,
        is_depthwise: bool,
    ) -> None:
        super().__init__()
        half = num_out // 2
        self.through = ConvBlock(num_in, half)
        self.around = ConvBlock(num_in, half)
        self.blocks = nn.Sequential(
            *(
                _Bottleneck(half, has_shortcut=has_shortcut, is_depthwise=is_depthwise)
                for _ in range(num_blocks)
            )
        )
        self.join = ConvBlock(2 * half, num_out)

    def forward(self, x: Tensor) -> Tensor:
        """Return float ``[N, out, H, W]``."""
        y: Tensor = self.join(torch.cat((self.blocks(self.through(x)), self.around(x)), dim=1))
        return y


class PyramidPooling(nn.Module):
    """See each place with its surroundings of 5, 9 and 13 pixels.

    A maximum over 9 is the maximum over 5 of the maximum over 5, so each pool feeds the next.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.reduce = ConvBlock(channels, half)
        self.pool = nn.MaxPool2d(5, stride=1, padding=2)
        self.join = ConvBlock(4 * half, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return float of the shape of ``x``."""
        views = [self.reduce(x)]
        for _ in range(3):
            views.append(self.pool(views[-1]))
        y: Tensor = self.join(torch.cat(views, dim=1))
        return y
