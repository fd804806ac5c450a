"""What one convolution has learned, and how the normalisation after it is folded into it."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

__all__ = ["ConvWeights", "fold_normalization"]


class ConvWeights(NamedTuple):
    """What one convolution has learned.

    Attributes:
        name: Where it was stored, for messages.
        weight: float32 ``[out, in / groups, height, width]``.
        bias: float32 ``[out]``.
    """

    name: str
    weight: Tensor
    bias: Tensor


def fold_normalization(  # noqa: PLR0913 - the five tensors and the constant of a layer
    weight: Tensor, *, gamma: Tensor, beta: Tensor, mean: Tensor, variance: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a convolution that also normalises its outputs.

    Args:
        weight: float ``[out, in / groups, height, width]``, of a convolution without bias.
        gamma: float ``[out]``, factor of the normalisation.
        beta: float ``[out]``, what it adds.
        mean: float ``[out]``, what it subtracts.
        variance: float ``[out]``, by the root of which it divides.
        eps: Added to the variance.

    Returns:
        float32 weight and bias.

    Source: Ioffe and Szegedy, *Batch Normalization*, arXiv:1502.03167, algorithm 2.
    """
    factor = gamma.double() / (variance.double() + eps).sqrt()
    folded = weight.double() * factor[:, None, None, None]
    return folded.float(), (beta.double() - mean.double() * factor).float()
