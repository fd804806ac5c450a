"""What each kind of node may do, in whole flows.

Workers import this module for its nodes: it imports nothing that is slow.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.flows.nodes import (
    Collect,
    Drop,
    Held,
    Numbers,
    Same,
    SameBatch,
    collected,
    wait_until,
)
from videoflow.core import (
    SKIP,
    BatchProcessorNode,
    ConsumerNode,
    Flow,
    FunctionConsumer,
    FunctionProcessor,
    IterableProducer,
    OneTaskProcessorNode,
    PerStreamProcessorNode,
    ProcessorNode,
    Report,
    Streams,
    TaskModuleNode,
)
from videoflow.data import Frame, Stamp
from videoflow.errors import GraphError, LeaseError, NodeError

placements = pytest.mark.parametrize("placement", ["process", "fused"])
lengths = pytest.mark.parametrize(
    "num", [pytest.param(n, id=name) for n, name in ((0, "empty"), (1, "one"), (50, "many"))]
)


def run(
    producers: Any, last: Any, tmp_path: Path, *parents: Any, **options: Any
) -> tuple[list[Any], Report]:
    """Return what a consumer of ``last`` got, and the report."""
    path = tmp_path / "collected.json"
    report = Flow(producers, [Collect(path)(last, *parents)], **options).run().join(60)
    return collected(path), report


def only_even(n: int) -> Any:
    return n if n % 2 == 0 else SKIP


# SKIP and None


@lengths
@placements
def test_skipped_frames_do_not_go_on(num: int, placement: Any, tmp_path: Path) -> None:
    """A frame for which a processor returns SKIP reaches no consumer and is counted as such."""
    numbers = Numbers(num)
    even = FunctionProcessor(only_even, name="even")(numbers)

    got, report = run([numbers], Same()(even), tmp_path, placement=placement)

    (stream,) = report.streams
    assert got == list(range(0, num, 2))
    assert stream.num_delivered == len(got)
    assert stream.num_skipped == num - len(got)
    assert num < 2 or stream.skipped == {"at even": num // 2}


@placements
def test_none_is_data(placement: Any, tmp_path: Path) -> None:
    """None is an ordinary value: it reaches every kind of node."""
    items = IterableProducer([None, 1, None])
    last = SameBatch()(Same()(items))

    got, report = run([items], last, tmp_path, placement=placement)

    assert got == [None, 1, None]
    assert report.streams[0].num_delivered == 3


# Joins and merges


@placements
def test_a_join_gets_the_outputs_of_one_frame(placement: Any, tmp_path: Path) -> None:
    """Two parents give both outputs of the same frame; a frame that one skipped is skipped."""
    numbers = Numbers(40)
    even = FunctionProcessor(only_even)(numbers)
    doubled = FunctionProcessor(lambda n: 2 * n, nb_tasks=2)(numbers)

    got, report = run([numbers], Same()(even, doubled), tmp_path, numbers, placement=placement)

    assert got == [[[n, 2 * n], n] for n in range(0, 40, 2)]
    assert report.streams[0].num_skipped == 20


@placements
@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(0, 0, id="empty"),
        pytest.param(0, 3, id="one-empty"),
        pytest.param(30, 20, id="first-longer"),
        pytest.param(20, 30, id="second-longer"),
    ],
)
def test_different_sources_pair_by_index(
    first: int, second: int, placement: Any, tmp_path: Path
) -> None:
    """In batch mode sources pair by index, and what has no partner ends as skipped."""
    a, b = Numbers(first, name="a"), Numbers(second, name="b")

    got, report = run([a, b], Same()(a, b), tmp_path, placement=placement)

    both = min(first, second)
    assert got == [[n, n] for n in range(both)]
    for stream, num in zip(report.streams, (first, second), strict=True):
        assert stream.num_read == num
        assert (stream.num_delivered, stream.num_skipped) == (both, num - both)


@placements
def test_a_merge_keeps_each_stream_in_order(placement: Any, tmp_path: Path) -> None:
    """Many sources feed one node, and the frames of each stay in order."""
    sources = [IterableProducer([(name, n) for n in range(30)], name=name) for name in "abc"]

    got, report = run(sources, SameBatch()(Streams(*sources)), tmp_path, placement=placement)

    for name in "abc":
        assert [n for stream, n in got if stream == name] == list(range(30))
    assert [s.num_delivered for s in report.streams] == [30, 30, 30]


# State and flush


class Total(OneTaskProcessorNode):
    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def process(self, *inputs: Any) -> Any:
        self.total += inputs[0]
        return self.total


@placements
def test_one_state_for_the_flow(placement: Any, tmp_path: Path) -> None:
    """A one-task node sees all frames of all streams with one state."""
    a, b = Numbers(20, name="a"), Numbers(20, name="b")

    got, _ = run([a, b], Total()(Streams(a, b)), tmp_path, placement=placement)

    assert max(got) == 2 * sum(range(20))
    assert len(set(got)) >= 39  # both begin with 0


class Counter(PerStreamProcessorNode[list[str | int]]):
    def make_state(self, stream: str) -> list[str | int]:
        return [stream, 0]

    def process(self, state: list[str | int], *inputs: Any) -> Any:
        assert isinstance(state[1], int)
        state[1] += 1
        return [*state, inputs[0]]

    def flush(self, state: list[str | int]) -> Iterator[Any]:
        yield [*state, "end"]


@placements
@pytest.mark.parametrize("nb_tasks", [1, 2])
def test_one_state_for_each_stream(nb_tasks: int, placement: Any, tmp_path: Path) -> None:
    """A per-stream node has a state for each stream, however many workers share them."""
    sources = [Numbers(n, name=f"s{n}") for n in (0, 1, 30)]
    counted = Counter(nb_tasks=nb_tasks)(Streams(*sources))

    got, report = run(sources, counted, tmp_path, placement=placement)

    for n in (0, 1, 30):
        mine = [row for row in got if row[0] == f"s{n}"]
        want = [[f"s{n}", k + 1, k] for k in range(n)] + [[f"s{n}", n, "end"]]
        assert mine == want
    assert [s.num_flushed for s in report.streams] == [1, 1, 1]


@placements
@pytest.mark.parametrize(
    ("num", "tickets"),
    [
        pytest.param(0, 1, id="empty"),
        pytest.param(1, 1, id="one"),
        pytest.param(50, 1, id="one-ticket"),
        pytest.param(50, 2, id="two-tickets"),
        pytest.param(50, None, id="many-tickets"),
    ],
)
def test_flush_needs_few_tickets(
    num: int, tickets: int | None, placement: Any, tmp_path: Path
) -> None:
    """More can be flushed than there are tickets: items go on as tickets come home."""
    numbers = Numbers(num)
    held = Held()(numbers)

    got, report = run([numbers], Same()(held), tmp_path, placement=placement, tickets=tickets)

    (stream,) = report.streams
    assert got == [*range(num), *range(num)]
    assert (stream.num_read, stream.num_delivered, stream.num_flushed) == (num, num, num)


class Window(ProcessorNode):
    """Emits each item one frame late, the last one at the end; says SKIP in between."""

    def __init__(self) -> None:
        super().__init__()
        self.last: Any = SKIP

    def process(self, *inputs: Any) -> Any:
        before, self.last = self.last, inputs[0]
        return before

    def flush(self) -> Iterator[Any]:
        yield SKIP
        if self.last is not SKIP:
            yield self.last
        yield None


@lengths
@placements
def test_a_window_of_one_frame(num: int, placement: Any, tmp_path: Path) -> None:
    """A processor may hold back and flush; a SKIP among the flushed items is no item."""
    numbers = Numbers(num)

    got, report = run([numbers], Window()(numbers), tmp_path, placement=placement)

    assert got == [*range(num), None]
    assert report.streams[0].num_flushed == (2 if num else 1)


def test_a_join_skips_what_only_one_parent_flushes(tmp_path: Path) -> None:
    """Flushed items find no partner where the other parent has ended."""
    numbers = Numbers(10)

    got, report = run([numbers], Same()(numbers, Held()(numbers)), tmp_path)

    assert got == [[n, n] for n in range(10)]
    assert report.streams[0].num_flushed == 0
    assert report.streams[0].num_delivered == 10


# Several workers


class Uneven(ProcessorNode):
    def process(self, *inputs: Any) -> Any:
        time.sleep(0.003 if inputs[0] % 3 == 0 else 0.0)
        return inputs[0]


@pytest.mark.parametrize(
    ("num", "nb_tasks"),
    [
        pytest.param(0, 2, id="empty"),
        pytest.param(1, 3, id="one"),
        pytest.param(50, 2, id="two-tasks"),
        pytest.param(50, 3, id="three-tasks"),
    ],
)
def test_order_is_kept_over_several_workers(num: int, nb_tasks: int, tmp_path: Path) -> None:
    """However long each frame takes in which worker, the order of a stream stays."""
    numbers = Numbers(num)
    shared = Uneven(nb_tasks=nb_tasks)(numbers)
    twice = Same(nb_tasks=2)(shared)

    got, report = run([numbers], twice, tmp_path)

    assert got == list(range(num))
    assert [n.num_tasks for n in report.nodes] == [1, nb_tasks, 2, 1]


@placements
@pytest.mark.parametrize("nb_tasks", [1, 2])
def test_a_task_module_lives_in_one_worker(
    nb_tasks: int, placement: Any, tmp_path: Path
) -> None:
    """The nodes of a module share a worker, and give what they give apart."""
    numbers = Numbers(40)
    entry = FunctionProcessor(lambda n: n + 1, name="entry", nb_tasks=nb_tasks)
    left = FunctionProcessor(only_even, name="left")(entry)
    module = TaskModuleNode(
        entry, FunctionProcessor(lambda a, b: a + b, name="exit")(left, entry)
    )

    got, report = run([numbers], module(numbers), tmp_path, placement=placement)

    assert got == [2 * (n + 1) for n in range(40) if (n + 1) % 2 == 0]
    workers = {n.worker for n in report.nodes if n.name in ("entry", "left", "exit")}
    assert len(workers) == 1


def test_functions_are_nodes(capsys: pytest.CaptureFixture[str]) -> None:
    """Plain functions, lambdas and closures are nodes in other processes too."""
    offset = 10
    numbers = IterableProducer(lambda: iter(range(3)))
    shifted = FunctionProcessor(lambda n: n + offset)(numbers)

    report = Flow([numbers], [FunctionConsumer(print)(shifted)]).run().join(30)

    assert capsys.readouterr().out == "10\n11\n12\n"
    assert [n.name for n in report.nodes] == ["lambda", "lambda-2", "print"]


# Failures under a policy


class Fussy(ProcessorNode):
    def process(self, *inputs: Any) -> Any:
        if inputs[0] % 5 == 0:
            raise ValueError(inputs[0])
        return inputs[0]


@placements
def test_failed_frames_can_be_skipped(placement: Any, tmp_path: Path) -> None:
    """With ``on_error="skip"`` a frame that fails is given up and counted; the flow goes on."""
    numbers = Numbers(20)
    fussy = Fussy(on_error="skip", max_failures=4)(numbers)

    got, report = run([numbers], fussy, tmp_path, placement=placement)

    assert got == [n for n in range(20) if n % 5]
    assert report.streams[0].failed == {"at fussy": 4}
    assert report.ending == "finished"


def test_only_so_many_failures_are_forgiven(tmp_path: Path) -> None:
    """One failure more than ``max_failures`` ends the flow."""
    numbers = Numbers(20)
    fussy = Fussy(on_error="skip", max_failures=3)(numbers)
    flow = Flow([numbers], [Drop()(fussy)])

    with pytest.raises(NodeError) as failed:
        flow.run().join(30)

    assert (failed.value.frame_index, failed.value.node) == (15, "fussy")


class Fails(ConsumerNode):
    def consume(self, *inputs: Any) -> None:
        if inputs[0] == 3:
            raise OSError("no room")


def test_a_consumer_may_skip_its_failures() -> None:
    """A consumer's failure under the policy is a failed frame, and the rest is delivered."""
    numbers = Numbers(10)

    report = Flow([numbers], [Fails(on_error="skip")(numbers)]).run().join(30)

    assert report.streams[0].num_delivered == 9
    assert report.streams[0].failed == {"at fails": 1}


