"""Pickles of values that need no slot, as most have: in half the time of those that do.

A pickler that looks for leases and for places in slots calls back for every string and number.
Where nothing is large there is none to be found.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np

from videoflow.runtime.rebuild import is_tensor

__all__ = ["LARGE_BYTES", "NeedsSlotsError", "small_pickle"]

LARGE_BYTES = 4096
"""Arrays of at least so many bytes go into slots; smaller ones into the message."""


class NeedsSlotsError(Exception):
    """A value with a large array or a tensor in it."""


def small_pickle(value: Any) -> bytes:
    """Return the pickle of a value; a lease in it pickles as that of a copy.

    Raises:
        NeedsSlotsError: Something in it belongs into a slot.
        Exception: What pickle raises for a value that cannot be pickled.
    """
    stream = io.BytesIO()
    _SmallPickler(stream, protocol=5).dump(value)
    return stream.getvalue()


class _SmallPickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        is_large = type(obj) is np.ndarray and obj.nbytes >= LARGE_BYTES
        if is_large or is_tensor(obj):
            raise NeedsSlotsError
        return NotImplemented
