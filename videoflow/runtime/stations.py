"""How each kind of node is called: processors, per-stream processors, batches, consumers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from videoflow.core.batching import Batcher, ClockBatcher, FixedOrderBatcher, Turn, halves
from videoflow.core.node import (
    SKIP,
    BatchProcessorNode,
    ConsumerNode,
    Ending,
    PerStreamProcessorNode,
    ProcessorNode,
)
from videoflow.errors import VideoflowError
from videoflow.runtime.board import DoorRecord, age_bin, age_bins
from videoflow.runtime.ledger import lane_home
from videoflow.runtime.marks import DELIVERED, Marker
from videoflow.runtime.payload import PLAIN, AnyPlace, Local
from videoflow.runtime.plan import Exit
from videoflow.runtime.station import (
    BATCH_ITEMS,
    BATCH_WAIT,
    BATCHES,
    COMPUTE,
    FLUSHED,
    ITEMS,
    SKIPPED,
    Station,
    StationLane,
    entered_seconds,
)

__all__ = ["BatchStation", "ConsumerStation", "PerStreamStation", "ProcessorStation"]

_FLUSH_RETRY_SECONDS = 0.005
_NOTHING = object()


class _FlushingStation(Station):
    """A station whose node may still have something to say when its inputs have ended."""

    _retry_at: float | None = None

    def due_seconds(self) -> float | None:
        """Return when a flush that waits for tickets should be tried again."""
        return self._retry_at

    def _flushes_in(self, lane: StationLane) -> bool:
        raise AssertionError("each kind of station knows its kind of node")

    def _flush(self, lane: StationLane) -> Iterator[Any]:
        raise AssertionError("each kind of station flushes its node in its own way")

    def _finish(self, lane: StationLane) -> bool:
        """Send what the node still holds, as tickets come home, and then the lane's end."""
        self._retry_at = None
        if lane.flushing is None:
            if self._is_broken or not self._flushes_in(lane):
                return super()._finish(lane)
            lane.flushing = (lane.total, self._flushed(lane))
        seq, outputs = lane.flushing
        while self._num_in_flight(lane, seq) < lane.window:
            value = self._next_flushed(lane, seq, outputs)
            if value is _NOTHING:
                self._end_lane(lane, seq)
                return True
            seq += 1
            lane.flushing = (seq, outputs)
        self._retry_at = time.monotonic() + _FLUSH_RETRY_SECONDS
        return False

    def _flushed(self, lane: StationLane) -> Iterator[Any]:
        # A generator, so that what the call itself raises is raised where items are asked for.
        yield from self._flush(lane)

    def _next_flushed(self, lane: StationLane, seq: int, outputs: Iterator[Any]) -> Any:
        """Send one more item; return ``_NOTHING`` when there is none."""
        window = lane.window
        begin = time.monotonic()
        try:
            self.desk.begin((lane.index, seq, window))
            value = next(outputs, _NOTHING)
            while value is SKIP:
                value = next(outputs, _NOTHING)
        except Exception as error:
            self._fail(lane.name, seq, error)
            return _NOTHING
        finally:
            self.counters[COMPUTE] += time.monotonic() - begin
        if value is not _NOTHING:
            places = self.desk.places()
            value = self.desk.lend(value)
            packed = self._pack(lane, seq, value, places) if self.outlet.has_remotes else value
            kept = Local(value, tuple(places)) if places else value
            self.counters[FLUSHED] += 1
            self.outlet.put(lane.index, seq, 1, window, [packed], [kept])
        return value

    def _num_in_flight(self, lane: StationLane, seq: int) -> int:
        """Return how many frames of the lane below ``seq`` an exit still works on."""
        return seq - lane_home(self.host.plan, self.host.board, self.index, lane.index)


