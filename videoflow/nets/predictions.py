"""What a dense one-stage network says about a batch: the form ``cxcywh_logits`` of a card."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

__all__ = ["Predictions"]


class Predictions(NamedTuple):
    """One row for each of the A places of the network's grids; N pictures, C classes.

    Attributes:
        boxes: float ``[N, A, 4]``, centre x, centre y, width, height in input pixels.
        objectness: float ``[N, A]``, logit of "there is something".
        classes: float ``[N, A, C]``, logit of each class, given that there is something.
    """

    boxes: Tensor
    objectness: Tensor
    classes: Tensor
