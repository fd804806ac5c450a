"""Whatever ends a flow, nothing of it is left within seconds, and its outputs are whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.flows.environment import python
from tests.flows.nodes import (
    END_SECONDS,
    PATIENCE_SECONDS,
    Collect,
    Drop,
    Numbers,
    Same,
    SameBatch,
    are_gone,
    assert_ledger_adds_up,
    collected,
    keeper_of,
    wait_for_frames,
    wait_until,
    workers_of,
)
from tests.flows.notebook import run_cells
from tests.quiet_clock import QuietClock
from videoflow.consumers import JsonLinesWriter
from videoflow.core import (
    BatchProcessorNode,
    ConsumerNode,
    Ending,
    Flow,
    FlowType,
    FunctionProcessor,
    PerStreamProcessorNode,
    ProcessorNode,
    ProducerNode,
    Streams,
)
from videoflow.core.engine import RunOptions
from videoflow.core.graph import Graph
from videoflow.errors import FlowStateError, NodeError, WorkerDiedError
from videoflow.runtime.local import LocalEngine, LocalRun

both_types = pytest.mark.parametrize("flow_type", ["batch", "realtime"])


def chain(path: Path, **options: Any) -> tuple[list[Numbers], list[ConsumerNode], list[str]]:
    """Return producers, consumers and worker names of a flow with one worker for each node."""
    numbers = Numbers(name="numbers", pause_seconds=0.002, **options)
    records = FunctionProcessor(lambda n: {"stream": "numbers", "n": n}, name="records")(
        numbers
    )
    batched = SameBatch(name="batched")(records)
    writer = JsonLinesWriter(path, name="writer")(batched)
    return [numbers], [writer], ["numbers", "records", "batched", "writer"]


def make_chain(path: Path, flow_type: FlowType = "batch", **options: Any) -> Flow:
    producers, consumers, _names = chain(path, **options)
    return Flow(producers, consumers, flow_type, placement="process")


def numbers_in(path: Path) -> list[int]:
    return [json.loads(line)["n"] for line in path.read_text().splitlines()]


# The call of stop


@both_types
def test_stop_delivers_what_has_entered(flow_type: FlowType, tmp_path: Path) -> None:
    """``stop()`` ends the sources; what has entered is delivered, and files get their names."""
    path = tmp_path / "out.jsonl"
    flow = make_chain(path, flow_type).run()
    wait_for_frames(flow)
    clock = QuietClock()

    flow.stop()
    report = flow.join()

    (stream,) = report.streams
    assert clock.seconds() < END_SECONDS
    assert report.ending == "stopped"
    assert stream.num_failed == 0
    assert stream.num_read == stream.num_delivered + stream.num_dropped
    assert len(numbers_in(path)) == stream.num_delivered > 0
    assert flow_type == "realtime" or stream.num_dropped == 0


def test_stop_from_another_thread() -> None:
    """Any thread may stop a flow that another one joins."""
    numbers = Numbers(pause_seconds=0.002)
    flow = Flow([numbers], [Drop()(numbers)]).run()

    def stop() -> None:
        wait_for_frames(flow)
        flow.stop()

    thread = threading.Thread(target=stop)
    thread.start()

    report = flow.join(30)
    thread.join()

    assert report.ending == "stopped"


def test_stop_before_the_flow_is_ready(tmp_path: Path) -> None:
    """A flow that is stopped at once ends, whether or not its nodes were open yet."""
    for delay in (0.0, 0.05, 0.2):
        flow = make_chain(tmp_path / "out.jsonl").run()
        time.sleep(delay)
        clock = QuietClock()
        flow.stop()

        report = flow.join(30)

        assert report.ending == "stopped"
        assert clock.seconds() < END_SECONDS
        assert_ledger_adds_up(report)


class SlowToOpen(Drop):
    def open(self) -> None:
        time.sleep(3600)


def test_stop_while_a_node_opens() -> None:
    """A node that is slow to open does not hold up the end."""
    numbers = Numbers()
    flow = Flow([numbers], [SlowToOpen()(numbers)], placement="process").run()
    wait_until(lambda: len(workers_of(keeper_of())) == 2)
    clock = QuietClock()

    flow.stop()
    report = flow.join(30)

    assert report.ending == "stopped"
    assert clock.seconds() < END_SECONDS + 0.5


@both_types
@pytest.mark.parametrize("placement", ["process", "fused"])
def test_a_producer_that_blocks_does_not_hold_up_stop(
    flow_type: FlowType, placement: Any, tmp_path: Path
) -> None:
    """A source whose ``next`` blocks for an hour is given up within the bounded time."""
    numbers = Numbers(blocks_at=20, pause_seconds=0.001, name="numbers")
    path = tmp_path / "got"
    flow = Flow([numbers], [Collect(path)(numbers)], flow_type, placement=placement).run()
    wait_until(lambda: flow.progress().num_read >= 20)
    clock = QuietClock()

    flow.stop()
    report = flow.join(30)

    assert clock.seconds() < END_SECONDS
    assert report.ending == "stopped"
    assert_ledger_adds_up(report)
    assert report.streams[0].num_failed == 0
    if placement == "process" or flow_type == "realtime":
        assert json.loads(path.read_text())["heard"] == [["numbers", "stopped"]]


def test_stop_twice_and_after_the_end() -> None:
    """Stopping again, or too late, does no harm."""
    numbers = Numbers(5)
    flow = Flow([numbers], [Drop()(numbers)]).run()
    flow.stop()
    flow.stop()
    flow.join()

    flow.stop()

    assert not flow.is_running
    assert flow.join().ending in ("stopped", "finished")


@pytest.mark.parametrize(
    "call", [Flow.join, Flow.stop, Flow.progress], ids=lambda f: f.__name__
)
def test_a_flow_that_was_not_started_says_so(call: Callable[[Flow], object]) -> None:
    """A call that needs a started flow says that ``run()`` comes first."""
    numbers = Numbers(1)
    flow = Flow([numbers], [Drop()(numbers)])

    with pytest.raises(FlowStateError) as refused:
        call(flow)

    assert str(refused.value) == "flow 'flow' was not started\n  help: call run() first"


def test_join_with_a_limit_lets_the_flow_run_on() -> None:
    """``join`` with a time limit raises when it is over, and the flow goes on."""
    numbers = Numbers(pause_seconds=0.01)
    flow = Flow([numbers], [Drop()(numbers)]).run()

    with pytest.raises(FlowStateError, match=r"has not ended after 0\.05 s"):
        flow.join(0.05)
    with pytest.raises(FlowStateError, match="is running already"):
        flow.run()
    with pytest.raises(FlowStateError, match="has not ended"):
        _ = flow.report

    flow.stop()
    assert flow.join(30).ending == "stopped"


def test_a_flow_can_be_run_again(tmp_path: Path) -> None:
    """After its end a flow can be run again, with fresh nodes."""
    numbers = Numbers(10)
    flow = Flow([numbers], [Collect(tmp_path / "got")(numbers)])

    for _ in range(2):
        report = flow.run().join(30)

        assert report.streams[0].num_delivered == 10
        assert collected(tmp_path / "got") == list(range(10))


# An exception in a node


class BadSource(Numbers):
    def __init__(self, where: str) -> None:
        super().__init__(name="bad", pause_seconds=0.001)
        self.where = where

    def open(self) -> None:
        fail(self.where, "open")

    def next(self) -> int:
        if self.at == 7:
            fail(self.where, "next")
        return super().next()

    def close(self) -> None:
        fail(self.where, "close")


class Bad(ProcessorNode):
    def __init__(self, where: str) -> None:
        super().__init__(name="bad")
        self.where = where

    def open(self) -> None:
        fail(self.where, "open")

    def process(self, *inputs: Any) -> Any:
        if inputs[0] == 7:
            fail(self.where, "process")
        return inputs[0]

    def flush(self) -> Iterator[Any]:
        yield 1
        fail(self.where, "flush")

    def close(self) -> None:
        fail(self.where, "close")


class BadFlushCall(Bad):
    def flush(self) -> Iterator[Any]:
        fail(self.where, "flush call")
        return iter(())


class BadStream(PerStreamProcessorNode[int]):
    def __init__(self, where: str) -> None:
        super().__init__(name="bad")
        self.where = where

    def make_state(self, stream: str) -> int:
        fail(self.where, "make_state")
        return 0

    def process(self, state: int, *inputs: Any) -> Any:
        if inputs[0] == 7:
            fail(self.where, "process")
        return inputs[0]

    def flush(self, state: int) -> Iterator[Any]:
        fail(self.where, "flush call")
        return iter(())


class BadBatch(BatchProcessorNode):
    def __init__(self, where: str) -> None:
        super().__init__(name="bad", max_batch_size=4)
        self.where = where

    def process_batch(self, batch: Sequence[Any]) -> Sequence[Any]:
        if 7 in batch:
            fail(self.where, "process_batch")
        return batch


class BadSink(ConsumerNode):
    def __init__(self, where: str) -> None:
        super().__init__(name="bad")
        self.where = where

    def open(self) -> None:
        fail(self.where, "open")

    def consume(self, *inputs: Any) -> None:
        if inputs[0] == 7:
            fail(self.where, "consume")

    def end_stream(self, stream: str, ending: Ending) -> None:
        fail(self.where, "end_stream")

    def close(self) -> None:
        fail(self.where, "close")


def fail(where: str, here: str) -> None:
    if where == here:
        raise RuntimeError(f"as asked for in {here}")


AT_THE_END = ("flush", "flush call", "end_stream", "close")

FAILURES = [
    (BadSource, "open", None, None),
    (BadSource, "next", "bad", 7),
    (BadSource, "close", None, None),
    (Bad, "open", None, None),
    (Bad, "process", "source", 7),
    (Bad, "flush", "source", 21),
    (Bad, "close", None, None),
    (BadFlushCall, "flush call", "source", 20),
    (BadStream, "make_state", "source", 0),
    (BadStream, "process", "source", 7),
    (BadStream, "flush call", "source", 20),
    (BadBatch, "process_batch", "source", 4),
    (BadSink, "open", None, None),
    (BadSink, "consume", "source", 7),
    (BadSink, "end_stream", "source", None),
    (BadSink, "close", None, None),
]


def failing_flow(kind: type[Any], where: str, writer: Path, **options: Any) -> Flow:
    """Return a flow with a bad node, and a writer that must not publish what is not whole."""
    num = 20 if where in AT_THE_END else 100_000
    bad = kind(where)
    source: ProducerNode = Numbers(num, name="source", pause_seconds=0.001)
    if isinstance(bad, BadSource):
        source, bad.num = bad, num
    last = source if isinstance(bad, ProducerNode | ConsumerNode) else bad(source)
    consumers: list[ConsumerNode] = [JsonLinesWriter(writer, name="writer")(last)]
    if isinstance(bad, ConsumerNode):
        consumers.append(bad(source))
    return Flow([source], consumers, **options)


@pytest.mark.parametrize("placement", ["process", "fused"])
@pytest.mark.parametrize(
    ("kind", "where", "stream", "frame"),
    FAILURES,
    ids=[f"{kind.__name__}-{where.replace(' ', '-')}" for kind, where, _, _ in FAILURES],
)
def test_an_exception_in_a_node_ends_the_flow(
    kind: type[Any],
    where: str,
    stream: str | None,
    frame: int | None,
    placement: Any,
    tmp_path: Path,
) -> None:
    """An exception anywhere in a node ends the flow with one error that names the place."""
    path = tmp_path / "out.jsonl"
    flow = failing_flow(kind, where, path, placement=placement)
    clock = QuietClock()

    with pytest.raises(NodeError) as failed:
        flow.run().join(30)

    error = failed.value
    assert clock.seconds() < END_SECONDS + 2  # a start takes its time
    assert (error.node, error.stream, error.frame_index) == ("bad", stream, frame)
    assert f"RuntimeError: as asked for in {where}" in str(error)
    assert f"fail(self.where, {where!r})".replace("'", '"') in error.remote_traceback
    assert any("in the worker:" in note for note in error.__notes__)
    assert flow.report.ending == "failed"
    assert_ledger_adds_up(flow.report)
    if where not in ("close", "end_stream"):
        assert not path.exists()
    assert not list(tmp_path.glob(".*partial"))


@both_types
def test_an_exception_in_realtime_and_batch_is_the_same(
    flow_type: FlowType, tmp_path: Path
) -> None:
    """A failing source ends a flow of either type, with its name and frame."""
    flow = failing_flow(BadSource, "next", tmp_path / "out.jsonl", flow_type=flow_type)

    with pytest.raises(NodeError) as failed:
        flow.run().join(30)

    assert (failed.value.node, failed.value.stream) == ("bad", "bad")
    assert_ledger_adds_up(flow.report)
    assert not (tmp_path / "out.jsonl").exists()


# A killed process


@both_types
@pytest.mark.parametrize("number", range(4), ids=["numbers", "records", "batched", "writer"])
def test_a_killed_worker_ends_the_flow(
    number: int, flow_type: FlowType, tmp_path: Path
) -> None:
    """After a kill -9 of any worker the flow ends, says which, and accounts for each frame."""
    producers, consumers, names = chain(tmp_path / "out.jsonl")
    flow = Flow(producers, consumers, flow_type, placement="process").run()
    wait_for_frames(flow)
    workers = workers_of(keeper_of())
    clock = QuietClock()

    workers[number].kill()
    with pytest.raises(WorkerDiedError) as failed:
        flow.join(30)

    error = failed.value
    assert clock.seconds() < END_SECONDS
    assert (error.worker, error.nodes) == (names[number], (names[number],))
    assert error.exit_code == -signal.SIGKILL
    assert f"worker {names[number]!r} (nodes {names[number]}) was killed by SIGKILL" in str(
        error
    )
    assert flow.report.ending == "failed"
    assert_ledger_adds_up(flow.report)
    assert are_gone(workers)
    assert not (tmp_path / "out.jsonl").exists()


def test_each_worker_holds_its_own_channels_only(tmp_path: Path) -> None:
    """A worker has no end of a channel between others: a dead one is seen at once."""
    flow = make_chain(tmp_path / "out.jsonl").run()
    wait_for_frames(flow)
    pipes = [pipes_of(worker) for worker in workers_of(keeper_of())]

    flow.stop()
    flow.join()

    shared = [set(one) & set(other) for one, other in pairwise(pipes)]
    everybody = set.intersection(*map(set, pipes))
    assert len(everybody) == 2  # standard output and standard error
    assert [len(ends - everybody) for ends in shared] == [1, 1, 1]
    assert not (set(pipes[0]) & set(pipes[2])) - everybody
    assert not (set(pipes[0]) & set(pipes[3])) - everybody


def pipes_of(process: psutil.Process) -> list[str]:
    found = []
    for entry in Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            target = os.readlink(entry)
        except OSError:
            continue
        if target.startswith("pipe:"):
            found.append(target)
    return found


def test_a_killed_keeper_ends_the_flow(tmp_path: Path) -> None:
    """After a kill -9 of the keeper its workers die with it, and the flow says so."""
    flow = make_chain(tmp_path / "out.jsonl").run()
    wait_for_frames(flow)
    keeper = keeper_of()
    workers = workers_of(keeper)
    clock = QuietClock()

    keeper.kill()
    with pytest.raises(WorkerDiedError, match="the keeper of its workers was killed"):
        flow.join(30)

    wait_until(lambda: are_gone(workers))
    assert clock.seconds() < END_SECONDS
    assert_ledger_adds_up(flow.report)
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("number", [0, 1], ids=["door", "hall"])
def test_a_killed_source_of_two_ends_the_flow(number: int, tmp_path: Path) -> None:
    """Of two sources either may die: the ledger of both adds up."""
    a, b = (Numbers(name=name, pause_seconds=0.002) for name in ("door", "hall"))
    merged = Same(nb_tasks=2)(Streams(a, b))
    flow = Flow([a, b], [Collect(tmp_path / "got")(merged)], placement="process").run()
    wait_for_frames(flow)
    clock = QuietClock()

    workers_of(keeper_of())[number].kill()
    with pytest.raises(WorkerDiedError, match="door" if number == 0 else "hall"):
        flow.join(30)

    assert clock.seconds() < END_SECONDS
    assert_ledger_adds_up(flow.report)


# Scripts: Ctrl-C, a killed parent, an exit without join

SCRIPT = """\
import sys
from pathlib import Path
from tests.flows.nodes import Numbers, SameBatch
from videoflow.consumers import JsonLinesWriter
from videoflow.core import Flow, FunctionProcessor

