"""One lane at one input of a node: what has arrived, in order, and whether more will come.

Frames of a lane come as runs: values for ``seq``, ``seq + stride``, ... A lane that several
tasks of the parent share is put in order here; what a restarted worker sends again is
dropped here.
"""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from videoflow.core.node import Ending

__all__ = ["Inbox", "worst_ending"]

_SEVERITY: dict[Ending, int] = {"finished": 0, "stopped": 1, "failed": 2}


def worst_ending(endings: Iterable[Ending]) -> Ending:
    """Return the worst way in which something ended; ``finished`` of nothing."""
    return max(endings, key=_SEVERITY.__getitem__, default="finished")


class Inbox:
    """The arrivals of one lane at one input.

    Args:
        first: The first sequence number that comes here.
        stride: The distance to the next: the number of tasks that share the node.
        num_writers: How many tasks of the parent send this lane.
        window: Tickets of the lane as long as no run has said how many there are.
    """

    __slots__ = (
        "_ended_by",
        "_first_window",
        "_is_lost",
        "_next_in",
        "_num_writers",
        "_pending",
        "_steps",
        "_stride",
        "_total",
        "ending",
        "items",
        "next_out",
    )

    def __init__(self, first: int, stride: int, num_writers: int, window: int = 1) -> None:
        self.items: deque[Any] = deque()
        self.next_out = first
        self.ending: Ending = "finished"
        self._next_in = first
        self._stride = stride
        self._num_writers = num_writers
        self._pending: dict[int, Any] = {}
        self._steps: list[tuple[int, int]] = []  # (from seq, window), sorted
        self._first_window = window
        self._ended_by: set[int] = set()
        self._total: int | None = None
        self._is_lost = False

    @property
    def stride(self) -> int:
        """The distance between the sequence numbers that come here."""
        return self._stride

    @property
    def next_in(self) -> int:
        """The sequence number that has to come next."""
        return self._next_in

    @property
    def total(self) -> int | None:
        """One past the last sequence number of the lane, once all writers have said so."""
        return self._total if len(self._ended_by) >= self._num_writers else None

    @property
    def is_over(self) -> bool:
        """Whether everything came and was taken."""
        total = self.total
        return total is not None and self.next_out >= total

    def put(self, seq: int, stride: int, window: int, values: Sequence[Any]) -> None:
        """Take a run of values; what came before already is dropped."""
        if self._is_lost:
            return
        if not self._steps or self._steps[-1][1] != window or self._steps[-1][0] > seq:
            self._add_step(seq, window)
        if seq == self._next_in and stride == self._stride and not self._pending:
            self.items.extend(values)
            self._next_in = seq + stride * len(values)
            return
        for number, value in enumerate(values):
            at = seq + stride * number
            if at >= self._next_in:
                self._pending[at] = value
        self._take_pending()

    def skip_to(self, seq: int) -> None:
        """Pass over everything below ``seq``: nobody wants it any more."""
        while self.next_out < seq:
            if self.items:
                self.items.popleft()
            self.next_out += self._stride
        self._next_in = max(self._next_in, self.next_out)
        for early in [at for at in self._pending if at < self._next_in]:
            del self._pending[early]
        self._take_pending()

    def _take_pending(self) -> None:
        while self._next_in in self._pending:
            self.items.append(self._pending.pop(self._next_in))
            self._next_in += self._stride

    def end(self, total: int, ending: Ending, writer: int) -> None:
        """Hear from one writer that the lane ends before ``total``."""
        self._ended_by.add(writer)
        self._total = max(self._total or 0, total)
        self.ending = worst_ending((self.ending, ending))
        if len(self._ended_by) >= self._num_writers and self._next_in < self._total:
            # A frame was lost on the way to one of the writers, with its worker: what the
            # others made of later frames cannot go on, because the order has a hole.
            self._total = self._next_in
            self._pending.clear()

    def lose(self, writer: int, ending: Ending) -> None:
        """Hear that a writer is gone: what it did not send will not come."""
        if writer in self._ended_by:
            return
        self._is_lost = True
        self._pending.clear()
        self._ended_by |= set(range(self._num_writers))
        self._total = self._next_in
        self.ending = worst_ending((self.ending, ending))

    def window(self) -> int:
        """Return the window (tickets in flight) of the next value to take."""
        steps = self._steps
        while len(steps) > 1 and steps[1][0] <= self.next_out:
            del steps[0]
        return steps[0][1] if steps else self._first_window

    def run_length(self) -> int:
        """Return how many values can be taken under one window."""
        self.window()
        num_items = len(self.items)
        if len(self._steps) > 1:
            reach = -(-(self._steps[1][0] - self.next_out) // self._stride)
            return min(num_items, reach)
        return num_items

    def take(self) -> Any:
        """Return the next value; there must be one."""
        self.next_out += self._stride
        return self.items.popleft()

    def _add_step(self, seq: int, window: int) -> None:
        """Note a change of the window; tasks of a parent may tell it out of order."""
        at = bisect.bisect_left(self._steps, (seq, 0))
        if at == 0 or self._steps[at - 1][1] != window:
            self._steps.insert(at, (seq, window))

    def pass_over(self) -> None:
        """Count one more value as taken from a lane that is over."""
        self.next_out += self._stride
