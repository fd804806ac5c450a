"""Selection with shapes that are known before: no step waits for the host.

What ``nets.postprocess`` does on a CPU row by row is done here for a whole batch at once: all
places are sorted by score, the best so many of each image are compared in pairs, and who is
suppressed is found by repetition. Who is suppressed depends on who suppresses, so that a
round settles at least one more link of such chains; when a round changes nothing, the result
is the one of going through the boxes from the best to the worst. An image with more
candidates or longer chains than provided for is told, and settled on the host instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from videoflow.nets.predictions import Predictions
from videoflow.nets.stages import OnDevice

__all__ = ["StaticRows", "all_rows", "select_static", "settled_rows"]

MAX_CANDIDATES: Final = 1024
"""Of an image, to be settled on the device. Pairs cost its square in memory: 4 MiB a step."""

_NUM_ROUNDS: Final = 10
_GONE: Final = -1.0  # as a score: no candidate, or suppressed


class StaticRows(NamedTuple):
    """What was found in N images of A places, K of which were compared.

    A row is left, top, right, bottom, score, label; rows of an image go from the best score.

    Attributes:
        packed: float32 ``[N, 1 + K, 6]``. The first row of an image says how many candidates
            it has and whether they are settled (1 or 0); the others are rows, those that do
            not stay with the score -1.
        rows: float32 ``[N, A, 6]``, before overlaps are settled.
    """

    packed: Tensor
    rows: OnDevice


def select_static(  # noqa: PLR0913 - the parts of a selection, and two limits for tests
    predictions: Predictions,
    *,
    score_threshold: float,
    nms_threshold: float,
    class_indices: Sequence[int] | None,
    floor: float,
    max_candidates: int = MAX_CANDIDATES,
    num_rounds: int = _NUM_ROUNDS,
) -> StaticRows:
    """Select on the device of the predictions.

    Args:
        predictions: Of N images.
        score_threshold: Least score, 0 to 1.
        nms_threshold: Intersection over union above which two boxes of one class are one.
        class_indices: Classes to keep, or None for all.
        floor: Least logit of objectness.
        max_candidates: How many of an image are compared in pairs.
        num_rounds: How many links of a chain of suppressions are followed.
    """
    best, label = predictions.classes.max(dim=2)
    score = predictions.objectness.float().sigmoid() * best.float().sigmoid()
    # Not "at least": what is no number stays, to be told.
    stays = ~((score < score_threshold) | (predictions.objectness.float() < floor))
    if class_indices is not None:
        wanted = torch.zeros_like(stays)
        for index in class_indices:  # a list of them would be copied, and waited for
            wanted |= label == index
        stays &= wanted | score.isnan()
    score = score.masked_fill(~stays, _GONE)
    center, size = predictions.boxes.float().chunk(2, dim=2)
    rows = torch.cat(
        (center - size / 2, center + size / 2, score[..., None], label[..., None]), dim=2
    )
    order = score.sort(dim=1, descending=True, stable=True).indices
    rows = rows.gather(1, order[..., None].expand(-1, -1, 6))
    top = rows[:, :max_candidates]
    is_one = ~(top[..., 4] < 0)
    keep, is_fixed = _settle(top, is_one, nms_threshold, num_rounds)
    num = stays.sum(dim=1)
    is_finite = (top.isfinite().all(dim=2) | ~is_one).all(dim=1)
    is_settled = is_fixed & is_finite & (num <= max_candidates)
    head = torch.zeros_like(top[:, :1])
    head[:, 0, 0] = num
    head[:, 0, 1] = is_settled
    body = top.clone()
    body[..., 4].masked_fill_(~keep, _GONE)
    return StaticRows(torch.cat((head, body), dim=1), OnDevice(rows))


def settled_rows(found: StaticRows) -> list[NDArray[np.float32] | None]:
    """Return float32 ``[M, 6]`` for each image; None where overlaps are not settled."""
    packed = found.packed.cpu().numpy()
    body = packed[:, 1:]
    image, row = (body[:, :, 4] >= 0).nonzero()
    ends = np.searchsorted(image, np.arange(1, len(packed)))
    parts = np.split(body[image, row], ends)[: len(packed)]
    return [
        part if is_settled else None
        for part, is_settled in zip(parts, packed[:, 0, 1].tolist(), strict=True)
    ]


def all_rows(found: StaticRows, image: int) -> Tensor:
    """Return all candidates of an image, float32 ``[M, 6]`` on the host; it waits for them."""
    num = int(found.packed[image, 0, 0])
    return found.rows.tensor[image, :num].cpu()


def _settle(
    rows: Tensor, is_one: Tensor, nms_threshold: float, num_rounds: int
) -> tuple[Tensor, Tensor]:
    """Return which rows stay, bool ``[N, K]``, and of which images that is final, ``[N]``."""
    suppresses = _overlaps(rows, nms_threshold)
    suppresses &= is_one[:, :, None]
    suppresses &= rows[:, :, None, 5] == rows[:, None, :, 5]
    suppresses.triu_(1)  # the better of two comes first
    before = keep = is_one
    for _ in range(num_rounds):
        before, keep = keep, is_one & ~(suppresses & keep[:, :, None]).any(dim=1)
    return keep, (before == keep).all(dim=1)


def _overlaps(rows: Tensor, nms_threshold: float) -> Tensor:
    """Return bool ``[N, K, K]``: the boxes share more than this part of their union."""
    left, top, right, bottom = rows[..., :4].unbind(2)
    width = _shared(left, right)
    shared = width.mul_(_shared(top, bottom))
    area = (right - left) * (bottom - top)
    union = area[:, :, None] + area[:, None, :] - shared
    return shared.div_(union) > nms_threshold


def _shared(low: Tensor, high: Tensor) -> Tensor:
    """Return float32 ``[N, K, K]``: how much two intervals have in common."""
    end = torch.minimum(high[:, :, None], high[:, None, :])
    return end.sub_(torch.maximum(low[:, :, None], low[:, None, :])).clamp_(min=0)
