"""Who is who: pair rows with columns at the least total cost, but not at any price."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

__all__ = ["assign"]


def assign(
    cost: NDArray[np.float64], *, max_cost: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pair rows with columns so that the sum of ``cost - max_cost`` is least.

    A pair is worth the more, the further its cost is below ``max_cost``; a pair at or above
    it is worth nothing and is left apart. So the gate takes part in the optimum, and two
    good pairs are never given up for one that is then refused.

    Args:
        cost: float64 ``[M, K]``; inf and NaN mean never.
        max_cost: The gate, in the unit of ``cost``.

    Returns:
        Row indices and column indices of the pairs, rows rising.

    Example:
        >>> assign(np.array([[0.1, 0.2], [0.3, 0.95]]), max_cost=0.9)
        (array([0, 1]), array([1, 0]))
    """
    is_near = cost < max_cost  # [M, K]; False for NaN
    row_indices = np.flatnonzero(is_near.any(axis=1))
    column_indices = np.flatnonzero(is_near.any(axis=0))
    if not len(row_indices):
        return row_indices, column_indices
    near = np.ix_(row_indices, column_indices)
    gain = np.where(is_near[near], cost[near] - max_cost, 0.0)
    rows, columns = linear_sum_assignment(gain)
    is_pair = gain[rows, columns] < 0
    return row_indices[rows[is_pair]], column_indices[columns[is_pair]]


def best_pairs(
    likeness: NDArray[np.float64], *, least: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    gain = np.maximum(likeness - least, 0.0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    is_pair = gain[rows, columns] > 0
    return rows[is_pair], columns[is_pair]