class ProcessorStation(_FlushingStation):
    """Calls ``process(*inputs)``; what it flushes goes on in the lane that ends last."""

    node: ProcessorNode

    def _invoke(self, lane: StationLane, inputs: Sequence[Any]) -> Any:
        return self.node.process(*inputs)

    def _flushes_in(self, lane: StationLane) -> bool:
        # In the last lane, and not in a chosen one: a lane whose end is held back would let a
        # batch node downstream wait for its turns, with the tickets of the other lanes.
        others_are_over = all(other.is_over for other in self.lanes if other is not lane)
        return others_are_over and type(self.node).flush is not ProcessorNode.flush

    def _flush(self, lane: StationLane) -> Iterator[Any]:
        return self.node.flush()


class PerStreamStation(_FlushingStation):
    """Calls ``process(state, *inputs)`` with the state of the frame's stream."""

    node: PerStreamProcessorNode[Any]

    def _invoke(self, lane: StationLane, inputs: Sequence[Any]) -> Any:
        return self.node.process(self._state(lane), *inputs)

    def _flushes_in(self, lane: StationLane) -> bool:
        return type(self.node).flush is not PerStreamProcessorNode.flush

    def _flush(self, lane: StationLane) -> Iterator[Any]:
        return self.node.flush(self._state(lane))

    def _state(self, lane: StationLane) -> Any:
        if lane.state is None:
            lane.state = (self.node.make_state(lane.name),)
        return lane.state[0]