# Batches


class Short(BatchProcessorNode):
    def process_batch(self, batch: Sequence[Any]) -> Sequence[Any]:
        return batch[1:]


def test_a_wrong_number_of_results_says_so() -> None:
    """A batch function that returns too few results is an error that tells both numbers."""
    numbers = Numbers(20)
    flow = Flow([numbers], [Drop()(Short(max_batch_size=4)(numbers))])

    with pytest.raises(
        NodeError, match="process_batch returned 3 results for 4 items"
    ) as failed:
        flow.run().join(30)

    assert "return one output, or SKIP, for each item, in their order" in str(failed.value)


class Greedy(BatchProcessorNode):
    def process_batch(self, batch: Sequence[Any]) -> Sequence[Any]:
        if len(batch) > 2:
            raise MemoryError
        return [SKIP if n == 5 else n for n in batch]


@placements
def test_out_of_memory_halves_the_batch(placement: Any, tmp_path: Path) -> None:
    """A batch that does not fit is halved until it does, and the report says so."""
    numbers = Numbers(16)

    got, report = run(
        [numbers], Greedy(max_batch_size=8)(numbers), tmp_path, placement=placement
    )

    assert got == [n for n in range(16) if n != 5]
    assert report.notes == ("greedy: out of memory with a batch of 8: batches are halved",)


