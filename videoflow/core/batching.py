"""Which waiting frames make the next batch. Pure: the clock and the arrivals are handed in.

Two rules, one for each type of flow:

* ``FixedOrderBatcher`` (batch flows): streams take turns by index, and a batch is the next
  frames in that order, whatever the timing, so that runs repeat exactly.
* ``ClockBatcher`` (realtime flows): a batch is closed when it is full, when its oldest frame
  has waited long enough, or when nothing more can come.

A *turn* is one frame's place in a lane. Frames that an earlier node gave up, and frames that
the node does not look at, are markers: they take their turn, to keep the order, and no place
in the batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from videoflow.errors import GraphError

__all__ = ["BatchPolicy", "Batcher", "ClockBatcher", "FixedOrderBatcher", "Turn"]


@dataclass(frozen=True, slots=True)
class BatchPolicy:
    """When a batch is closed.

    Attributes:
        max_batch_size: At most so many items.
        max_turns: Batch flows: at most so many turns, markers included; what bounds the
            tickets that one batcher can hold. At least ``max_batch_size``.
        max_delay_seconds: Realtime: age (since its entry into the flow) at which the oldest
            item is not kept waiting any more.
        max_per_stream: Realtime: at most so many items of one lane; None for no limit.
        max_staleness_seconds: Realtime: items older than this when a batch is closed are
            given up; None for no limit.

    Raises:
        GraphError: Values that contradict each other.
    """

    max_batch_size: int
    max_turns: int
    max_delay_seconds: float = 0.0
    max_per_stream: int | None = None
    max_staleness_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.max_batch_size < 1 or self.max_turns < self.max_batch_size:
            raise GraphError(
                f"got max_batch_size={self.max_batch_size}, max_turns={self.max_turns}, "
                "want 1 <= max_batch_size <= max_turns"
            )

    def shrunk(self, max_batch_size: int) -> BatchPolicy:
        """Return the policy with at most so many items; never more than before."""
        return replace(self, max_batch_size=min(self.max_batch_size, max_batch_size))


@dataclass(frozen=True, slots=True)
class Turn:
    """One frame's place in the order.

    Attributes:
        lane: Position of the lane.
        seq: Sequence number in the lane.
        item: What arrived, or what goes on in its place.
        is_marker: True where the node is not called for the frame.
        entered_seconds: When the frame entered the flow, on the batcher's clock.
        is_stale: True for a marker that was an item until it was too old.
    """

    lane: int
    seq: int
    item: Any
    is_marker: bool
    entered_seconds: float = 0.0
    is_stale: bool = False


class Batcher(Protocol):
    """What decides over the next batch."""

    def offer(self, turn: Turn) -> None:
        """Take the next turn of a lane; turns of one lane come in order."""

    def end(self, lane: int) -> None:
        """Hear that nothing more comes in ``lane``."""

    def take(self, now_seconds: float, *, may_more_come: Callable[[], bool]) -> list[Turn]:
        """Return the turns to process together, markers among them; empty: wait.

        Args:
            now_seconds: The clock.
            may_more_come: Asked only where the answer matters.
        """

    def due_seconds(self) -> float | None:
        """Return when ``take`` should be asked again even if nothing arrives."""

    def shrink(self, max_batch_size: int) -> None:
        """Let later batches have at most so many items; never more than before."""


class FixedOrderBatcher:
    """The next ``max_batch_size`` items in a fixed order; partial only at an end.

    Lanes take turns by sequence number: lane 0's frame 0, lane 1's frame 0, ..., lane 0's
    frame 1. A lane that has ended is passed over. A batch is also closed after
    ``max_turns`` turns, however few of them hold items: an earlier node that skips most
    frames must not make a batcher hold all tickets of a stream.

    Args:
        policy: Sizes.
        num_lanes: How many lanes take turns.
    """

    def __init__(self, policy: BatchPolicy, num_lanes: int) -> None:
        self._policy = policy
        self._waiting: list[deque[Turn]] = [deque() for _ in range(num_lanes)]
        self._has_ended = [False] * num_lanes
        self._next_lane = 0
        self._batch: list[Turn] = []
        self._num_items = 0

    def offer(self, turn: Turn) -> None:
        """Take the next turn of a lane; turns of one lane come in order."""
        self._waiting[turn.lane].append(turn)

    def end(self, lane: int) -> None:
        """Hear that nothing more comes in ``lane``."""
        self._has_ended[lane] = True

    def take(self, now_seconds: float, *, may_more_come: Callable[[], bool]) -> list[Turn]:
        """Return the next batch once it is complete; the clock does not matter."""
        while not self._is_full():
            lane = self._lane_to_take()
            if lane is None:
                is_over = all(self._has_ended) and not any(self._waiting)
                return self._close() if is_over else []
            turn = self._waiting[lane].popleft()
            self._batch.append(turn)
            self._num_items += not turn.is_marker
            self._next_lane = (lane + 1) % len(self._waiting)
        return self._close()

    def due_seconds(self) -> float | None:
        """Return None: only arrivals and ends matter."""
        return None

    def shrink(self, max_batch_size: int) -> None:
        """Let later batches have at most so many items; never more than before."""
        self._policy = self._policy.shrunk(max_batch_size)

    def _is_full(self) -> bool:
        return (
            self._num_items >= self._policy.max_batch_size
            or len(self._batch) >= self._policy.max_turns
        )

    def _lane_to_take(self) -> int | None:
        """Return the lane whose turn it is, if its turn is here."""
        for step in range(len(self._waiting)):
            lane = (self._next_lane + step) % len(self._waiting)
            if self._waiting[lane]:
                return lane
            if not self._has_ended[lane]:
                return None
        return None

    def _close(self) -> list[Turn]:
        batch, self._batch, self._num_items = self._batch, [], 0
        return batch


class ClockBatcher:
    """Batches by the clock, oldest frames first.

    Args:
        policy: Sizes, the delay, the limit for one lane, and the age at which an item is
            given up: it goes out with the batch, as a marker.
        num_lanes: How many lanes there are.
    """

    def __init__(self, policy: BatchPolicy, num_lanes: int) -> None:
        self._policy = policy
        self._waiting: list[deque[Turn]] = [deque() for _ in range(num_lanes)]
        self._has_ended = [False] * num_lanes
        self._num_items = 0

    def offer(self, turn: Turn) -> None:
        """Take the next turn of a lane; turns of one lane come in order."""
        self._waiting[turn.lane].append(turn)
        self._num_items += not turn.is_marker

    def end(self, lane: int) -> None:
        """Hear that nothing more comes in ``lane``."""
        self._has_ended[lane] = True

    def take(self, now_seconds: float, *, may_more_come: Callable[[], bool]) -> list[Turn]:
        """Return the turns to process now.

        Markers at the head of their lane are never kept waiting.
        """
        markers = self._leading_markers()
        if not self._num_items:
            return markers
        due = self.due_seconds()
        is_closed = (
            self._num_items >= self._policy.max_batch_size
            or (due is not None and now_seconds >= due)
            or all(self._has_ended)
            or not may_more_come()
        )
        return markers + self._pick(now_seconds) if is_closed else markers

    def due_seconds(self) -> float | None:
        """Return when the oldest waiting item has waited long enough."""
        heads = [lane[0].entered_seconds for lane in self._waiting if lane]
        return min(heads) + self._policy.max_delay_seconds if heads else None

    def shrink(self, max_batch_size: int) -> None:
        """Let later batches have at most so many items; never more than before."""
        self._policy = self._policy.shrunk(max_batch_size)

    def _leading_markers(self) -> list[Turn]:
        markers = []
        for lane in self._waiting:
            while lane and lane[0].is_marker:
                markers.append(lane.popleft())
        return markers

    def _pick(self, now_seconds: float) -> list[Turn]:
        limit = self._policy.max_per_stream or self._policy.max_batch_size
        taken = [0] * len(self._waiting)
        picked: list[Turn] = []
        num_items = 0
        while num_items < self._policy.max_batch_size:
            open_lanes = [
                lane
                for lane, turns in enumerate(self._waiting)
                if turns and taken[lane] < limit
            ]
            if not open_lanes:
                break
            lane = min(open_lanes, key=self._head_order)
            turn = self._waiting[lane].popleft()
            self._num_items -= not turn.is_marker
            if not turn.is_marker and self._is_too_old(turn, now_seconds):
                turn = replace(turn, is_marker=True, is_stale=True)
            picked.append(turn)
            if not turn.is_marker:
                taken[lane] += 1
                num_items += 1
        return picked

    def _is_too_old(self, turn: Turn, now_seconds: float) -> bool:
        limit = self._policy.max_staleness_seconds
        return limit is not None and now_seconds - turn.entered_seconds > limit

    def _head_order(self, lane: int) -> tuple[float, int]:
        return self._waiting[lane][0].entered_seconds, lane


def halves(batch: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """Split a batch of two or more in the middle, for a device that ran out of memory."""
    middle = (len(batch) + 1) // 2
    return batch[:middle], batch[middle:]