class BatchStation(Station):
    """Calls ``process_batch`` with the frames that the batcher picks."""

    node: BatchProcessorNode

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        plan = self.host.plan
        policy = plan.nodes[self.index].batch
        assert policy is not None
        self._is_realtime = plan.graph.flow_type == "realtime"
        kind = ClockBatcher if self._is_realtime else FixedOrderBatcher
        self._batcher: Batcher = kind(policy, len(self.lanes))
        self._num_open = [0] * len(self.lanes)  # turns that were offered and not sent on
        self._has_told_memory = False

    def step(self) -> bool:
        """Hand arrivals to the batcher and process a batch, if one is ready."""
        has_worked = False
        for position, lane in enumerate(self.lanes):
            if lane.is_over:
                continue
            length = lane.run_length()
            while length:
                self._offer(position, lane, length)
                has_worked = True
                length = lane.run_length()
            if lane.has_all_inputs:
                self._batcher.end(position)
        turns = self._batcher.take(time.monotonic(), may_more_come=self._may_more_come)
        if turns:
            self._process(turns)
            has_worked = True
        for position, lane in enumerate(self.lanes):
            if not lane.is_over and lane.has_all_inputs and not self._num_open[position]:
                has_worked |= self._finish(lane)
        if not self.is_done and all(lane.is_over for lane in self.lanes):
            self.is_done = has_worked = True
        return has_worked

    def due_seconds(self) -> float | None:
        """Return when the batcher's oldest frame has waited long enough."""
        return self._batcher.due_seconds()

    def _offer(self, position: int, lane: StationLane, length: int) -> None:
        stride, window, seq = lane.inboxes[0].stride, lane.window, lane.seq
        seqs = range(seq, seq + stride * length, stride)
        self._num_open[position] += length
        clocks = entered_seconds(self.host.board, self.host.plan, lane.index, seqs)
        for at, clock in zip(seqs, clocks.tolist(), strict=True):
            value = lane.take(self._skipped)
            is_marker = type(value) is Marker
            if not is_marker and at % self.node.every:
                value, is_marker = None, True  # takes its turn, and no place in the batch
            self._batcher.offer(Turn(position, at, (value, window), is_marker, clock))

    def _may_more_come(self) -> bool:
        """Say whether any frame that is not here yet can come before one of these is done."""
        board, plan = self.host.board, self.host.plan
        for lane in self.lanes:
            if lane.has_all_inputs:
                continue
            arrived = min(inbox.next_in for inbox in lane.inboxes)
            for source in lane.sources:
                entered = int(board.record(source)[DoorRecord.ENTERED])
                here = plan.source(source)
                home = min(int(board.done[e][0]) for e in here.exits)
                if arrived < entered or entered - home < here.tickets:
                    return True
        return False

    def _process(self, turns: Sequence[Turn]) -> None:
        """Call the node, and send all turns on in the order of their lanes."""
        begin = time.monotonic()
        outputs: dict[tuple[int, int], tuple[Any, Any]] = {}
        live = [turn for turn in turns if not turn.is_marker]
        if live:
            self.counters[BATCH_WAIT] += sum(begin - turn.entered_seconds for turn in live)
            outputs = self._outputs(live)
            self.counters[COMPUTE] += time.monotonic() - begin
        for position, lane in enumerate(self.lanes):
            mine = [turn for turn in turns if turn.lane == position]
            if mine:
                self._send_turns(position, lane, mine, outputs)

    def _send_turns(
        self,
        position: int,
        lane: StationLane,
        turns: Sequence[Turn],
        outputs: dict[tuple[int, int], tuple[Any, Any]],
    ) -> None:
        stride = lane.inboxes[0].stride
        for turn in turns:
            instead, window = turn.item
            packed, kept = outputs.get((position, turn.seq), (instead, instead))
            self._send(lane, turn.seq, stride, window, [packed], [kept])
        self._num_open[position] -= len(turns)

    def _outputs(self, live: Sequence[Turn]) -> dict[tuple[int, int], tuple[Any, Any]]:
        """Return each turn's output, as messages carry it and as it stays here."""
        loaded = []
        for turn in live:
            inputs, places = self._load(turn.item[0])
            loaded.append((inputs[0] if len(inputs) == 1 else tuple(inputs), places))
        try:
            results = self._call_batch(live, [item for item, _ in loaded])
        finally:
            for _, places in loaded:
                self.host.rings.done(places)
        outputs: dict[tuple[int, int], tuple[Any, Any]] = {}
        for (turn, result), (_, places) in zip(
            zip(live, results, strict=True), loaded, strict=True
        ):
            outputs[turn.lane, turn.seq] = self._both(turn, result, places)
        return outputs

    def _both(self, turn: Turn, result: Any, places: list[AnyPlace]) -> tuple[Any, Any]:
        output, own = result
        if type(output) is Marker or type(output) in PLAIN:
            return output, output
        shown = [*places, *own]
        lane = self.lanes[turn.lane]
        packed = output
        if self.outlet.has_remotes:
            window = turn.item[1]
            self.desk.begin((lane.index, turn.seq, window), number=len(own))
            packed = self._pack(lane, turn.seq, output, shown)
        kept = Local(output, tuple(shown)) if shown else output
        return packed, packed if type(packed) is Marker else kept

    def _call_batch(self, live: Sequence[Turn], items: Sequence[Any]) -> list[Any]:
        """Return (output or marker, slots that it lies in) for each item."""
        if self._is_broken:
            return [(self._failed, [])] * len(items)
        try:
            self.desk.begin(*(self._ticket(turn) for turn in live))
            results = self.node.process_batch(items)
            self.counters[BATCHES] += 1
            self.counters[BATCH_ITEMS] += len(items)
            if len(results) != len(items):
                raise VideoflowError(
                    f"process_batch returned {len(results)} results for {len(items)} items",
                    help="return one output, or SKIP, for each item, in their order",
                )
        except Exception as error:
            return self._without_batch(live, items, error)
        settled: list[Any] = []
        for number, result in enumerate(results):
            if result is SKIP:
                self.counters[SKIPPED] += 1
                settled.append((self._skipped, []))
            else:
                self.desk.look_at(result)
                own = list(self.desk.places(number))
                settled.append((self.desk.lend(result, number), own))
        return settled

    def _without_batch(
        self, live: Sequence[Turn], items: Sequence[Any], error: Exception
    ) -> list[Any]:
        """Deal with an error of a whole batch: halve it, take items singly, or fail."""
        is_memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
        may_split = is_memory or self.node.options["on_error"] == "skip"
        if len(items) > 1 and may_split:
            if is_memory and not self._has_told_memory:
                self._has_told_memory = True
                self.desk.note(
                    f"out of memory with a batch of {len(items)}: batches are halved"
                )
            (first, second), (one, two) = halves(live), halves(items)
            return self._call_batch(first, one) + self._call_batch(second, two)
        failed = [
            self._fail(self.lanes[turn.lane].name, turn.seq, error) for turn in live[:1]
        ] * len(live)
        return [(marker, []) for marker in failed]

    def _ticket(self, turn: Turn) -> tuple[int, int, int]:
        window = turn.item[1]
        return self.lanes[turn.lane].index, turn.seq, window