class Sizes(BatchProcessorNode):
    """Says how large the item's batch was and how many did not fit before it."""

    num_failed = 0

    def process_batch(self, batch: Sequence[Any]) -> Sequence[Any]:
        if len(batch) > 2:
            self.num_failed += 1
            raise MemoryError
        return [(len(batch), self.num_failed)] * len(batch)


def test_out_of_memory_is_remembered(tmp_path: Path) -> None:
    """Batches stay as small as fitted: memory runs out once for each size that is too large."""
    numbers = Numbers(64)

    got, _ = run([numbers], Same()(Sizes(max_batch_size=8)(numbers)), tmp_path)

    assert got[0][0] == 2
    assert got[-1][1] <= 6  # of 8 and twice of 4, in each of the two batches begun by then
    assert {size for size, _ in got} == {2}


def test_one_frame_that_does_not_fit_fails() -> None:
    """Out of memory with a single frame is an error of that frame."""
    numbers = Numbers(16)

    class Hungry(BatchProcessorNode):
        def process_batch(self, batch: Sequence[Any]) -> Sequence[Any]:
            raise MemoryError

    flow = Flow([numbers], [Drop()(Hungry()(numbers))])

    with pytest.raises(NodeError, match="MemoryError") as failed:
        flow.run().join(30)

    assert failed.value.frame_index == 0


