"""Producers at work: tickets, and who may enter the flow.

A producer of a batch flow waits for a ticket before it reads; alone in its worker it reads in
the worker's loop. Sources that have a thread are in ``threaded_door``.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass, is_dataclass, replace
from typing import Any

from videoflow.core.node import Ending, ProducerNode
from videoflow.data.frame import Stamp
from videoflow.runtime.ledger import Ledger
from videoflow.runtime.marks import Marker
from videoflow.runtime.payload import PLAIN, Local
from videoflow.runtime.station import BUDGET_SECONDS, COMPUTE, ITEMS, MAX_RUN, Station

__all__ = ["Arrival", "BatchDoor", "Door"]

_DRAIN_SECONDS = 0.5


@dataclass(slots=True)
class Arrival:
    """One item that was read, as messages carry it and as it stays here."""

    packed: Any
    kept: Any
    slot: int | None
    read_seconds: float


class Door(Station, ABC):
    """What all kinds of door share: slots, tickets, the ledger, the end."""

    node: ProducerNode

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._plan = self.host.plan.source(self.index)
        self._own_stream = self.node.stream  # before the flow made it unique
        self._lane_index = self.host.plan.graph.nodes[self.index].lanes[0]
        self._ledger = Ledger(self.host.plan, self.host.board)
        self._entered = 0
        self._folded = 0
        self._window = self._plan.tickets
        self._free: deque[int] = deque()
        self._num_slots = 0
        self._slots_out: deque[tuple[int, int]] = deque()  # (seq, slot), oldest first
        self._num_read = 0
        self._began = time.monotonic()
        self._ending: Ending | None = None
        self._has_sent_end = False

    def end(self, ending: Ending) -> None:
        """End the stream; what has entered goes on."""
        if self._ending is None or ending == "failed":
            self._ending = ending

    def _collect_home(self) -> None:
        """Take back the tickets of frames that all exits are done with."""
        home = self._ledger.home(self.index)
        if home == self._folded:
            return
        self._ledger.fold(self.index, home)
        self._folded = home
        while self._slots_out and self._slots_out[0][0] < home:
            self._free.append(self._slots_out.popleft()[1])

    def _num_free(self) -> int:
        """Return how many frames may enter now, and settle how many tickets there are.

        A stream begins with the tickets that it has for large arrays. When the first of them
        came home and nothing large was seen, it gets as many as small items can use, but no
        more than come home in ``_DRAIN_SECONDS``: what is in flight when somebody stops the
        flow is to be delivered. When something large turns up, it goes back at once.
        """
        plan = self._plan
        limit = plan.tickets
        if plan.max_tickets > plan.tickets:
            is_large = bool(self.host.board.large[self.index][0])
            is_light = not is_large and self._folded >= plan.tickets
            self._window = plan.max_tickets if is_light else plan.tickets
            if not self._entered:
                self._began = time.monotonic()
            if is_light:
                seconds = max(time.monotonic() - self._began, 1e-6)
                num_drained = int(self._folded / seconds * _DRAIN_SECONDS)
                limit = min(max(plan.tickets, num_drained), plan.max_tickets)
        return limit - (self._entered - self._folded)

    def _reserve(self) -> int:
        """Take a slot for the item that is read next."""
        if self._free:
            return self._free.popleft()
        self._num_slots += 1
        return self._num_slots - 1

    def _release(self, slot: int) -> None:
        """Put a slot back that nobody uses."""
        self._free.appendleft(slot)

    def _read(self, slot: int) -> Arrival | None:
        """Read one item, into ``slot`` if it is large; None at the end of the source."""
        while True:
            self.desk.begin((self._lane_index, slot, self._plan.max_tickets + 2))
            try:
                arrival = self._arrival(self.node.next(), slot)
            except StopIteration:
                self._source_ended("finished")
                return None
            except Exception as error:
                self._fail(self._plan.stream, self._num_read, error)
                if self._is_broken:
                    self._source_ended("failed")
                    return None
                if self._ending is not None:
                    return None
            else:
                self._num_read += 1
                return arrival

    def _arrival(self, value: Any, slot: int) -> Arrival:
        """Return an item as it will travel."""
        now = time.monotonic()
        if type(value) in PLAIN:
            return Arrival(value, value, None, now)
        value = self._renamed(value)
        self.desk.look_at(value)
        places = self.desk.places()
        value = self.desk.lend(value)
        packed = value
        if self.outlet.has_remotes:
            packed = self._pack(self.lanes[0], self._num_read, value, places)
        kept = Local(value, tuple(places)) if places else value
        if type(packed) is Marker:
            kept = packed
        return Arrival(packed, kept, slot if self.desk.is_used else None, now)

    def _renamed(self, value: Any) -> Any:
        """Return an item under the name that the flow gave the stream, if that is another.

        A source stamps with the name that it knows; two of one name get a number each.
        """
        own, unique = self._own_stream, self._plan.stream
        if own == unique or isinstance(value, type) or not is_dataclass(value):
            return value
        stamp = getattr(value, "stamp", None)
        if not isinstance(stamp, Stamp) or stamp.stream != own:
            return value
        return replace(value, stamp=replace(stamp, stream=unique))  # type: ignore[type-var]

    def _fail(self, stream: str | None, seq: int | None, error: BaseException) -> Marker:
        """Deal with an exception, unless the end was sent: nobody wants that item any more.

        A thread that comes back from ``next`` so late may find the readers of its slots gone.
        """
        return self._failed if self._has_sent_end else super()._fail(stream, seq, error)

    @abstractmethod
    def _source_ended(self, ending: Ending) -> None:
        """Hear that the source gives no more."""

    def _enter(self, arrivals: list[Arrival]) -> None:
        """Let items into the flow."""
        seq = self._entered
        clocks = self.host.board.entered_seconds[self.index]
        for number, arrival in enumerate(arrivals):
            clocks[(seq + number) % self._plan.max_tickets] = arrival.read_seconds
        self._slots_out.extend(
            (seq + number, arrival.slot)
            for number, arrival in enumerate(arrivals)
            if arrival.slot is not None
        )
        self._entered = seq + len(arrivals)
        self._ledger.enter(self.index, len(arrivals), self._entered)
        self.counters[ITEMS] += len(arrivals)
        self.outlet.put(
            self._lane_index,
            seq,
            1,
            self._window,
            [arrival.packed for arrival in arrivals],
            [arrival.kept for arrival in arrivals],
        )

    def _send_end(self, ending: Ending) -> None:
        self._has_sent_end = True
        self.outlet.end_source(self._lane_index, self.index, self._entered)
        self.outlet.end(self._lane_index, self._entered, ending)
        self.host.report_ended(self.index, ending)

    def _settle_done(self) -> bool:
        """Return whether the station is done: the end was sent and all tickets are home."""
        is_lost = self._ending == "failed"  # then some tickets may never come home
        if self._has_sent_end and (is_lost or self._folded == self._entered):
            self.is_done = True
        return self.is_done


class BatchDoor(Door):
    """A producer that reads when there is a ticket."""

    def step(self) -> bool:
        """Read as much as there are tickets for, for a little while."""
        if self.is_done:
            return False
        self._collect_home()
        has_worked = False
        if self._ending is None:
            num_free = self._num_free()
            if num_free > 0:
                has_worked = True
                self._read_some(min(num_free, MAX_RUN))
        if self._ending is not None and not self._has_sent_end:
            self._send_end(self._ending)
            has_worked = True
        return self._settle_done() or has_worked

    def _read_some(self, most: int) -> None:
        arrivals: list[Arrival] = []
        begin = time.monotonic()
        deadline = begin + BUDGET_SECONDS
        while len(arrivals) < most:
            slot = self._reserve()
            arrival = self._read(slot)
            if arrival is None or arrival.slot is None:
                self._release(slot)
            if arrival is None:
                break
            arrivals.append(arrival)
            if arrival.read_seconds > deadline:
                break
        self.counters[COMPUTE] += time.monotonic() - begin
        if arrivals:
            self._enter(arrivals)

    def _source_ended(self, ending: Ending) -> None:
        self.end(ending)
