"""Histograms of oriented gradients and a linear classifier: people without a network's cost.

A window of 64 x 128 pixels is described by the directions of the edges in it, and scored by
one scalar product; here for all windows of a picture at once, as a convolution. Some more
products say where in the window the person is. The numbers are those of a file; which people
they know is for the model's card to say.

Source: Dalal and Triggs, *Histograms of Oriented Gradients for Human Detection*, CVPR 2005;
the refinement of boxes is that of Girshick et al., *Rich feature hierarchies*, CVPR 2014,
appendix C.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from videoflow.errors import ModelError
from videoflow.nets.predictions import Predictions

__all__ = [
    "BLOCKS_HW",
    "BODY_WH",
    "NUM_CHANNELS",
    "WINDOW_HW",
    "HogDetector",
    "Windows",
    "hog_blocks",
    "hog_detector",
    "pyramid",
]

WINDOW_HW: Final = (128, 64)
"""Height and width of a window in pixels."""

BODY_WH: Final = (44.0, 96.0)
"""Width and height of the person in the middle of a window, before it is refined."""

BLOCKS_HW: Final = (15, 7)
"""Blocks in a window, down and across."""

NUM_CHANNELS: Final = 36
"""Of a block: nine directions in each of its four cells."""

_CELL: Final = 8
_BINS: Final = 9
_SCALE_STEP: Final = 1.2
_MARGIN: Final = 24
"""So far beyond the picture a window may reach at its level, in pixels."""

_CERTAIN: Final = 30.0  # the logit of the only class
_FILTERS: Final = 5  # the score; centre x and y, and the logarithms of width and height


class Windows(NamedTuple):
    """All windows of one level of the pyramid; N pictures, ``h`` x ``w`` windows in each.

    Attributes:
        blocks: float ``[N, 36, h + 14, w + 6]``, see ``hog_blocks``.
        bodies: float ``[h * w, 4]``, centre x, centre y, width and height, in pixels of the
            picture, of who is in the middle of each window; row by row.
    """

    blocks: Tensor
    bodies: Tensor


def hog_blocks(grey: Tensor) -> Tensor:
    """Describe pictures by their edges.

    Gradients are differences of the pixels on both sides. Each votes with its length for the
    two nearest of nine directions (0 to 180 degrees) in the four nearest cells of 8 x 8
    pixels. Two by two cells are a block; its 36 numbers are scaled to length 1, cut off at
    0.2, and scaled again (L2-Hys).

    Args:
        grey: float ``[N, H, W]``, H and W multiples of 8, at least 16. Its rim has no gradient.

    Returns:
        float ``[N, 36, H / 8 - 1, W / 8 - 1]``; channel ``9 * cell + direction``, the cells
        from left to right and down.
    """
    cells = _cells(grey)
    blocks = torch.cat(
        (cells[..., :-1, :-1], cells[..., :-1, 1:], cells[..., 1:, :-1], cells[..., 1:, 1:]),
        dim=1,
    )
    # The constants of Dalal's own program: what is flat stays near 0.
    scaled = blocks / (blocks.square().sum(1, keepdim=True) + 3.6**2).sqrt_()
    cut = scaled.clamp_(max=0.2)
    return cut / (cut.square().sum(1, keepdim=True) + 1e-6).sqrt_()


def pyramid(images: Tensor) -> list[Windows]:
    """Describe pictures at all sizes at which a window fits into them.

    Args:
        images: float ``[N, 3, H, W]``, RGB, 0 to 255.

    Returns:
        A level for each factor of 1.2, the largest pictures first; empty for pictures that
        are smaller than a window.
    """
    red, green, blue = images.unbind(1)
    # Square roots even out what light and shade do to edges.
    grey = (0.299 * red).add_(green, alpha=0.587).add_(blue, alpha=0.114)
    grey = grey.clamp_(min=0).sqrt_().mul_(16)[:, None]
    height, width = grey.shape[2:]
    fits = min((height + 2 * _MARGIN) / WINDOW_HW[0], (width + 2 * _MARGIN) / WINDOW_HW[1])
    if fits < 1:
        return []
    num_levels = 1 + int(math.log(fits) / math.log(_SCALE_STEP))
    return [_windows(grey, _SCALE_STEP**-level) for level in range(num_levels)]


class HogDetector(nn.Module):
    """Scores every window of every level.

    Args:
        filters: float ``[5, 36, 15, 7]``, for the logit of "a person", and for what is to be
            added to the body: shares of its width and height, and logarithms of factors.
        bias: float ``[5]``.
    """

    def __init__(self, filters: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.filters = nn.Parameter(filters, requires_grad=False)
        self.bias = nn.Parameter(bias, requires_grad=False)

    def forward(self, images: Tensor) -> Predictions:
        """Return a row for each window; see ``Predictions``.

        Args:
            images: float ``[N, 3, H, W]``, RGB, 0 to 255.
        """
        boxes = [images.new_zeros((len(images), 0, 4))]
        logits = [images.new_zeros((len(images), 0))]
        for blocks, bodies in pyramid(images):
            said = F.conv2d(blocks, self.filters, self.bias).flatten(2)  # [N, 5, A]
            shift, stretch = said[:, 1:3].transpose(1, 2), said[:, 3:].transpose(1, 2)
            centre = bodies[:, :2] + shift * bodies[:, 2:]
            size = bodies[:, 2:] * stretch.clamp(-0.7, 0.7).exp()
            boxes.append(torch.cat((centre, size), dim=2))
            logits.append(said[:, 0])
        objectness = torch.cat(logits, dim=1)
        classes = torch.full_like(objectness, _CERTAIN)[..., None]
        return Predictions(torch.cat(boxes, dim=1), objectness, classes)


def hog_detector(weights: Path, *, num_classes: int) -> HogDetector:
    """Build a detector from the arrays ``filters`` and ``bias`` of an ``.npz`` file.

    Args:
        weights: The file.
        num_classes: Has to be 1.

    Raises:
        ModelError: Another file, or more than one class.
    """
    if num_classes != 1:
        raise ModelError(f"a HOG detector: got {num_classes} classes, want 1")
    try:
        with np.load(weights, allow_pickle=False) as arrays:
            filters, bias = (arrays[key].astype(np.float32) for key in ("filters", "bias"))
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{weights}: got no HOG filters: {error}") from error
    want = (_FILTERS, NUM_CHANNELS, *BLOCKS_HW)
    if filters.shape != want or bias.shape != want[:1]:
        raise ModelError(
            f"{weights}: got filters {list(filters.shape)} and bias {list(bias.shape)}, "
            f"want {list(want)} and [{_FILTERS}]"
        )
    return HogDetector(torch.from_numpy(filters), torch.from_numpy(bias)).eval()


def _windows(grey: Tensor, scale: float) -> Windows:
    """Describe one level; its pictures go on a little beyond their edges."""
    height, width = (round(side * scale) for side in grey.shape[2:])
    level = grey
    if scale != 1:
        level = F.interpolate(grey, (height, width), mode="bilinear", antialias=scale < 0.6)
    right, bottom = ((-(side + 2 * _MARGIN)) % _CELL + _MARGIN for side in (width, height))
    padded = F.pad(level, (_MARGIN, right, _MARGIN, bottom), mode="replicate")[:, 0]
    blocks = hog_blocks(padded)
    down, across = (blocks.shape[axis] - BLOCKS_HW[axis - 2] + 1 for axis in (2, 3))
    y = torch.arange(down, device=grey.device) * _CELL + WINDOW_HW[0] / 2 - _MARGIN
    x = torch.arange(across, device=grey.device) * _CELL + WINDOW_HW[1] / 2 - _MARGIN
    centres = torch.cartesian_prod(y, x).flip(1)
    sizes = torch.tensor(BODY_WH, device=grey.device).expand_as(centres)
    zoom = torch.tensor([grey.shape[3] / width, grey.shape[2] / height], device=grey.device)
    return Windows(blocks, torch.cat((centres * zoom, sizes * zoom), dim=1).to(grey.dtype))


def _cells(grey: Tensor) -> Tensor:
    """Return the votes in each cell, ``[N, 9, H / 8, W / 8]``; none come from the rim."""
    dx, dy = torch.zeros_like(grey), torch.zeros_like(grey)
    torch.sub(grey[:, :, 2:], grey[:, :, :-2], out=dx[:, :, 1:-1])
    torch.sub(grey[:, 2:], grey[:, :-2], out=dy[:, 1:-1])
    length = torch.hypot(dx, dy)
    # In bins; the middle of bin b is at b + 0.5. A line has no head: half a turn is none.
    place = torch.atan2(dy, dx).mul_(_BINS / math.pi).sub_(0.5).remainder_(_BINS)
    low = place.floor().clamp_(max=_BINS - 1)
    upper = place.sub_(low).mul_(length)
    votes = grey.new_zeros((len(grey), _BINS + 1, *grey.shape[1:]))
    bins = low.long()[:, None]
    votes.scatter_(1, bins, length.sub_(upper)[:, None])
    votes.scatter_(1, bins.add_(1), upper[:, None])
    cells = _pooled(_pooled(votes).mT).mT
    cells[:, 0] += cells[:, _BINS]  # the bin after the last one is the first one
    return cells[:, :_BINS]


def _pooled(votes: Tensor) -> Tensor:
    """Share rows of pixels out to rows of cells, by how near their middles are.

    Args:
        votes: ``[N, C, H, W]``.

    Returns:
        ``[N, C, H / 8, W]``; what belongs to cells outside is lost.
    """
    at = (torch.arange(_CELL, dtype=votes.dtype, device=votes.device) + 0.5) / _CELL
    before, after = (0.5 - at).clamp_(min=0), (at - 0.5).clamp_(min=0)
    shares = torch.stack((before, 1 - before - after, after))  # [3, 8]
    num, channels, height, width = votes.shape
    rows = votes.reshape(num, channels, height // _CELL, _CELL, width)
    parts = torch.matmul(shares, rows)  # [N, C, H / 8, 3, W]
    pooled = parts[:, :, :, 1].clone()
    pooled[:, :, :-1] += parts[:, :, 1:, 0]
    pooled[:, :, 1:] += parts[:, :, :-1, 2]
    return pooled
