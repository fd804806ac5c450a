from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoflow.vision.assignment import best_pairs, pair_all_then_refuse


@given(st.integers(0, 4), st.integers(0, 4), st.integers(0, 10**6))
def test_no_pairing_is_worth_more(num_rows: int, num_columns: int, seed: int) -> None:
    """The pairs are worth as much as the best of all pairings, tried one by one."""
    likeness = np.random.default_rng(seed).uniform(0, 1, (num_rows, num_columns))

    rows, columns = best_pairs(likeness, least=0.4)

    worth = likeness - 0.4
    few, many = sorted((num_rows, num_columns))
    square = worth if num_rows <= num_columns else worth.T
    best = max(
        sum(max(square[i, p], 0) for i, p in enumerate(order))
        for order in itertools.permutations(range(many), few)
    )
    assert worth[rows, columns].sum() == pytest.approx(best)
    assert (worth[rows, columns] > 0).all()


def test_the_gate_takes_part_or_comes_after() -> None:
    """A pair that is refused afterwards may cost two good ones; a gate within never does."""
    likeness = np.array([[0.5, 0.45], [0.5, 0.0]])

    within = best_pairs(np.array([[0.9, 0.29], [0.8, 0.0]]), least=0.3)
    after = pair_all_then_refuse(
        np.array([[0.9, 0.29], [0.8, 0.0]]), np.array([[0.9, 0.29], [0.8, 0.0]]), min_iou=0.3
    )

    assert [x.tolist() for x in within] == [[0], [0]]
    assert [x.tolist() for x in after] == [[1], [0]]
    assert [x.tolist() for x in best_pairs(likeness, least=0.3)] == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    "likeness",
    [
        pytest.param(np.zeros((0, 0)), id="empty"),
        pytest.param(np.zeros((0, 3)), id="no rows"),
        pytest.param(np.zeros((2, 3)), id="nothing alike"),
        pytest.param(np.array([[0.5]]), id="at the gate"),
    ],
)
def test_nobody_is_paired(likeness: np.ndarray) -> None:
    """Empty and gated likenesses pair nobody."""
    rows, columns = best_pairs(likeness, least=0.5)

    assert len(rows) == len(columns) == 0
