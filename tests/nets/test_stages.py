"""How a model's call is ordered on a GPU, with streams that only write down what happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from videoflow.nets.objects import Objects
from videoflow.nets.stages import GpuStages, HostStages, OnDevice, make_stages

GPU = torch.device("cuda:0")


class FakeStreams:
    """Stands for ``torch.cuda``: streams with names, and a log of what is queued where."""

    def __init__(self) -> None:
        self.log: list[tuple[str, ...]] = []
        self.names = iter(["ingest", "compute", "results"])
        self.current = self.named("engine")

    def named(self, name: str) -> Any:
        return FakeStream(name, self.log)

    def Stream(self, device: torch.device) -> Any:
        return self.named(next(self.names))

    def current_stream(self, device: torch.device) -> Any:
        return self.current

    @contextmanager
    def stream(self, stream: Any) -> Iterator[None]:
        before, self.current = self.current, stream
        yield
        self.current = before

    def Event(self, *, blocking: bool) -> Any:
        return FakeEvent(self.log)

    def queue(self, what: str) -> None:
        self.log.append((self.current.name, what))


class FakeStream:
    def __init__(self, name: str, log: list[tuple[str, ...]]) -> None:
        self.name, self.log = name, log

    def wait_stream(self, other: FakeStream) -> None:
        self.log.append((self.name, "waits for", other.name))

    def synchronize(self) -> None:
        self.log.append(("host waits for", self.name))


class FakeEvent:
    def __init__(self, log: list[tuple[str, ...]]) -> None:
        self.log = log

    def record(self, stream: FakeStream) -> None:
        self.log.append((stream.name, "records"))

    def synchronize(self) -> None:
        self.log.append(("host waits",))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeStreams:
    streams = FakeStreams()
    for name in ("Stream", "current_stream", "stream", "Event"):
        monkeypatch.setattr(torch.cuda, name, getattr(streams, name))
    return streams


def test_each_stage_waits_for_the_one_before(fake: FakeStreams) -> None:
    """Slots are ready for ingest, free after it, and only the finisher makes the host wait."""
    stages = GpuStages(GPU)

    def ingest() -> int:
        fake.queue("reads slots")
        return 3

    def compute(number: int) -> torch.Tensor:
        fake.queue("computes")
        return torch.tensor(number + 1)

    finish = stages.begin(ingest, compute)
    fake.queue("records done")
    queued = list(fake.log)
    result = finish()

    assert int(result) == 4
    assert queued == [
        ("ingest", "waits for", "engine"),
        ("ingest", "reads slots"),
        ("engine", "waits for", "ingest"),
        ("compute", "waits for", "ingest"),
        ("compute", "computes"),
        ("results", "waits for", "compute"),
        ("results", "records"),
        ("engine", "records done"),
    ]
    assert fake.log[len(queued) :] == [("host waits",)]


def test_next_call_begins_before_the_results_are_asked_for(fake: FakeStreams) -> None:
    """Two calls are queued one behind the other, and the host has waited for neither."""
    stages = GpuStages(GPU)

    first = stages.begin(lambda: 1, lambda one: [one])
    second = stages.begin(lambda: 2, lambda one: [one])

    assert ("host waits",) not in fake.log
    assert (first(), second()) == ([1], [2])


@pytest.mark.parametrize("fails_in", ["ingest", "compute"])
def test_nothing_half_queued_is_left_behind(fake: FakeStreams, fails_in: str) -> None:
    """After an error memory is given back only when the GPU has done with it."""

    def stage(name: str) -> None:
        if name == fails_in:
            raise MemoryError(name)

    with pytest.raises(MemoryError, match=fails_in):
        GpuStages(GPU).begin(lambda: stage("ingest"), lambda _: stage("compute"))

    names = ("ingest", "compute", "results")
    assert fake.log[-3:] == [("host waits for", name) for name in names]


def test_outputs_keep_their_form(fake: FakeStreams) -> None:
    """Tensors in tuples, lists and named tuples come to the host; what is kept back stays."""
    one = torch.ones(2)
    kept = OnDevice(one)
    objects = Objects(one, one, one, one)

    made: Any = [(one, kept), objects]
    result = GpuStages(GPU).begin(lambda: None, lambda _: made)()

    (first, rest), named = result
    assert torch.equal(first, one)
    assert rest is kept
    assert isinstance(named, Objects)
    assert named.keypoints is None


def test_on_the_cpu_all_is_done_at_once() -> None:
    """Without a GPU a call is one thing after the other, without gradients."""
    stages = make_stages(torch.device("cpu"))
    weight = torch.ones(1, requires_grad=True)

    result = stages.begin(lambda: 2, lambda number: weight * number)()

    assert isinstance(stages, HostStages)
    assert result.tolist() == [2.0]
    assert not result.requires_grad