class ConsumerStation(Station):
    """Calls ``consume`` and lets tickets go home."""

    node: ConsumerNode

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        plan = self.host.plan
        self._exits = {e.lane: e for e in plan.exits if e.consumer == self.index}

    def _invoke(self, lane: StationLane, inputs: Sequence[Any]) -> Any:
        self.node.consume(*inputs)
        return None

    def _send(  # noqa: PLR0913 - a run, in its two forms
        self,
        lane: StationLane,
        seq: int,
        stride: int,
        window: int,
        packed: list[Any],
        kept: list[Any],
    ) -> None:
        """Mark what became of a run of frames, and let their tickets go."""
        exit_ = self._exits[lane.index]
        if len(packed) == 1 and list(lane.sources.values()) == [None]:
            self._mark_one(lane, exit_, seq, packed[0])
        else:
            self._mark_many(lane, exit_, seq, packed)
        self.host.board.done[exit_.index][0] = seq + len(packed)
        self.host.ring_bells(exit_.sources)

    def _mark_one(self, lane: StationLane, exit_: Exit, seq: int, outcome: Any) -> None:
        """Mark one frame of one source: with large frames most runs are of one."""
        board, source = self.host.board, exit_.sources[0]
        row = seq % self.host.plan.source(source).max_tickets
        if type(outcome) is Marker:
            board.marks[exit_.index, source][row] = outcome.mark
            return
        board.marks[exit_.index, source][row] = DELIVERED
        age_seconds = time.monotonic() - float(board.entered_seconds[source][row])
        board.ages[exit_.index][age_bin(age_seconds)] += 1
        self.counters[ITEMS] += 1

    def _mark_many(
        self, lane: StationLane, exit_: Exit, seq: int, outcomes: Sequence[Any]
    ) -> None:
        board, plan = self.host.board, self.host.plan
        end = seq + len(outcomes)
        marks = np.full(len(outcomes), DELIVERED, np.uint16)
        for number, value in enumerate(outcomes):
            if type(value) is Marker:
                marks[number] = value.mark
        num_frames = len(outcomes)
        for source, total in lane.sources.items():
            count = len(outcomes) if total is None else max(0, min(total, end) - seq)
            rows = np.arange(seq, seq + count) % plan.source(source).max_tickets
            board.marks[exit_.index, source][rows] = marks[:count]
            num_frames = min(num_frames, count) if len(lane.sources) == 1 else num_frames
        if num_frames < len(outcomes):
            board.flushed[exit_.index][0] += int((marks[num_frames:] == DELIVERED).sum())
        self._note_ages(lane, exit_.index, seq, marks[:num_frames])
        self.counters[ITEMS] += int((marks == DELIVERED).sum())

    def _note_ages(self, lane: StationLane, exit_index: int, seq: int, marks: Any) -> None:
        seqs = np.arange(seq, seq + len(marks))[marks == DELIVERED]
        if len(seqs):
            clocks = entered_seconds(self.host.board, self.host.plan, lane.index, seqs)
            bins = age_bins(time.monotonic() - clocks)
            np.add.at(self.host.board.ages[exit_index], bins, 1)

    def _end_lane(self, lane: StationLane, total: int) -> None:
        ending: Ending = "failed" if self._is_broken else lane.ending
        lane.is_over = True
        self.guarded(lambda: self.node.end_stream(lane.name, ending), stream=lane.name)

    def close(self) -> None:
        """Close the node; streams that have not ended were torn down with the flow."""
        if self.is_open:
            for lane in self.lanes:
                if not lane.is_over:
                    self._is_broken = True
                    self._end_lane(lane, lane.seq)
        super().close()
