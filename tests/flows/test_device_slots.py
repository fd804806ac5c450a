"""Tensors of a device between processes: order, lifetime, moves; on a device that is none.

The stand-in for a GPU keeps host memory behind the engine's device interface, and refuses a
wait for what was never recorded.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.fake_device import LOG, fake_engine, log, log_lines
from tests.flows.nodes import Collect, collected, wait_until
from videoflow.core import (
    BatchProcessorNode,
    Flow,
    ProcessorNode,
    ProducerNode,
    Report,
    Streams,
)
from videoflow.data import Frame, Stamp
from videoflow.errors import GraphError, WorkerDiedError

placements = pytest.mark.parametrize("placement", ["process", "fused"])
SIZE = (32, 48)


class Pictures(ProducerNode):
    """Gives frames on its device: every pixel of frame n is n."""

    auto_device = "gpu"
    preload: ClassVar[tuple[str, ...]] = ("torch",)

    def __init__(self, num: int, **options: Any) -> None:
        super().__init__(**options)
        self._num = num
        self._next = 0

    def next(self) -> Frame:
        if self._next == self._num:
            raise StopIteration
        buffer = self.slot_tensor((SIZE[0] * 3 // 2, SIZE[1])).fill_(self._next % 251)
        stamp = Stamp(self.stream, self._next, 0.0, SIZE)
        self._next += 1
        return Frame(buffer, stamp)


class Brighter(ProcessorNode):
    """Adds one to every pixel, into its own slot."""

    def process(self, *inputs: Frame) -> Frame:
        (frame,) = inputs
        out = self.slot_tensor(tuple(frame.pixels.shape)).copy_(frame.pixels)
        return Frame(out.add_(1), frame.stamp)


class Fresh(ProcessorNode):
    """Adds one to every pixel, in memory of its own that the engine has to copy."""

    def process(self, *inputs: Frame) -> Frame:
        return Frame(inputs[0].pixels + 1, inputs[0].stamp)


class TopLeft(ProcessorNode):
    """Passes a view of its input on."""

    def process(self, *inputs: Frame) -> Any:
        return inputs[0].pixels[:2, :3], self.device


class Values(BatchProcessorNode):
    """Says which value the pixels of each frame have, and where the node is."""

    def process_batch(self, batch: Sequence[Frame]) -> list[Any]:
        return [[sorted(set(f.pixels.flatten().tolist())), self.device] for f in batch]


class Looks(ProcessorNode):
    """Says the values of a tensor that came with the device of its sender."""

    def process(self, *inputs: Any) -> Any:
        pixels, device = inputs[0]
        return [pixels.unique().tolist(), list(pixels.shape), device]


def run(tmp_path: Path, producers: Any, last: Any, **options: Any) -> tuple[list[Any], Report]:
    path = tmp_path / "collected.json"
    flow = Flow(producers, [Collect(path)(last)], **options)
    report = flow.run(engine=fake_engine(2)).join(60)
    return collected(path), report


@placements
@pytest.mark.parametrize("num", [0, 60])
def test_frames_of_a_device_arrive_whole(
    num: int, placement: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slots of a device are used again and again, and no reader ever sees another frame."""
    monkeypatch.setenv("VIDEOFLOW_POISON_SLOTS", "1")
    source = Pictures(num)

    got, report = run(
        tmp_path,
        [source],
        Values(max_batch_size=4)(Brighter()(Brighter()(source))),
        placement=placement,
    )

    assert got == [[[n + 2], "cuda:0"] for n in range(num)]
    assert report.streams[0].num_delivered == num


class Reads(ProcessorNode):
    """Writes down that it reads, and says what."""

    def process(self, *inputs: Frame) -> int:
        log("read")
        return int(inputs[0].pixels[0, 0])


class ReadsBatches(BatchProcessorNode):
    """Writes down for each frame of a batch that it reads it."""

    def process_batch(self, batch: Sequence[Frame]) -> list[Any]:
        for _ in batch:
            log("read")
        return [int(frame.pixels[0, 0]) for frame in batch]


