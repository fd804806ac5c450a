"""A batch node at work: arrivals go to the batcher, results back to their lanes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from traceback import clear_frames
from typing import Any

from videoflow.core.batching import Batcher, ClockBatcher, FixedOrderBatcher, Turn, halves
from videoflow.core.node import SKIP, BatchProcessorNode
from videoflow.errors import VideoflowError
from videoflow.runtime.board import DoorRecord
from videoflow.runtime.ledger import entered_seconds
from videoflow.runtime.marks import Kind, Marker, mark
from videoflow.runtime.payload import PLAIN, AnyPlace, Local
from videoflow.runtime.siting import is_on_gpu
from videoflow.runtime.station import (
    BATCH_ITEMS,
    BATCH_WAIT,
    BATCHES,
    COMPUTE,
    SKIPPED,
    Station,
)
from videoflow.runtime.station_lane import StationLane

__all__ = ["BatchStation"]


@dataclass(slots=True)
class _Begun:
    """A batch between its beginning and its results.

    Attributes:
        turns: All of it, markers among them.
        live: The turns that the node is called for.
        loaded: Input and places of each of them.
        finish: Waits for the results, where the node has begun already.
    """

    turns: Sequence[Turn]
    live: Sequence[Turn]
    loaded: Sequence[tuple[Any, list[AnyPlace]]]
    finish: Callable[[], Sequence[Any]] | None = None

    @property
    def items(self) -> list[Any]:
        """What the node gets."""
        return [item for item, _ in self.loaded]


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
        self._stale = Marker(mark(Kind.DROPPED, self.index))
        self._has_told_memory = False
        self._begun: deque[_Begun] = deque()

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
        num_to_leave = 0
        if turns:
            begun = self._begin(turns)
            self._begun.append(begun)
            num_to_leave = int(begun.finish is not None)  # the accelerator is never idle
        while len(self._begun) > num_to_leave:
            self._complete(self._begun.popleft())
            has_worked = True
        has_worked |= bool(turns)
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

    def _begin(self, turns: Sequence[Turn]) -> _Begun:
        """Load a batch, and let the node begin it if it can begin before it finishes."""
        began = time.monotonic()
        live = [turn for turn in turns if not turn.is_marker]
        loaded = []
        for turn in live:
            inputs, places = self._load(turn.item[0])
            loaded.append((inputs[0] if len(inputs) == 1 else tuple(inputs), places))
        begun = _Begun(turns, live, loaded)
        if live:
            self.counters[BATCH_WAIT] += sum(began - turn.entered_seconds for turn in live)
            if not self._is_broken:
                begun.finish = self._begun_by_node(live, begun.items)
            self.counters[COMPUTE] += time.monotonic() - began
        return begun

    def _begun_by_node(
        self, live: Sequence[Turn], items: Sequence[Any]
    ) -> Callable[[], Sequence[Any]] | None:
        try:
            self.desk.begin(*(self._ticket(turn) for turn in live))
            return self.node.begin_batch(items)
        except Exception as error:
            raised = error  # the name of an except clause ends with it

        def finish() -> Sequence[Any]:
            raise raised

        return finish

    def _complete(self, begun: _Begun) -> None:
        """Wait for a batch's results, and send all turns on in the order of their lanes."""
        began = time.monotonic()
        outputs = self._outputs(begun) if begun.live else {}
        self.counters[COMPUTE] += time.monotonic() - began
        for position, lane in enumerate(self.lanes):
            mine = [turn for turn in begun.turns if turn.lane == position]
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
            if turn.is_stale:
                instead = self._stale
            packed, kept = outputs.get((position, turn.seq), (instead, instead))
            self._send(lane, turn.seq, stride, window, [packed], [kept])
        self._num_open[position] -= len(turns)

    def _outputs(self, begun: _Begun) -> dict[tuple[int, int], tuple[Any, Any]]:
        """Return each turn's output, as messages carry it and as it stays here."""
        places = [places for _, places in begun.loaded]
        try:
            results = self._call_batch(begun.live, begun.items, begun.finish)
        finally:
            for inputs in places:
                self.host.rings.done(inputs)
        return {
            (turn.lane, turn.seq): self._both(turn, result, shown)
            for turn, result, shown in zip(begun.live, results, places, strict=True)
        }

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

    def _call_batch(
        self,
        live: Sequence[Turn],
        items: Sequence[Any],
        finish: Callable[[], Sequence[Any]] | None = None,
    ) -> list[Any]:
        """Return (output or marker, slots that it lies in) for each item."""
        if self._is_broken:
            return [(self._failed, [])] * len(items)
        try:
            self.desk.begin(*(self._ticket(turn) for turn in live))
            results = self.node.process_batch(items) if finish is None else finish()
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
            if is_memory:
                self._make_room(error, max_batch_size=len(first))
            return self._call_batch(first, one) + self._call_batch(second, two)
        failed = [
            self._fail(self.lanes[turn.lane].name, turn.seq, error) for turn in live[:1]
        ] * len(live)
        return [(marker, []) for marker in failed]

    def _make_room(self, error: Exception, *, max_batch_size: int) -> None:
        """Let go of what the failed call held, and let later batches be smaller."""
        clear_frames(error.__traceback__)  # its local variables are the network's tensors
        if is_on_gpu(self.device):
            self.host.rings.devices[self.device].trim()
        self._batcher.shrink(max_batch_size)

    def _ticket(self, turn: Turn) -> tuple[int, int, int]:
        window = turn.item[1]
        return self.lanes[turn.lane].index, turn.seq, window
