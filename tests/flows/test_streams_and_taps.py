from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.flows.nodes import (
    Collect,
    Drop,
    Numbers,
    Same,
    assert_ledger_adds_up,
    collected,
    wait_until,
)
from tests.quiet_clock import QuietClock
from videoflow.core import ConsumerNode, Flow, FlowType, FunctionProcessor, Streams
from videoflow.errors import FlowStateError, NodeError


@pytest.mark.parametrize(
    "num", [pytest.param(n, id=name) for n, name in ((0, "empty"), (1, "one"), (3000, "many"))]
)
def test_a_batch_tap_yields_all_in_order(num: int) -> None:
    """In a batch flow a loop over a node sees each output, in order, and ends with the flow."""
    numbers = Numbers(num)
    flow = Flow([numbers], [Drop()(numbers)])

    got = list(flow.stream(numbers))

    assert got == list(range(num))
    assert not flow.is_running
    assert flow.join().streams[0].num_delivered == num


def test_a_batch_producer_waits_for_the_reader() -> None:
    """A slow reader holds the producer back: what is between them is bounded."""
    picture = np.zeros(100_000, np.uint8)
    numbers = Numbers(500)
    pictures = FunctionProcessor(lambda n: (n, picture))(numbers)
    flow = Flow([numbers], [Drop()(pictures)])

    with flow:
        items = flow.stream(pictures)
        first = next(items)
        num_read = settled(lambda: flow.progress().num_read)
        items.close()

    assert first[0] == 0
    assert 1 <= num_read < 100


def settled(ask: Any) -> Any:
    """Return what ``ask()`` says once it says the same for a while."""
    last, since = ask(), time.monotonic()
    deadline = since + 10
    while time.monotonic() - since < 0.3:
        time.sleep(0.02)
        if (now := ask()) != last:
            last, since = now, time.monotonic()
        assert time.monotonic() < deadline
    return last


def test_a_realtime_tap_never_holds_the_flow_back() -> None:
    """In a realtime flow a reader that does not read costs no frame at the consumers."""
    numbers = Numbers(300, pause_seconds=0.001)
    flow = Flow([numbers], [Drop()(numbers)], "realtime")
    items = flow.stream(numbers)

    first = next(items)
    wait_until(lambda: flow.progress().num_read == 300)
    rest = list(items)

    report = flow.join()
    assert first < 100
    assert rest == sorted(rest)
    assert_ledger_adds_up(report)
    assert report.ending == "finished"


def test_a_realtime_tap_keeps_the_newest() -> None:
    """A slow reader of a realtime flow gets what is new, not what has waited for long."""
    numbers = Numbers(pause_seconds=0.002)
    flow = Flow([numbers], [Drop()(numbers)], "realtime")

    with flow:
        items = flow.stream(numbers)
        next(items)
        wait_until(lambda: flow.progress().num_read > 1000)
        num_read = flow.progress().num_read
        next(items)  # may have been on its way
        fresh = next(items)

    assert fresh > num_read - 100


@pytest.mark.parametrize("flow_type", ["batch", "realtime"])
def test_leaving_the_loop_ends_the_tap_not_the_flow(
    flow_type: FlowType, tmp_path: Path
) -> None:
    """After a ``break`` the flow runs on to its end, and consumers get everything."""
    numbers = Numbers(2000)
    flow = Flow([numbers], [Collect(tmp_path / "got")(numbers)], flow_type)

    for item in flow.stream(numbers):
        if item >= 3:
            break
    report = flow.join(30)

    got = collected(tmp_path / "got")
    assert got[-1] == 1999
    assert report.ending == "finished"
    assert flow_type == "realtime" or got == list(range(2000))


@pytest.mark.parametrize("flow_type", ["batch", "realtime"])
@pytest.mark.parametrize(
    ("first", "second"),
    [pytest.param(10, 20_000, id="short-first"), pytest.param(20_000, 10, id="long-first")],
)
def test_taps_side_by_side_end_with_the_shorter(
    first: int, second: int, flow_type: FlowType
) -> None:
    """``zip`` over two taps does not wait for the longer, and the flow runs on to its end."""
    one, other = Numbers(first, name="one"), Numbers(second, name="other")
    flow = Flow([one, other], [Drop()(Streams(one, other))], flow_type)

    pairs = list(zip(flow.stream(one), flow.stream(other), strict=False))
    report = flow.join(30)

    assert len(pairs) <= 10
    assert flow_type == "realtime" or pairs == [(n, n) for n in range(10)]
    assert report.ending == "finished"
    assert [stream.num_read for stream in report.streams] == [first, second]


