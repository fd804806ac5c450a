"""Values without slots pickle fast, and what needs a slot is told apart."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch

from videoflow.data import Detections, Stamp
from videoflow.runtime.small_pickle import LARGE_BYTES, NeedsSlotsError, small_pickle

STAMP = Stamp("door", 3, 0.1, (480, 640))


@pytest.mark.parametrize("num", [0, 1, 12])
def test_what_is_small_comes_back(num: int) -> None:
    """Detections of any usual number are one plain pickle."""
    found = Detections(
        STAMP,
        np.arange(4 * num, dtype=np.float32).reshape(num, 4),
        np.linspace(0, 1, num, dtype=np.float32),
        np.arange(num),
    )

    back = pickle.loads(small_pickle(found))

    assert back.stamp == STAMP
    assert np.array_equal(back.boxes_xyxy, found.boxes_xyxy)
    assert np.array_equal(back.scores, found.scores)
    assert np.array_equal(back.labels, found.labels)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(np.zeros(LARGE_BYTES, np.uint8), id="large array"),
        pytest.param({"deep": [np.zeros((64, 64, 2), np.uint8)[::2]]}, id="strided array"),
        pytest.param(torch.zeros(1), id="tensor"),
    ],
)
def test_what_needs_a_slot_is_told(value: Any) -> None:
    """A large array, however deep and of whatever strides, and any tensor are refused."""
    with pytest.raises(NeedsSlotsError):
        small_pickle(value)