folder = Path(sys.argv[1])
numbers = Numbers(pause_seconds=0.002, blocks_at={blocks_at}, name="numbers")
records = FunctionProcessor(lambda n: {{"n": n}})(numbers)
writer = JsonLinesWriter(folder / "out.jsonl")(SameBatch(max_batch_size=1)(records))
flow = Flow([numbers], [writer], {flow_type!r}, placement="process")
flow.run()
while flow.progress().num_done < 5:
    pass
print("under way", flush=True)
sys.stdin.readline()
print("going on", flush=True)
{then}
"""


class Script:
    """A script with a flow, in a session of its own, once its flow is under way."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._expect("under way\n")
        # The script waits until its family is known: it may end in its next line.
        self.family = psutil.Process(process.pid).children(recursive=True)
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        self._expect("going on\n")
        self.clock = QuietClock()
        assert len(self.family) >= 4

    def _expect(self, line: str) -> None:
        assert self.process.stdout is not None
        if (got := self.process.stdout.readline()) != line:
            self.process.kill()
            pytest.fail(f"got {got!r}, want {line!r}: {self.process.communicate()[1]}")

    def end(self) -> tuple[int, str]:
        """Wait for the end of all its processes; return the exit code and standard error."""
        _, errors = self.process.communicate(timeout=PATIENCE_SECONDS)
        wait_until(lambda: are_gone(self.family), "the end of all workers")
        assert self.clock.seconds() < END_SECONDS + 1
        return self.process.returncode, errors