def test_taps_side_by_side_raise_what_broke_the_flow() -> None:
    """The loop whose tap breaks off raises, also when another tap is there."""
    numbers = Numbers()
    broken = FunctionProcessor(lambda n: 1 // (5 - n), name="broken")(numbers)
    flow = Flow([numbers], [Drop()(broken)])

    with pytest.raises(NodeError, match="ZeroDivisionError"):
        list(zip(flow.stream(broken), flow.stream(numbers), strict=False))


def test_an_iterator_can_be_closed() -> None:
    """An iterator that is kept ends its tap with ``close()``."""
    numbers = Numbers(2000)
    flow = Flow([numbers], [Drop()(numbers)])
    items = flow.stream(numbers)

    first = next(items)
    items.close()

    assert first == 0
    assert flow.join(30).streams[0].num_delivered == 2000


def test_an_exception_in_the_loop_ends_the_tap() -> None:
    """An exception in the loop's body is the caller's; the flow runs on without a reader."""
    numbers = Numbers(2000)
    flow = Flow([numbers], [Drop()(numbers)])

    def look() -> None:
        for item in flow.stream(numbers):
            raise KeyError(item)

    with pytest.raises(KeyError):
        look()

    assert flow.join(30).streams[0].num_delivered == 2000


def test_two_taps_side_by_side() -> None:
    """Two nodes can be looked at in one loop."""
    numbers = Numbers(1500)
    doubled = FunctionProcessor(lambda n: 2 * n)(numbers)
    flow = Flow([numbers], [Drop()(doubled)])

    pairs = list(zip(flow.stream(numbers), flow.stream(doubled), strict=True))

    assert pairs == [(n, 2 * n) for n in range(1500)]


def test_taps_of_two_streams_yield_each_in_order() -> None:
    """A tap on a merge yields the items of each stream in their order."""
    a, b = Numbers(200, name="a"), Numbers(300, name="b")
    named = Streams(
        FunctionProcessor(lambda n: ("a", n))(a), FunctionProcessor(lambda n: ("b", n))(b)
    )
    both = Same()(named)
    flow = Flow([a, b], [Drop()(both)])

    got = list(flow.stream(both))

    assert [n for name, n in got if name == "a"] == list(range(200))
    assert [n for name, n in got if name == "b"] == list(range(300))


def test_items_of_a_tap_are_copies() -> None:
    """What a loop yields belongs to the loop: it may be kept and written to."""
    numbers = Numbers(50)
    pictures = FunctionProcessor(lambda n: np.full(10_000, n, np.uint8))(numbers)
    flow = Flow([numbers], [Drop()(pictures)])

    kept = list(flow.stream(pictures))

    for number, picture in enumerate(kept):
        assert (picture == number).all()
        picture[:] = 0


def test_a_flow_can_be_streamed_and_run_again() -> None:
    """A tap is there for one run: later runs neither wait for its reader nor repeat it."""
    numbers = Numbers(2000)
    flow = Flow([numbers], [Drop()(numbers)])

    first = list(flow.stream(numbers))
    flow.run().join(30)
    second = list(flow.stream(numbers))

    assert first == second == list(range(2000))


def test_a_stream_must_be_asked_for_before_the_run() -> None:
    """A flow that runs cannot be tapped any more; the message says what to do."""
    numbers = Numbers(pause_seconds=0.01)
    with Flow([numbers], [Drop()(numbers)]).run() as flow:
        with pytest.raises(FlowStateError) as refused:
            flow.stream(numbers)
        flow.stop()

    assert str(refused.value) == (
        "flow 'flow' is running already\n  help: call stream() before run()"
    )


class Broken(ConsumerNode):
    def consume(self, *inputs: Any) -> None:
        if inputs[0] == 5:
            raise RuntimeError("no more")


def test_the_loop_raises_what_broke_the_flow() -> None:
    """When the flow breaks, the loop over a tap ends with the error."""
    numbers = Numbers()
    flow = Flow([numbers], [Broken()(numbers)])

    with pytest.raises(NodeError, match="RuntimeError: no more"):
        for _ in flow.stream(numbers):
            pass


def test_stop_ends_the_loop() -> None:
    """After ``stop()`` the loop still gets what had entered, and ends."""
    numbers = Numbers()
    flow = Flow([numbers], [Drop()(numbers)])
    got = []

    for item in flow.stream(numbers):
        got.append(item)
        if item == 10:
            flow.stop()

    assert got == list(range(len(got)))
    assert flow.join().streams[0].num_delivered == len(got)


def test_with_joins_a_flow_that_has_ended() -> None:
    """Leaving ``with`` when the flow has ended raises what broke it."""
    numbers = Numbers()
    flow = Flow([numbers], [Broken()(numbers)])

    def watch() -> None:
        with flow:
            flow.run()
            wait_until(lambda: not flow.is_running)

    with pytest.raises(NodeError):
        watch()


@pytest.mark.parametrize("flow_type", ["batch", "realtime"])
def test_with_stops_a_flow_that_runs(flow_type: FlowType) -> None:
    """Leaving ``with`` ends the flow, within seconds, also in the middle of a loop."""
    numbers = Numbers()
    clock = QuietClock()

    with Flow([numbers], [Drop()(numbers)], flow_type) as flow:
        for item in flow.stream(numbers):
            if item > 3:
                break

    assert not flow.is_running
    assert flow.report.ending == "stopped"
    assert clock.seconds() < 8


def test_with_passes_an_exception_on_at_once() -> None:
    """An exception inside ``with`` ends the flow without waiting for readers of taps."""
    numbers = Numbers()
    flow = Flow([numbers], [Drop()(numbers)])

    def look() -> None:
        with flow:
            for item in flow.stream(numbers):
                raise KeyError(item)

    with pytest.raises(KeyError):
        look()

    assert not flow.is_running
    assert flow.report.ending == "stopped"
    assert "was killed" not in str(flow.report)


def test_with_is_nothing_for_a_flow_that_never_ran() -> None:
    """A flow that was never started is left as it is."""
    numbers = Numbers(1)

    with Flow([numbers], [Drop()(numbers)]) as flow:
        pass

    assert not flow.is_running


def test_a_loop_in_another_thread() -> None:
    """A tap may be read in a thread of its own while the main thread joins."""
    numbers = Numbers(2000)
    flow = Flow([numbers], [Drop()(numbers)])
    got: list[int] = []
    items = flow.stream(numbers)
    flow.run()
    thread = threading.Thread(target=lambda: got.extend(items))
    thread.start()

    report = flow.join(30)
    thread.join(10)

    assert got == list(range(2000))
    assert report.ending == "finished"
