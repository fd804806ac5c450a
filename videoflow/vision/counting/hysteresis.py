"""On which side somebody is: seen beyond a band, and in several looks running."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videoflow.vision.boxes import F64
from videoflow.vision.counting.roster import Records

__all__ = ["I8", "Bools", "looks", "settle"]

I8 = NDArray[np.int8]
Bools = NDArray[np.bool_]


def looks(distances: F64, heights: F64, *, margin: float) -> I8:
    """Return where people are seen: 1 above the band, -1 below it, 0 in it.

    Args:
        distances: float64 ``[M, K]``, from each of K lines or rims.
        heights: float64 ``[M]``, of their boxes.
        margin: Half the width of the band, in heights.
    """
    band = margin * heights[:, None]
    return (distances > band).astype(np.int8) - (distances < -band).astype(np.int8)


def settle(rows: Records, look: I8, *, min_frames: int) -> Bools:
    """Take a look at M people into the fields ``look``, ``run`` and ``side`` of their rows.

    Args:
        rows: ``[M]``, each field ``[M, K]``: where last seen, for how many looks running, and
            the side on which they are settled, 0 while unknown.
        look: int8 ``[M, K]``, as ``looks`` returns it.
        min_frames: How many looks running settle a side.

    Returns:
        Bool ``[M, K]``: is where they are now the side on which they are settled?
    """
    rows["run"] = np.where(look == rows["look"], rows["run"] + 1, 1)
    rows["look"] = look
    is_settled: Bools = (look != 0) & (rows["run"] >= min_frames)
    rows["side"] = np.where(is_settled, look, rows["side"])
    return is_settled
