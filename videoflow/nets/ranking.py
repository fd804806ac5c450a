"""The best of each group, for groups of different lengths, without a loop over the groups."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["best_of_each"]


def best_of_each(scores: Tensor, groups: Tensor, *, limit: int | None = None) -> Tensor:
    """Sort rows by group, within a group best first, and cut each group off.

    Args:
        scores: Float ``[M]``.
        groups: int64 ``[M]``.
        limit: How many rows of a group stay at most; None for all.

    Returns:
        int64 ``[K]``, row numbers. Of equal scores, the earlier row comes first.

    Example:
        >>> scores, groups = torch.tensor([0.1, 0.9, 0.5, 0.7]), torch.tensor([1, 0, 1, 1])
        >>> best_of_each(scores, groups, limit=2)
        tensor([1, 3, 2])
    """
    order = scores.argsort(descending=True, stable=True)
    order = order[groups[order].argsort(stable=True)]
    if limit is None:
        return order
    by_group = groups[order]
    first = torch.searchsorted(by_group, by_group)  # where the group of each row begins
    rank = torch.arange(len(order), device=order.device) - first
    return order[rank < limit]