class FailsInBatch(BatchProcessorNode):
    def process_batch(self, batch: Sequence[Any]) -> Sequence[Any]:
        if 6 in batch:
            raise ValueError(6)
        return batch


def test_one_bad_frame_does_not_take_its_batch_along(tmp_path: Path) -> None:
    """With ``on_error="skip"`` only the frame that fails alone is given up."""
    numbers = Numbers(16)

    got, report = run([numbers], FailsInBatch(on_error="skip")(numbers), tmp_path)

    assert got == [n for n in range(16) if n != 6]
    assert report.streams[0].failed == {"at fails_in_batch": 1}


@lengths
@placements
@pytest.mark.parametrize("nb_tasks", [1, 2])
def test_a_batch_node_looks_at_every_third_frame(
    num: int, nb_tasks: int, placement: Any, tmp_path: Path
) -> None:
    """With every=3 the node is called for frames 0, 3, ...; the others go on as None."""
    numbers = Numbers(num)
    node = SameBatch(every=3, max_batch_size=4, nb_tasks=nb_tasks)(numbers)

    got, report = run([numbers], Same()(node), tmp_path, placement=placement)

    assert got == [n if n % 3 == 0 else None for n in range(num)]
    assert report.streams[0].num_delivered == num
    (mine,) = [n for n in report.nodes if n.name == "same_batch"]
    assert mine.num_batches * mine.mean_batch_size == pytest.approx(len(range(0, num, 3)))


def test_every_wants_tasks_that_share_the_work() -> None:
    """Tasks of which one would get all frames that are processed are refused."""
    with pytest.raises(GraphError, match="without a common divisor"):
        SameBatch(every=4, nb_tasks=2)


