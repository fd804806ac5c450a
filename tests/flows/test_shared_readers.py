"""Sources of one GPU as threads of one worker; the GPU is host memory behind its interface."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.fake_device import fake_engine
from tests.flows.nodes import (
    END_SECONDS,
    Collect,
    Numbers,
    assert_ledger_adds_up,
    collected,
    keeper_of,
    wait_for_frames,
    wait_until,
    workers_of,
)
from videoflow.core import BatchProcessorNode, Flow, FlowType, Streams
from videoflow.data import Frame, Stamp
from videoflow.errors import NodeError, WorkerDiedError
from videoflow.runtime import placement as placing
from videoflow.runtime.placement import Placement

pytestmark = pytest.mark.usefixtures("few_cores")
both_types = pytest.mark.parametrize("flow_type", ["batch", "realtime"])
SIZE = (32, 48)


@pytest.fixture
def few_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all sources share one worker, whatever machine this is."""
    monkeypatch.setattr(placing, "num_cores", lambda: 2)


class Camera(Numbers):
    """Gives frames on its device, and the process that made them; may block or break."""

    auto_device = "gpu"
    preload: ClassVar[tuple[str, ...]] = ("torch",)

    def __init__(self, num: int, *, breaks_at: int | None = None, **rest: Any) -> None:
        super().__init__(num, **rest)
        self.breaks_at = breaks_at

    def next(self) -> Any:
        at = super().next()
        if at == self.breaks_at:
            raise ValueError("the lens is gone")
        buffer = self.slot_tensor((SIZE[0] * 3 // 2, SIZE[1])).fill_((at + 7) % 251)
        return Frame(buffer, Stamp(self.stream, at, float(os.getpid()), SIZE))


class Looks(BatchProcessorNode):
    """Says the stream, the index and the process of frames, and what their pixels show."""

    def process_batch(self, batch: Sequence[Frame]) -> list[Any]:
        return [
            [
                f.stamp.stream,
                f.index,
                sorted(set(f.pixels.flatten().tolist())),
                f.stamp.pts_seconds,
            ]
            for f in batch
        ]


def cameras(num: int, num_frames: int, **options: Any) -> list[Camera]:
    return [Camera(num_frames, name=f"c{n}", **options) for n in range(num)]


def apart(sources: Sequence[Camera], tmp_path: Path) -> list[Collect]:
    """Give each source its own way to a file that has its name."""
    return [Collect(tmp_path / s.name)(Looks(max_batch_size=1)(s)) for s in sources]


def by_stream(rows: Sequence[Any]) -> dict[str, list[Any]]:
    """Return indices and pixels of each stream, in the order in which they came."""
    found: dict[str, list[Any]] = {}
    for stream, index, pixels, _pid in rows:
        found.setdefault(stream, []).append([index, pixels])
    return found


def heard(tmp_path: Path, name: str) -> Any:
    return json.loads((tmp_path / name).read_text())["heard"]


@pytest.mark.parametrize("num", [2, 32])
def test_results_are_those_of_one_process_each(
    num: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In batch mode each stream comes whole and in order, from one process or from many."""
    monkeypatch.setattr(placing, "MAX_READERS", 32)
    monkeypatch.setenv("VIDEOFLOW_POISON_SLOTS", "1")
    others: tuple[Placement, ...] = ("process", "fused") if num == 2 else ()
    got: dict[str, list[Any]] = {}

    for placement in ("auto", *others):
        path = tmp_path / placement
        sources = cameras(num, 25)
        last = Collect(path)(Looks(max_batch_size=4)(Streams(*sources)))
        Flow(sources, [last], placement=placement).run(engine=fake_engine()).join(60)
        got[placement] = collected(path)

    assert len({pid for *_, pid in got["auto"]}) == 1
    want = {f"c{c}": [[n, [n + 7]] for n in range(25)] for c in range(num)}
    assert by_stream(got["auto"]) == want
    for placement in others:
        assert by_stream(got[placement]) == want
    if others:
        assert len({pid for *_, pid in got["process"]}) == num


@both_types
def test_a_blocked_source_holds_up_no_other(flow_type: FlowType, tmp_path: Path) -> None:
    """Of two sources in one worker one may block for an hour: the other comes to its end."""
    blocked = Camera(50, blocks_at=3, name="blocked")
    free = Camera(50, pause_seconds=0.002, name="free")
    flow = Flow([blocked, free], apart([blocked, free], tmp_path), flow_type)
    flow.run(engine=fake_engine())

    wait_until(lambda: flow.progress().num_done == 53, "all of one, and three of the other")
    begin = time.monotonic()
    flow.stop()
    report = flow.join(30)

    assert time.monotonic() - begin < END_SECONDS
    assert_ledger_adds_up(report)
    assert [s.num_read for s in report.streams] == [3, 50]
    assert not any("killed" in note for note in report.notes)
    assert heard(tmp_path, "free") == [["free", "finished"]]
    assert heard(tmp_path, "blocked") == [["blocked", "stopped"]]


@both_types
def test_many_blocked_sources_do_not_hold_up_stop(flow_type: FlowType, tmp_path: Path) -> None:
    """Sources that block are given up together, and not one after the other."""
    sources = [*cameras(7, 50, blocks_at=2), Camera(10**6, pause_seconds=0.002, name="free")]
    path = tmp_path / "got"
    flow = Flow(sources, [Collect(path)(Looks(max_batch_size=1)(Streams(*sources)))], flow_type)
    flow.run(engine=fake_engine())
    wait_until(lambda: flow.progress().num_read >= 14 + 3)
    begin = time.monotonic()

    flow.stop()
    report = flow.join(30)

    assert time.monotonic() - begin < END_SECONDS
    assert_ledger_adds_up(report)
    assert sum(s.num_failed for s in report.streams) == 0
    assert not any("killed" in note for note in report.notes)
    assert len(json.loads(path.read_text())["heard"]) == 8


@both_types
def test_an_error_names_its_node_and_stream(flow_type: FlowType, tmp_path: Path) -> None:
    """What breaks in one thread of three ends the flow under its own name."""
    good = cameras(2, 10**6, pause_seconds=0.002)
    bad = Camera(50, breaks_at=5, pause_seconds=0.002, name="bad")
    flow = Flow([*good, bad], apart([*good, bad], tmp_path), flow_type)

    with pytest.raises(NodeError, match="the lens is gone") as caught:
        flow.run(engine=fake_engine()).join(60)

    error = caught.value
    assert (error.node, error.stream, error.frame_index) == ("bad", "bad", 5)
    assert error.worker == "c0+c1+bad"
    assert_ledger_adds_up(flow.report)
    assert heard(tmp_path, "bad") == [["bad", "failed"]]


@both_types
def test_a_source_that_asks_to_exit_ends_the_flow(flow_type: FlowType, tmp_path: Path) -> None:
    """What is no ``Exception`` ends a thread, and the flow hears of it."""
    quits, other = Quits(50, name="quits"), Camera(10**6, pause_seconds=0.002, name="other")
    flow = Flow([quits, other], apart([quits, other], tmp_path), flow_type)

    with pytest.raises(NodeError, match=r"node 'quits'.*SystemExit"):
        flow.run(engine=fake_engine()).join(60)


class Quits(Camera):
    """Ends as a script would."""

    def next(self) -> Any:
        if self.at == 4:
            raise SystemExit
        return super().next()


def test_failures_that_are_forgiven_cost_no_other_frame(tmp_path: Path) -> None:
    """With ``on_error="skip"`` a thread reads on behind an item that broke."""
    sources = [Camera(20, breaks_at=5, on_error="skip", name="bad"), *cameras(1, 20)]
    flow = Flow(sources, apart(sources, tmp_path))

    report = flow.run(engine=fake_engine()).join(60)

    assert report.ending == "finished"
    assert [row[1] for row in collected(tmp_path / "bad")] == [n for n in range(20) if n != 5]
    assert [row[1] for row in collected(tmp_path / "c0")] == [*range(20)]


@both_types
def test_a_killed_worker_fails_all_its_streams(flow_type: FlowType, tmp_path: Path) -> None:
    """When the worker is killed, each of its streams fails at its own source."""
    sources = cameras(3, 10**6, pause_seconds=0.002)
    flow = Flow(sources, apart(sources, tmp_path), flow_type).run(engine=fake_engine())
    wait_for_frames(flow, 200)
    begin = time.monotonic()

    workers_of(keeper_of())[0].kill()
    with pytest.raises(WorkerDiedError) as caught:
        flow.join(60)

    assert time.monotonic() - begin < END_SECONDS
    assert caught.value.nodes == ("c0", "c1", "c2")
    assert_ledger_adds_up(flow.report)
    for stream in flow.report.streams:
        assert heard(tmp_path, stream.stream) == [[stream.stream, "failed"]]
        assert stream.failed.keys() <= {f"at {stream.stream}"}


def test_realtime_sources_drop_at_their_own_doors(tmp_path: Path) -> None:
    """Each thread keeps its newest frame at its door, and each stream has its ages."""
    sources = cameras(3, 60, pause_seconds=0.002)
    path = tmp_path / "got"
    slow = Collect(path, pause_seconds=0.005)(Looks(max_batch_size=1)(Streams(*sources)))

    report = Flow(sources, [slow], "realtime").run(engine=fake_engine()).join(60)

    assert_ledger_adds_up(report)
    for stream in report.streams:
        assert stream.dropped.keys() <= {f"stale at the door of {stream.stream}"}
        mine = [row[1] for row in collected(path) if row[0] == stream.stream]
        assert mine == sorted(set(mine))
        assert len(mine) == stream.num_delivered > 0
    assert {age.stream for age in report.ages if age.p50_seconds > 0} == {"c0", "c1", "c2"}


class Growing(Numbers):
    """Small items first, and large ones on the device later."""

    auto_device = "gpu"
    preload: ClassVar[tuple[str, ...]] = ("torch",)

    def next(self) -> Any:
        at = super().next()
        if at < 3000:
            return [self.name, at, []]
        pixels = self.slot_tensor((64, 64)).fill_(at % 251)
        return [self.name, at, pixels]


class LooksOut(BatchProcessorNode):
    """Says what ``Growing`` gave."""

    def process_batch(self, batch: Sequence[Any]) -> list[Any]:
        return [
            [name, at, pixels if isinstance(pixels, list) else pixels.unique().tolist()]
            for name, at, pixels in batch
        ]


def test_tickets_count_by_memory_again_when_something_large_turns_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read for a wide window waits at the door when the window is small again."""
    monkeypatch.setenv("VIDEOFLOW_POISON_SLOTS", "1")
    sources = [Growing(3300, name=name) for name in ("a", "b")]
    path = tmp_path / "got"
    flow = Flow(sources, [Collect(path)(LooksOut(max_batch_size=8)(Streams(*sources)))])

    report = flow.run(engine=fake_engine()).join(60)

    want = [[at, [at % 251] if at >= 3000 else []] for at in range(3300)]
    got = collected(path)
    assert {name: [row[1:] for row in got if row[0] == name] for name in "ab"} == {
        "a": want,
        "b": want,
    }
    assert [s.num_delivered for s in report.streams] == [3300, 3300]
