"""A killed worker of a stateless processor is started again; every output comes once."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from videoflow.consumers import VoidConsumer
from videoflow.core import (
    BatchProcessorNode,
    Flow,
    FunctionProcessor,
    Node,
    OneTaskProcessorNode,
    ProcessorNode,
)
from videoflow.errors import GraphError, WorkerDiedError
from videoflow.producers import IntProducer

LARGE = 9000
NUM_FRAMES = 400


class Fragile(ProcessorNode):
    """Makes a large array of each number, and dies once at some of them."""

    def __init__(self, folder: Path, deaths: Sequence[int], **options: Any) -> None:
        super().__init__(**options)
        self.folder, self.deaths = folder, deaths

    def process(self, *inputs: Any) -> Any:
        return self.with_pixels(inputs[0])

    def with_pixels(self, number: int) -> tuple[int, Any]:
        mark = self.folder / str(number)
        if number in self.deaths and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return number, np.full(LARGE, number % 251, np.uint8)


class FragileBatch(BatchProcessorNode):
    """Does the same with batches."""

    def __init__(self, folder: Path, deaths: Sequence[int], **options: Any) -> None:
        super().__init__(max_batch_size=4, **options)
        self.one = Fragile(folder, deaths)

    def process_batch(self, batch: Sequence[Any]) -> Sequence[Any]:
        return [self.one.with_pixels(number) for number in batch]


def checked(value: tuple[int, Any]) -> int:
    number, pixels = value
    assert (pixels == number % 251).all()
    return number


def numbers_through(fragile: Node) -> tuple[list[int], Flow]:
    source = IntProducer(0, NUM_FRAMES - 1)
    checks = FunctionProcessor(checked)(fragile(source))
    flow = Flow([source], [VoidConsumer()(checks)], placement="process")
    return list(flow.stream(checks)), flow


@pytest.mark.parametrize("nb_tasks", [1, 3], ids=["one-task", "three-tasks"])
@pytest.mark.parametrize("kind", [Fragile, FragileBatch], ids=["items", "batches"])
def test_every_output_comes_once(kind: Any, nb_tasks: int, tmp_path: Path) -> None:
    """After two kills the outputs are those of an undisturbed run, in order."""
    fragile = kind(tmp_path, [50, 333], restarts=2, nb_tasks=nb_tasks)

    got, flow = numbers_through(fragile)

    assert got == list(range(NUM_FRAMES))
    report = flow.report
    assert report.streams[0].num_delivered == NUM_FRAMES
    assert sum("was started again" in note for note in report.notes) == 2


def test_too_many_deaths_end_the_flow(tmp_path: Path) -> None:
    """When no restart is left the flow fails and names the worker."""
    fragile = Fragile(tmp_path, [50, 60], restarts=1)

    with pytest.raises(WorkerDiedError, match=r"'fragile'.*was killed by SIGKILL"):
        numbers_through(fragile)


class Stateful(OneTaskProcessorNode):
    def process(self, *inputs: Any) -> Any:
        return inputs[0]


def test_state_cannot_be_restarted() -> None:
    """Restarts are refused, before anything starts, where state would be lost."""
    source = IntProducer(0, 3)
    flow = Flow([source], [VoidConsumer()(Stateful(restarts=1)(source))])

    with pytest.raises(GraphError, match="got restarts=1, want 0"):
        flow.run()