@contextmanager
def under_way(folder: Path, then: str, **options: Any) -> Iterator[Script]:
    settings = {"blocks_at": None, "flow_type": "batch", **options}
    path = folder / "script.py"
    path.write_text(SCRIPT.format(then=then, **settings))
    with python(str(path), str(folder)) as process:
        yield Script(process)


@both_types
@pytest.mark.parametrize("blocks_at", [None, 5], ids=["runs", "blocks"])
def test_ctrl_c_in_a_terminal(
    flow_type: FlowType, blocks_at: int | None, tmp_path: Path
) -> None:
    """Ctrl-C while ``join`` waits stops the flow in good order; the script fails."""
    options: dict[str, Any] = {"flow_type": flow_type, "blocks_at": blocks_at}
    with under_way(tmp_path, "flow.join()", **options) as script:
        os.killpg(script.process.pid, signal.SIGINT)
        code, errors = script.end()

    assert code not in (0, None)
    assert errors.count("Traceback") == 1
    assert errors.rstrip().endswith("KeyboardInterrupt")
    lines = numbers_in(tmp_path / "out.jsonl")
    assert lines == sorted(lines)
    assert not list(tmp_path.glob(".*partial"))


def test_ctrl_c_outside_join(tmp_path: Path) -> None:
    """Ctrl-C anywhere in a script ends its flow, with the warning of a flow nobody joined."""
    with under_way(tmp_path, "while True: pass") as script:
        os.killpg(script.process.pid, signal.SIGINT)
        code, errors = script.end()

    assert code not in (0, None)
    assert "KeyboardInterrupt" in errors
    assert not list(tmp_path.glob(".*partial"))