class Begins(BatchProcessorNode):
    """Notes when batches begin and finish; results are (item, batches begun by then)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.num_begun = 0
        self.fails_at: int | None = None

    def process_batch(self, batch: Sequence[Any]) -> Sequence[Any]:
        return [(item, -1) for item in batch]

    def begin_batch(self, batch: Sequence[Any]) -> Any:
        if self.fails_at in batch:
            raise MemoryError("as asked for")
        self.num_begun += 1

        def finish() -> list[Any]:
            return [(item, self.num_begun) for item in batch]

        return finish


@placements
def test_the_next_batch_begins_before_the_last_one_is_asked_for(
    placement: Any, tmp_path: Path
) -> None:
    """A node that can begin has one batch in work while the next is prepared, in order."""
    numbers = Numbers(40)
    node = Begins(max_batch_size=4)(numbers)

    got, report = run([numbers], Same()(node), tmp_path, placement=placement)

    assert [item for item, _ in got] == list(range(40))
    assert report.streams[0].num_delivered == 40
    begun = [num for _, num in got[::4]]
    assert begun == sorted(begun)
    assert max(num - own for own, num in enumerate(begun, start=1)) == 1


def test_a_batch_that_ran_out_of_memory_after_it_began_is_halved(tmp_path: Path) -> None:
    """Memory that runs out in the beginning of a batch costs no frame either."""
    numbers = Numbers(12)
    node = Begins(max_batch_size=4)
    node.fails_at = 6

    got, report = run([numbers], Same()(node(numbers)), tmp_path)

    assert [item for item, _ in got] == list(range(12))
    assert [num for item, num in got if 4 <= item < 8] == [-1] * 4
    assert any("out of memory" in note for note in report.notes)


# Slots


class Pictures(ProcessorNode):
    """Fills a slot, twice as large for odd numbers, and returns views of it."""

    def process(self, *inputs: Any) -> Any:
        n = inputs[0]
        pixels = self.slot((2 + n % 2, 5000), np.int16)
        pixels[:] = n
        return n, pixels[:, ::-1], pixels[1]


class BatchPictures(BatchProcessorNode):
    preload = ("torch",)

    def process_batch(self, batch: Sequence[Any]) -> Sequence[Any]:
        outputs = []
        for n in batch:
            pixels = self.slot_tensor((3, 4000))
            pixels[:] = n
            outputs.append((n, pixels.T, pixels[1]))
        return outputs


def checked(item: Any) -> int:
    n, *arrays = item
    assert all(bool((array == n).all()) for array in arrays)
    return int(n)


@placements
@pytest.mark.parametrize("make", [Pictures, BatchPictures])
def test_outputs_are_written_into_slots(
    make: Any, placement: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a node writes into its slot arrives as it was, in any process, however often."""
    monkeypatch.setenv("VIDEOFLOW_POISON_SLOTS", "1")
    numbers = Numbers(60)
    pictures = make()(numbers)
    passed = Same(nb_tasks=2)(pictures)

    got, _ = run(
        [numbers],
        FunctionProcessor(checked, name="checked")(passed),
        tmp_path,
        FunctionProcessor(checked, name="checked too")(pictures),
        placement=placement,
        tickets=24,
    )

    assert got == [[n, n] for n in range(60)]


class AsksInOpen(Same):
    def open(self) -> None:
        self.slot((10,))


class AsksTooOften(BatchProcessorNode):
    def process_batch(self, batch: Sequence[Any]) -> Sequence[Any]:
        for _ in range(len(batch) + 1):
            self.slot((10,))
        return batch


@pytest.mark.parametrize(
    ("node", "want"),
    [
        pytest.param(
            AsksInOpen(),
            "slot() was called outside next(), process() and process_batch()",
            id="in-open",
        ),
        pytest.param(
            AsksTooOften(max_batch_size=4), "slot() was called 5 times for a batch of 4",
            id="too-often",
        ),
    ],
)  # fmt: skip
def test_slots_are_asked_for_where_an_output_is_made(node: Any, want: str) -> None:
    """A slot that belongs to no item is refused, and the message says where to ask."""
    numbers = Numbers(8)
    flow = Flow([numbers], [Drop()(node(numbers))])

    with pytest.raises(NodeError) as failed:
        flow.run().join(30)

    assert f"GraphError: {want}" in str(failed.value)


class Filming(ProcessorNode):
    preload = ("torch",)

    def process(self, *inputs: Any) -> Any:
        buffer = self.slot_tensor((3, 64, 64))
        buffer[:] = inputs[0]
        return Frame(buffer, Stamp("cam", inputs[0], inputs[0] / 10, (64, 64)), layout="rgb")


class Hoarder(ConsumerNode):
    """Looks at the first frame again when the flow is far past it."""

    def __init__(self, *, keeps: bool) -> None:
        super().__init__()
        self.keeps = keeps
        self.first: Frame | None = None

    def consume(self, *inputs: Any) -> None:
        frame: Frame = inputs[0]
        assert (frame.pixels == frame.index).all()
        if self.first is None:
            self.first = frame.keep() if self.keeps else frame
        assert frame.index < 30 or (self.first.pixels == 0).all()


