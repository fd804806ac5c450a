"""What a counter knows of the people of one stream: a row for each id, and no more than needed.

Knows ids and when they were last seen; what else stands in a row is the counter's own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Records", "Roster", "blank_record"]

Records = NDArray[np.void]

_OWN = [("id", np.int64), ("last_frame", np.int64)]


def blank_record(**fields: tuple[Any, Any, tuple[int, ...]]) -> Records:
    """Return the row of somebody who is new.

    Args:
        **fields: Name to (value, dtype, shape).

    Returns:
        A structured array ``[1]`` with these fields, and ``id`` and ``last_frame``.
    """
    dtype = np.dtype(_OWN + [(name, kind, shape) for name, (_, kind, shape) in fields.items()])
    record = np.zeros(1, dtype)
    for name, (value, _, _) in fields.items():
        record[name] = value
    return record


class Roster:
    """Rows of people, by rising id, that are dropped when nobody has seen them for a while.

    Args:
        blank: ``[1]``, the row of somebody who is new; see ``blank_record``.
        max_gap_frames: Who was not seen for more frames is forgotten.

    Attributes:
        rows: ``[T]``, structured, by rising id.
    """

    def __init__(self, blank: Records, *, max_gap_frames: int) -> None:
        self._blank = blank
        self._max_gap_frames = max_gap_frames
        self.rows: Records = blank[:0]

    def __len__(self) -> int:
        return len(self.rows)

    def forget(self, frame: int) -> Records:
        """Drop who was last seen too long before ``frame``, and return their rows."""
        is_old = self.rows["last_frame"] < frame - self._max_gap_frames
        if not is_old.any():
            return self._blank[:0]
        gone = self.rows[is_old]
        self.rows = self.rows[~is_old]
        return gone

    def meet(self, ids: NDArray[np.int64], frame: int) -> NDArray[np.intp]:
        """Return the places of ``ids`` in ``rows``, a blank row for who is new.

        Args:
            ids: ``[M]``, rising, each once.
            frame: Now; that is when they were last seen from here on.
        """
        places = np.searchsorted(self.rows["id"], ids)
        is_new = np.ones(len(ids), np.bool_)
        inside = places < len(self.rows)
        is_new[inside] = self.rows["id"][places[inside]] != ids[inside]
        if is_new.any():
            fresh = np.repeat(self._blank, np.count_nonzero(is_new))
            fresh["id"] = ids[is_new]
            self.rows = np.insert(self.rows, places[is_new], fresh)
            places += np.cumsum(is_new) - is_new  # the new rows before each place
        self.rows["last_frame"][places] = frame
        return places