@pytest.mark.parametrize("makes", [Brighter, Fresh], ids=["into-its-slot", "copied-into-one"])
@pytest.mark.parametrize("reads", [Reads, ReadsBatches], ids=["one", "batch"])
def test_each_hand_over_is_in_order(
    makes: type[ProcessorNode],
    reads: type[ProcessorNode],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Recorded before the message, waited for before reading, done before written again.

    Each event is recorded and waited for in turns, by whichever processes: a record that came
    after the message that tells of it, or none, would leave a wait for the one before.
    """
    path = tmp_path / "log"
    monkeypatch.setenv(LOG, str(path))
    source = Pictures(80)

    got, _ = run(tmp_path, [source], reads()(makes()(source)), placement="process")

    assert got == [n + 1 for n in range(80)]
    turns: dict[str, list[tuple[str, int]]] = {}
    for _, what, *rest in log_lines(path):
        if what in ("record", "wait"):
            turns.setdefault(rest[0], []).append((what, int(rest[1])))
    assert len(turns) >= 4  # two rings, each with a reader
    assert any(len(each) > 2 for each in turns.values())  # slots were written again
    for each in turns.values():
        want = [(what, n) for n in range(1, len(each) + 1) for what in ("record", "wait")]
        assert each == want[: len(each)]


@pytest.mark.parametrize("reads", [Reads, ReadsBatches], ids=["one", "batch"])
def test_a_reader_waits_reads_and_is_done(
    reads: type[ProcessorNode], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No frame is read before its wait, given back before it is read, or written before."""
    path = tmp_path / "log"
    monkeypatch.setenv(LOG, str(path))
    source = Pictures(80)

    run(tmp_path, [source], reads()(source), placement="process")

    lines = log_lines(path)
    (reader,) = {pid for pid, what, *_ in lines if what == "read"}
    did = [what for pid, what, *_ in lines if pid == reader]
    for at in range(len(did) + 1):
        waits, reads_, dones = (did[:at].count(w) for w in ("wait", "read", "record"))
        assert waits >= reads_ >= dones
    assert did.count("wait") == did.count("read") == did.count("record") == 80
    readies = [words[2] for words in lines if words[0] != reader and words[1] == "record"]
    num_written_again = len(readies) - len(set(readies))
    waits = sum(words[0] != reader and words[1] == "wait" for words in lines)
    assert waits == num_written_again > 0


def test_a_reader_in_the_same_worker_waits_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stays in a worker is waited for right before it is read: streams may differ."""
    path = tmp_path / "log"
    monkeypatch.setenv(LOG, str(path))
    source = Pictures(20)

    run(tmp_path, [source], Reads()(Brighter()(source)), placement="fused")

    did = [what for _, what, *_ in log_lines(path)]
    before = [did[at - 1] for at, what in enumerate(did) if what == "read"]
    assert before == ["wait"] * 20


@placements
def test_a_join_reads_two_rings(placement: Any, tmp_path: Path) -> None:
    """Slots of two nodes, and an input that goes on by name, meet in one call."""
    source = Pictures(40)
    one, two = Brighter()(source), Brighter()(Brighter()(source))

    got, _ = run(tmp_path, [source], Sums()(source, one, two), placement=placement)

    assert got == [[n, n + 1, n + 2] for n in range(40)]


class Sums(ProcessorNode):
    """Says the value of the first pixel of each input."""

    def process(self, *inputs: Frame) -> list[int]:
        return [int(frame.pixels[0, 0]) for frame in inputs]


@placements
def test_memory_outside_slots_is_copied_into_one(placement: Any, tmp_path: Path) -> None:
    """A tensor that the node made for itself travels, too."""
    source = Pictures(30)

    got, _ = run(tmp_path, [source], Sums()(Fresh()(source)), placement=placement)

    assert got == [[n + 1] for n in range(30)]


@placements
def test_a_view_of_an_input_goes_on(placement: Any, tmp_path: Path) -> None:
    """A view of a slot keeps its shape and strides on its way, and its device."""
    source = Pictures(20)

    got, _ = run(tmp_path, [source], Looks()(TopLeft()(source)), placement=placement)

    assert got == [[[n], [2, 3], "cuda:0"] for n in range(20)]


@placements
@pytest.mark.parametrize("device", ["cpu", "cuda:1"])
def test_a_node_elsewhere_gets_a_copy(
    device: str, placement: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a node on another device gets is copied once for it, and nothing else is copied."""
    log = tmp_path / "log"
    monkeypatch.setenv(LOG, str(log))
    source = Pictures(12)

    got, _ = run(
        tmp_path, [source], Values(device=device)(Brighter()(source)), placement=placement
    )

    assert got == [[[n + 1], device] for n in range(12)]
    moves = [words[1] for words in log_lines(log) if words[1].startswith("to_")]
    assert moves == ["to_host" if device == "cpu" else "to_device"] * 12


def test_streams_of_a_device_share_a_model(tmp_path: Path) -> None:
    """Frames of several producers of one device meet in one batch."""
    sources = [Pictures(15, name=name) for name in "abc"]

    got, _ = run(
        tmp_path,
        sources,
        Values(max_batch_size=6)(Brighter()(Streams(*sources))),
    )

    assert sorted(values[0][0] for values in got) == sorted(3 * list(range(1, 16)))


@placements
def test_streams_are_spread_over_the_gpus(
    placement: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame stays on one GPU its whole way, and comes out in order."""
    log = tmp_path / "log"
    monkeypatch.setenv(LOG, str(log))
    sources = [Pictures(20, name=name) for name in "abcd"]
    models = Values(max_batch_size=4)(Brighter()(Streams(*sources)))

    got, report = run(tmp_path, sources, models, placement=placement)

    assert sorted(v[0] for v, _ in got) == sorted(4 * list(range(1, 21)))
    devices = {device for _, device in got}
    assert devices == ({"cuda:0"} if placement == "fused" else {"cuda:0", "cuda:1"})
    assert all(stream.num_delivered == 20 for stream in report.streams)
    assert not [words for words in log_lines(log) if words[1].startswith("to_")]


def test_a_gpu_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A named GPU is looked for before anything starts."""
    source = Pictures(1, device="cuda:7")

    with pytest.raises(GraphError, match="there are 2 GPUs"):
        run(tmp_path, [source], Sums()(source))


def test_parts_of_a_flow_are_dealt_to_the_gpus(tmp_path: Path) -> None:
    """What has nothing to do with each other goes to different GPUs, each part to one."""
    one, two = Pictures(1, name="one"), Pictures(1, name="two")
    ends = [Collect(tmp_path / f"{s.name}.json")(Values()(s)) for s in (one, two)]

    Flow([one, two], ends).run(engine=fake_engine(2)).join(60)

    assert [collected(tmp_path / f"{n}.json")[0][1] for n in ("one", "two")] == [
        "cuda:0",
        "cuda:1",
    ]


def test_a_tap_gets_copies_in_host_memory() -> None:
    """Whoever iterates a flow gets frames that are his own, wherever they were made."""
    source = Pictures(5)
    flow = Flow([source], [])
    items = flow.stream(Brighter()(source))
    flow.run(engine=fake_engine())

    got = [(frame.pixels.unique().tolist(), frame.pixels.device.type) for frame in items]

    assert got == [([n], "cpu") for n in range(1, 6)]


def test_a_killed_reader_leaves_nothing(tmp_path: Path) -> None:
    """When a worker that reads slots of a device is killed, the flow ends with all of it."""
    source = Pictures(10_000)
    flow = Flow([source], [Collect(tmp_path / "got.json")(Dies(5)(Brighter()(source)))])

    with pytest.raises(WorkerDiedError):
        flow.run(engine=fake_engine()).join(60)


class Dies(ProcessorNode):
    """Kills its worker at frame ``at``."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at

    def process(self, *inputs: Frame) -> int:
        if inputs[0].index == self._at:
            os.kill(os.getpid(), signal.SIGKILL)
        return int(inputs[0].pixels[0, 0])


def test_a_stopped_flow_gives_its_memory_back(tmp_path: Path) -> None:
    """Readers let go before owners free, also when somebody stops the flow."""
    source = Pictures(1_000_000)
    flow = Flow([source], [Collect(tmp_path / "got.json")(Sums()(Brighter()(source)))])
    flow.run(engine=fake_engine())
    wait_until(lambda: flow.progress().num_done > 20)

    flow.stop()

    assert flow.join(60).ending == "stopped"


class Greedy(Values):
    """Runs out of memory with more than two frames."""

    def process_batch(self, batch: Sequence[Frame]) -> list[Any]:
        if len(batch) > 2:
            raise MemoryError
        return super().process_batch(batch)


def test_a_device_out_of_memory_gets_back_what_is_kept_for_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a smaller batch is tried, the device gets its unused memory back."""
    log = tmp_path / "log"
    monkeypatch.setenv(LOG, str(log))
    source = Pictures(16)

    got, _ = run(tmp_path, [source], Greedy(max_batch_size=4)(source))

    assert [values for values, _ in got] == [[n] for n in range(16)]
    assert any(words[1] == "trim" for words in log_lines(log))