def test_ctrl_c_while_the_flow_starts(tmp_path: Path) -> None:
    """Ctrl-C before anything runs ends the script with one traceback and leaves nothing."""
    for delay in (0.0, 0.02, 0.05, 0.1, 0.15):
        script = tmp_path / "script.py"
        script.write_text(
            "from tests.flows.nodes import Drop, Numbers\n"
            "from videoflow.core import Flow\n"
            # Python 3.11 makes two tracebacks of a Ctrl-C while it makes a data class.
            "import videoflow.runtime.local\n"
            "numbers = Numbers()\n"
            "flow = Flow([numbers], [Drop()(numbers)])\n"
            "print('now', flush=True)\n"
            "flow.run()\n"
            "flow.join()\n"
        )
        with python(str(script)) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(delay)
            family = psutil.Process(process.pid).children(recursive=True)

            os.killpg(process.pid, signal.SIGINT)
            _, errors = process.communicate(timeout=PATIENCE_SECONDS)

        assert process.returncode not in (0, None)
        assert errors.count("Traceback (most recent call last)") == 1, errors
        wait_until(partial(are_gone, family))


def test_ctrl_c_before_run_returns_ends_the_flow() -> None:
    """No flow is left to itself because Ctrl-C came just before it was handed over."""

    class InterruptedEngine(LocalEngine):
        def start(self, graph: Graph, options: RunOptions) -> LocalRun:
            run = super().start(graph, options)
            os.kill(os.getpid(), signal.SIGINT)
            return run

    numbers = Numbers(pause_seconds=0.01)
    flow = Flow([numbers], [Drop()(numbers)])

    with pytest.raises(KeyboardInterrupt):
        flow.run(InterruptedEngine())

    assert not flow.is_running
    assert flow.report.ending == "stopped"


