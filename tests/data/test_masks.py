"""Masks keep the pixels of each object, and only them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from videoflow.data import Masks
from videoflow.errors import ShapeError


def test_masks_come_back_as_they_were() -> None:
    """Dense masks survive being cropped, also an empty one and one at the rim."""
    dense = np.random.default_rng(1).random((4, 9, 7)) > 0.8
    dense[1] = False
    dense[2, 0, 0] = dense[2, 8, 6] = True

    masks = Masks.from_dense(dense)

    assert np.array_equal(masks.dense(), dense)
    assert masks.areas().tolist() == dense.sum(axis=(1, 2)).tolist()


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([2, 0], id="indices"),
        pytest.param(slice(1, None), id="slice"),
        pytest.param(np.array([True, False, True]), id="mask"),
        pytest.param([], id="nothing"),
    ],
)
def test_rows_are_picked_as_from_an_array(rows: Any) -> None:
    """What picks rows of an array picks the same masks."""
    dense = np.eye(3, dtype=bool)[:, :, None].repeat(4, axis=2)

    assert np.array_equal(Masks.from_dense(dense)[rows].dense(), dense[rows])


def test_a_crop_stays_in_the_picture() -> None:
    """A crop beyond the rim is refused, and so is one that is not bool."""
    corner = np.array([[3, 0]], np.int32)

    with pytest.raises(ShapeError, match="within 4 x 4"):
        Masks((4, 4), corner, (np.ones((2, 2), bool),))
    with pytest.raises(ShapeError, match="want bool"):
        Masks((4, 4), corner, (np.ones((1, 1), np.uint8),))
