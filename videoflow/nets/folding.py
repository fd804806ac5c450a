"""Batch normalisation that no longer learns is a part of the convolution before it."""

from __future__ import annotations

from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

__all__ = ["fold_batch_norms"]


def fold_batch_norms(network: nn.Module) -> None:
    """Multiply each batch normalisation into the convolution that stands right before it.

    "Before" is the order in which a module names its parts, which is that of the calls in the
    networks this is used for; their tests compare what comes out.

    Args:
        network: In evaluation mode; is changed.
    """
    for module in list(network.modules()):
        for (name, layer), (next_name, norm) in pairwise(list(module.named_children())):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(layer, norm))
                setattr(module, next_name, nn.Identity())