def test_a_killed_script_takes_its_flow_along(tmp_path: Path) -> None:
    """After a kill -9 of the caller's process nothing is left, and no file is half-written."""
    with under_way(tmp_path, "flow.join()") as script:
        script.process.kill()
        code, _errors = script.end()

    assert code == -signal.SIGKILL
    assert not (tmp_path / "out.jsonl").exists()


def test_a_terminated_script_takes_its_flow_along(tmp_path: Path) -> None:
    """In a script SIGTERM ends the caller, and the workers follow."""
    with under_way(tmp_path, "flow.join()") as script:
        os.killpg(script.process.pid, signal.SIGTERM)
        code, _errors = script.end()

    assert code == -signal.SIGTERM
    assert not (tmp_path / "out.jsonl").exists()


def test_a_killed_worker_fails_the_script(tmp_path: Path) -> None:
    """A script whose worker was killed ends with the error, and not with code 0."""
    with under_way(tmp_path, "flow.join()") as script:
        workers_of(keeper_of(script.process.pid))[1].kill()
        code, errors = script.end()

    assert code == 1
    assert "WorkerDiedError" in errors
    assert "was killed by SIGKILL" in errors
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("blocks_at", [None, 5], ids=["runs", "blocks"])
def test_a_flow_that_nobody_joined_is_stopped_at_exit(
    blocks_at: int | None, tmp_path: Path
) -> None:
    """A script that ends without ``join`` stops its flow, warns, and leaves whole files."""
    then = "import warnings; warnings.simplefilter('default')"
    with under_way(tmp_path, then, blocks_at=blocks_at) as script:
        code, errors = script.end()

    assert code == 0
    assert (
        "ResourceWarning: flow 'flow' was still running at exit and is stopped: call join()"
    ) in errors
    assert numbers_in(tmp_path / "out.jsonl")


