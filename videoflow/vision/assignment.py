"""Who is who: pair rows with columns at the greatest total likeness, but not at any price."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

__all__ = ["best_pairs", "pair_all_then_refuse"]

F64 = NDArray[np.float64]
Rows = NDArray[np.intp]


def best_pairs(likeness: F64, *, least: float) -> tuple[Rows, Rows]:
    """Pair rows with columns so that the sum of ``likeness - least`` is greatest.

    A pair at or below ``least`` is worth nothing and is left apart. So the gate takes part in
    the optimum, and two good pairs are never given up for one that is then refused.

    Args:
        likeness: float64 ``[M, K]``, finite.
        least: The gate, in the unit of ``likeness``.

    Returns:
        Row indices and column indices of the pairs, rows rising.

    Example:
        >>> best_pairs(np.array([[0.9, 0.8], [0.7, 0.05]]), least=0.1)
        (array([0, 1]), array([1, 0]))
    """
    gain = np.maximum(likeness - least, 0.0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    is_pair = gain[rows, columns] > 0
    return rows[is_pair], columns[is_pair]


def pair_all_then_refuse(likeness: F64, overlap: F64, *, min_iou: float) -> tuple[Rows, Rows]:
    """Pair everything so that the sum of ``likeness`` is greatest; then refuse pairs.

    What SORT and its heirs do: a pair that is refused in the end may have cost a better one.
    ``best_pairs`` has no such loss, but is another algorithm.

    Args:
        likeness: float64 ``[M, K]``, finite.
        overlap: float64 ``[M, K]``; a pair with less than ``min_iou`` is refused.
        min_iou: The gate.

    Returns:
        Row indices and column indices of the pairs, rows rising.
    """
    rows, columns = linear_sum_assignment(likeness, maximize=True)
    is_pair = overlap[rows, columns] >= min_iou
    return rows[is_pair], columns[is_pair]
