"""Which parts of a picture are taken, so that texts keep clear of each other."""

from __future__ import annotations

import numpy as np

__all__ = ["Places"]


class Places:
    """Rectangles that are taken, in whole pixels."""

    def __init__(self) -> None:
        # left, top, -right, -bottom of each: two overlap where all four are below a limit
        self._taken = np.empty((32, 4), np.int64)
        self._num = 0

    def take(self, left: int, top: int, right: int, bottom: int) -> None:
        """Note that a rectangle is taken."""
        if self._num == len(self._taken):
            self._taken = np.concatenate([self._taken, np.empty_like(self._taken)])
        self._taken[self._num] = left, top, -right, -bottom
        self._num += 1

    def is_free(self, left: int, top: int, right: int, bottom: int) -> bool:
        """Say whether a rectangle overlaps none that is taken; touching is no overlap."""
        taken = self._taken[: self._num]
        return not (taken < (right, bottom, -left, -top)).all(axis=1).any()