def test_sigterm_to_the_command_line(tmp_path: Path) -> None:
    """``videoflow run`` ends in good order on SIGTERM: report, whole files, code 143."""
    config = tmp_path / "numbers.yaml"
    config.write_text(CONFIG)
    with python("-c", COMMAND, "run", str(config), folder=tmp_path) as process:
        partial = wait_for_partial(tmp_path)
        family = psutil.Process(process.pid).children(recursive=True)

        os.killpg(process.pid, signal.SIGTERM)
        output, errors = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 143, errors
    assert "stopped after" in output
    assert (tmp_path / "out.jsonl").read_text().splitlines()
    assert not partial.exists()
    wait_until(lambda: are_gone(family))


COMMAND = "import sys; from videoflow.app.cli import main; sys.exit(main())"

CONFIG = """\
nodes:
  numbers: {type: IntProducer, fps: 5000}
  out: {type: JsonLinesWriter, from: numbers, path: out.jsonl}
"""


def wait_for_partial(folder: Path) -> Path:
    """Return the output under way, once something is written into it."""

    def found() -> list[Path]:
        return [path for path in folder.glob(".*partial") if path.stat().st_size]

    wait_until(found, "an output under way")
    return found()[0]


def test_an_interrupted_notebook_cell(tmp_path: Path) -> None:
    """An interrupted cell ends with KeyboardInterrupt, leaves no worker, and runs again."""
    sign = tmp_path / "interrupt me"
    make = (
        "from pathlib import Path\n"
        "import psutil\n"
        "from videoflow.core import Flow, FunctionConsumer\n"
        "from videoflow.producers import IntProducer\n"
        f"sign = Path({str(sign)!r})\n"
        "numbers = IntProducer(0, {last}, 0.001)\n"
        "watch = FunctionConsumer(lambda n: n == 50 and sign.touch())(numbers)\n"
        "flow = Flow([numbers], [watch])\n"
        "flow.run()\n"
        "report = flow.join()\n"
        "print(report.ending)\n"
    )
    look = "print(psutil.Process().children(), flow.report.ending)"

    interrupted, after, again = run_cells(
        [make.format(last=10**6), look, make.format(last=5)], tmp_path, interrupt_at=sign
    )

    assert (interrupted.output, interrupted.error) == ("", "KeyboardInterrupt")
    assert (after.output, after.error) == ("[] stopped\n", "")
    assert (again.output, again.error) == ("finished\n", "")