@placements
def test_a_frame_that_was_kept_too_long_is_refused(placement: Any) -> None:
    """A frame that is used after its time raises a LeaseError, which says what to do."""
    numbers = Numbers(40)
    film = Filming()(numbers)
    flow = Flow([numbers], [Hoarder(keeps=False)(film)], placement=placement, tickets=4)

    with pytest.raises(NodeError) as failed:
        flow.run().join(30)

    assert "LeaseError: a frame was used after the call" in str(failed.value)
    assert "frame.keep()" in str(failed.value)
    assert LeaseError.__name__ in failed.value.remote_traceback


@placements
def test_a_copy_of_a_frame_may_be_kept(placement: Any) -> None:
    """What ``keep()`` returns is the caller's own."""
    numbers = Numbers(40)
    film = Filming()(numbers)
    flow = Flow([numbers], [Hoarder(keeps=True)(film)], placement=placement, tickets=4)

    assert flow.run().join(30).streams[0].num_delivered == 40


class Scribbler(ProcessorNode):
    def process(self, *inputs: Any) -> Any:
        inputs[0][:] = 0
        return None


def test_inputs_are_read_only() -> None:
    """An array that is lent cannot be written to: others may read it at the same time."""
    numbers = Numbers(4)
    pictures = FunctionProcessor(lambda n: np.full(10_000, n))(numbers)
    flow = Flow([numbers], [Drop()(Scribbler()(pictures))], placement="process")

    with pytest.raises(NodeError, match="read-only"):
        flow.run().join(30)


# What nodes say


class Chatty(ConsumerNode):
    def open(self) -> None:
        print("opened")
        self.note("opened")

    def consume(self, *inputs: Any) -> None:
        print("got", inputs[0])

    def close(self) -> None:
        print("closed: ä€🎥", end="")


@placements
def test_what_nodes_print_reaches_standard_output(
    placement: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a node prints comes out of ``sys.stdout`` as it is now, whole and in order."""
    numbers = Numbers(3)

    report = Flow([numbers], [Chatty()(numbers)], placement=placement).run().join(30)

    assert capsys.readouterr().out == "opened\ngot 0\ngot 1\ngot 2\nclosed: ä€🎥"
    assert report.notes == ("chatty: opened",)
    assert "chatty: opened" in str(report)


# What cannot be sent


class HoldsALock(Same):
    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


def test_a_node_that_cannot_be_sent_is_refused_before_anything_starts() -> None:
    """A node that cannot be pickled is a GraphError that names it; nothing has started."""
    numbers = Numbers(3)
    flow = Flow([numbers], [Drop()(HoldsALock()(numbers))], placement="process")

    with pytest.raises(GraphError) as refused:
        flow.run()

    assert str(refused.value) == (
        "flow 'flow', node 'holds_a_lock': cannot be sent to a worker: "
        "cannot pickle '_thread.lock' object\n"
        "  help: make connections, files and locks in open(), not in the constructor"
    )
    assert not flow.is_running


@pytest.mark.parametrize("make", [Same, SameBatch, Held])
def test_an_output_that_cannot_be_sent_is_the_nodes_error(make: Any) -> None:
    """An output that cannot be pickled fails at the node and the frame that made it."""
    numbers = Numbers(3)
    locks = FunctionProcessor(lambda n: threading.Lock() if n == 1 else n, name="locks")(
        numbers
    )
    flow = Flow([numbers], [Drop()(make()(locks))], placement="process")

    with pytest.raises(NodeError) as failed:
        flow.run().join(30)

    assert (failed.value.node, failed.value.frame_index) == ("locks", 1)
    assert "cannot pickle '_thread.lock' object" in str(failed.value)


def test_any_object_may_travel_in_one_worker() -> None:
    """Between nodes of one worker nothing is pickled."""
    numbers = Numbers(3)
    locks = FunctionProcessor(lambda n: threading.Lock())(numbers)

    report = Flow([numbers], [Drop()(locks)], placement="fused").run().join(30)

    assert report.streams[0].num_delivered == 3


# Progress


def test_progress_goes_on_while_a_source_blocks() -> None:
    """What consumers are done with is counted, also while the source waits for an item."""
    numbers = Numbers(blocks_at=5, pause_seconds=0.002)
    with Flow([numbers], [Drop()(numbers)], placement="process").run() as flow:
        wait_until(lambda: flow.progress().num_done == 5)

        progress = flow.progress()

    assert (progress.num_read, progress.num_total, progress.is_running) == (5, None, True)
