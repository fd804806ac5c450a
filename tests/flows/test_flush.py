"""What nodes still hold at the end of a stream comes out, whatever stands behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from videoflow.consumers import VoidConsumer
from videoflow.core import (
    BatchProcessorNode,
    Flow,
    IterableProducer,
    OneTaskProcessorNode,
    PerStreamProcessorNode,
    Streams,
)


class Remember(PerStreamProcessorNode[list[int]]):
    """Passes numbers on, and says three more at the end of each stream."""

    def make_state(self, stream: str) -> list[int]:
        return []

    def process(self, state: list[int], *inputs: Any) -> Any:
        return inputs[0]

    def flush(self, state: list[int]) -> Iterator[Any]:
        yield from (-1, -2, -3)


class Total(OneTaskProcessorNode):
    """Passes numbers on, and says how many there were at the end of all streams."""

    def __init__(self) -> None:
        super().__init__()
        self.num = 0

    def process(self, *inputs: Any) -> Any:
        self.num += 1
        return inputs[0]

    def flush(self) -> Iterator[Any]:
        yield -self.num


class SameBatch(BatchProcessorNode):
    def process_batch(self, batch: Sequence[Any]) -> Sequence[Any]:
        return batch


@pytest.mark.parametrize("placement", ["process", "fused"])
@pytest.mark.parametrize("lengths", [(0, 60), (60, 0), (3, 500), (0, 0)], ids=str)
def test_streams_of_unequal_length_before_a_batch(
    placement: Any, lengths: tuple[int, int]
) -> None:
    """Flushed items of a short or empty stream fill batches with those of a long one."""
    sources = [IterableProducer(range(1, 1 + n), name=f"s{n}") for n in lengths]
    batch = SameBatch(max_batch_size=5)(Remember()(Streams(*sources)))
    sink = VoidConsumer()(batch)

    got = list(Flow(sources, [sink], placement=placement).stream(batch))

    want = [number for n in lengths for number in (*range(1, 1 + n), -1, -2, -3)]
    assert sorted(got) == sorted(want)


@pytest.mark.parametrize("lengths", [(0, 60), (10, 3000)], ids=str)
def test_one_state_flushes_after_all_streams(lengths: tuple[int, int]) -> None:
    """A node with one state flushes once, behind the stream that ends last."""
    sources = [IterableProducer(range(1, 1 + n), name=f"s{n}") for n in lengths]
    batch = SameBatch(max_batch_size=8)(Total()(Streams(*sources)))
    sink = VoidConsumer()(batch)

    got = list(Flow(sources, [sink]).stream(batch))

    assert len(got) == sum(lengths) + 1
    assert [number for number in got if number < 0] == [-sum(lengths)]
