"""Nodes with which whole flows are tested, and what all tests of a flow's end look at."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from videoflow.core import (
    BatchProcessorNode,
    ConsumerNode,
    Ending,
    Flow,
    PerStreamProcessorNode,
    ProcessorNode,
    ProducerNode,
    Report,
)

END_SECONDS = 5.0
"""Within so many seconds of a ``QuietClock`` nothing of a flow is left, whatever ended it."""

PATIENCE_SECONDS = 120.0
"""How long a test waits for what takes a second on a quiet machine, before it says that it
never comes."""


class Numbers(ProducerNode):
    """Counts from 0; after ``blocks_at`` items its ``next`` blocks for an hour."""

    def __init__(
        self,
        num: int = 1_000_000,
        *,
        pause_seconds: float = 0.0,
        blocks_at: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.num, self.at = num, 0
        self.pause_seconds, self.blocks_at = pause_seconds, blocks_at

    def open(self) -> None:
        self.at = 0

    def next(self) -> int:
        if self.at >= self.num:
            raise StopIteration
        if self.at == self.blocks_at:
            time.sleep(3600)
        if self.pause_seconds:
            time.sleep(self.pause_seconds)
        self.at += 1
        return self.at - 1


class Same(ProcessorNode):
    """Returns its input, or the tuple of its inputs."""

    def process(self, *inputs: Any) -> Any:
        return inputs[0] if len(inputs) == 1 else inputs


class SameBatch(BatchProcessorNode):
    """Returns its inputs."""

    def process_batch(self, batch: Sequence[Any]) -> Sequence[Any]:
        return list(batch)


class Held(PerStreamProcessorNode[list[Any]]):
    """Passes nothing on before the end of a stream, and then all of it."""

    def make_state(self, stream: str) -> list[Any]:
        return []

    def process(self, state: list[Any], *inputs: Any) -> Any:
        state.append(inputs[0])
        return inputs[0]

    def flush(self, state: list[Any]) -> Iterator[Any]:
        yield from state


class Collect(ConsumerNode):
    """Writes what it got, and what it heard, to a file of JSON when it is closed."""

    def __init__(self, path: Path, *, pause_seconds: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.path, self.pause_seconds = path, pause_seconds
        self.got: list[Any] = []
        self.heard: list[tuple[str, Ending]] = []

    def consume(self, *inputs: Any) -> None:
        self.got.append(inputs[0] if len(inputs) == 1 else inputs)
        time.sleep(self.pause_seconds)

    def end_stream(self, stream: str, ending: Ending) -> None:
        self.heard.append((stream, ending))

    def close(self) -> None:
        self.path.write_text(json.dumps({"got": self.got, "heard": self.heard}))


class Drop(ConsumerNode):
    """Takes everything and does nothing."""

    def consume(self, *inputs: Any) -> None:
        pass


def collected(path: Path) -> list[Any]:
    """Return what a ``Collect`` got."""
    got: list[Any] = json.loads(path.read_text())["got"]
    return got


def collect(flow_nodes: Any, tmp_path: Path, **options: Any) -> list[Any]:
    """Run a flow from ``flow_nodes`` (producers, last node) and return what came out."""
    producers, last = flow_nodes
    path = tmp_path / "collected.json"
    Flow(producers, [Collect(path)(last)], **options).run().join(60)
    return collected(path)


def wait_until(is_so: Callable[[], object], what: str = "it") -> None:
    """Poll until ``is_so()``, and fail where that takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"waited too long for {what}"
        time.sleep(0.01)


def wait_for_frames(flow: Flow, num: int = 3) -> None:
    """Wait until the flow is under way."""
    wait_until(lambda: flow.progress().num_done >= num or not flow.is_running, "frames")
    assert flow.is_running


def keeper_of(pid: int | None = None) -> psutil.Process:
    """Return the keeper among the children of this process, or of ``pid``."""
    wait_until(lambda: psutil.Process(pid).children(), "a keeper")
    keeper: psutil.Process = psutil.Process(pid).children()[0]
    return keeper


def workers_of(keeper: psutil.Process) -> list[psutil.Process]:
    """Return the workers in the order of the plan: the keeper forks one after the other."""
    most = int(Path("/proc/sys/kernel/pid_max").read_text())
    # After the greatest number the smallest ones come again.
    return sorted(keeper.children(), key=lambda worker: (worker.pid - keeper.pid) % most)


def are_gone(processes: Sequence[psutil.Process]) -> bool:
    """Return whether none of ``processes`` runs any more."""
    for one in processes:
        try:
            if one.is_running() and one.status() != psutil.STATUS_ZOMBIE:
                return False
        except psutil.NoSuchProcess:
            continue
    return True


def assert_ledger_adds_up(report: Report) -> None:
    """Each frame that was read ended in one way, at each consumer too."""
    for stream in report.streams:
        parts = stream.num_delivered + stream.num_skipped
        assert stream.num_read == parts + stream.num_dropped + stream.num_failed, stream
