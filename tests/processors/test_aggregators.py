from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from videoflow.core.node import OneTaskProcessorNode
from videoflow.errors import GraphError
from videoflow.processors.aggregators import (
    CountAggregator,
    MaxAggregator,
    MinAggregator,
    MultiplicationAggregator,
    SumAggregator,
)

ITEMS = [3, -1, 4, 4, -5]


@pytest.mark.parametrize(
    ("make", "want"),
    [
        pytest.param(SumAggregator, [3, 2, 6, 10, 5], id="sum"),
        pytest.param(MultiplicationAggregator, [3, -3, -12, -48, 240], id="product"),
        pytest.param(CountAggregator, [1, 2, 3, 4, 5], id="count"),
        pytest.param(MaxAggregator, [3, 3, 4, 4, 4], id="max"),
        pytest.param(MinAggregator, [3, -1, -1, -1, -5], id="min"),
    ],
)
def test_says_after_each_item_what_all_come_to(
    make: Callable[[], OneTaskProcessorNode], want: list[int]
) -> None:
    """An aggregator answers each item with the running value, afresh after each open()."""
    aggregator = make()

    first = [aggregator.process(item) for item in ITEMS]
    aggregator.open()
    again = [aggregator.process(item) for item in ITEMS]

    assert first == again == want


def test_leaves_the_items_alone() -> None:
    """A sum of arrays never writes into an array that somebody else holds."""
    aggregator = SumAggregator()
    ones = np.ones(2)

    first = aggregator.process(ones)
    second = aggregator.process(ones)

    assert ones.tolist() == first.tolist() == [1.0, 1.0]
    assert second.tolist() == [2.0, 2.0]


def test_has_one_task_only() -> None:
    """An aggregator keeps one state, so it cannot be shared by workers."""
    with pytest.raises(GraphError, match="got nb_tasks=2, want 1"):
        SumAggregator(nb_tasks=2)
