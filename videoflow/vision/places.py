"""Which parts of a picture are taken, so that texts keep clear of each other."""

from __future__ import annotations

import numpy as np

__all__ = ["Places"]


class Places:
    """The pixels of a picture that are taken; a look costs the same however many are.

    Args:
        size_hw: Of the picture; what lies outside of it is always free.
    """

    def __init__(self, size_hw: tuple[int, int]) -> None:
        self._is_taken = np.zeros(size_hw, np.bool_)

    def take(self, left: int, top: int, right: int, bottom: int) -> None:
        """Note that a rectangle is taken."""
        self._is_taken[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = True

    def is_free(self, left: int, top: int, right: int, bottom: int) -> bool:
        """Say whether a rectangle overlaps none that is taken; touching is no overlap."""
        part = self._is_taken[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
        return not part.any()
