"""Producers at work: tickets, and who may enter the flow.

In a batch flow a producer waits for a ticket before it reads. In a realtime flow the source
runs in a thread of its own and never waits: the newest frame waits at the door, in place of
an older one, and enters when a ticket comes home.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, is_dataclass, replace
from typing import Any

from videoflow.core.node import Ending, ProducerNode
from videoflow.data.frame import Stamp
from videoflow.runtime.ledger import Ledger
from videoflow.runtime.marks import Marker
from videoflow.runtime.payload import PLAIN, Local
from videoflow.runtime.station import BUDGET_SECONDS, COMPUTE, ITEMS, MAX_RUN, Station

__all__ = ["BatchDoor", "RealtimeDoor"]

_CLOSE_SECONDS = 0.5
_DRAIN_SECONDS = 0.5


@dataclass(slots=True)
class _Arrival:
    """One item that was read, as messages carry it and as it stays here."""

    packed: Any
    kept: Any
    slot: int | None
    read_seconds: float


class _Door(Station):
    """What both kinds of door share: slots, tickets, the ledger, the end."""

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

    def _read(self, slot: int) -> _Arrival | None:
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

    def _arrival(self, value: Any, slot: int) -> _Arrival:
        """Return an item as it will travel."""
        now = time.monotonic()
        if type(value) in PLAIN:
            return _Arrival(value, value, None, now)
        value = self._renamed(value)
        self.desk.look_at(value)
        places = self.desk.places()
        value = self.desk.lend(value)
        packed = value
        if self.outlet.has_remotes:
            packed = self._pack(self.lanes[0], self._entered, value, places)
        kept = Local(value, tuple(places)) if places else value
        if type(packed) is Marker:
            kept = packed
        return _Arrival(packed, kept, slot if self.desk.is_used else None, now)

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

    def _source_ended(self, ending: Ending) -> None:
        raise AssertionError("each kind of door ends in its own way")

    def _enter(self, arrivals: list[_Arrival]) -> None:
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


class BatchDoor(_Door):
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
        arrivals: list[_Arrival] = []
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


class RealtimeDoor(_Door):
    """A source that never waits, in a thread of its own, and the frame at its door."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._lock = threading.Lock()
        self._waiting: _Arrival | None = None
        self._num_dropped = 0  # not in the ledger yet
        self._has_source_ended = False
        self._thread: threading.Thread | None = None

    def step(self) -> bool:
        """Let the frame at the door in, if a ticket is home."""
        if self.is_done:
            return False
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run_source, name=f"source {self.name}", daemon=True
            )
            self._thread.start()
        has_worked = self._admit()
        with self._lock:
            is_over = self._waiting is None and self._has_source_ended
            must_end = self._ending is not None or is_over
        if must_end and not self._has_sent_end:
            self._leave_the_rest()
            self._send_end(self._ending or "finished")
            has_worked = True
        return self._settle_done() or has_worked

    def close(self) -> None:
        """Close the node, unless its ``next`` is still blocked: then its process ends it."""
        if self._thread is not None:
            self._thread.join(_CLOSE_SECONDS)
            if self._thread.is_alive():
                self.is_open = False
        super().close()

    def end(self, ending: Ending) -> None:
        """End the stream without waiting for ``next``."""
        with self._lock:
            super().end(ending)

    def _admit(self) -> bool:
        """Let the waiting frame in if it may; write down what was dropped meanwhile."""
        arrival = None
        with self._lock:
            self._collect_home()
            num_dropped, self._num_dropped = self._num_dropped, 0
            if self._ending is None and self._num_free() > 0:
                arrival, self._waiting = self._waiting, None
        if num_dropped:
            self._ledger.drop_at_door(self.index, num_dropped)
        if arrival is None:
            return False
        self._enter([arrival])
        return True

    def _leave_the_rest(self) -> None:
        """Drop the frame at the door, if there is one: the stream has been stopped."""
        with self._lock:
            num_dropped = self._num_dropped + (self._waiting is not None)
            self._waiting, self._num_dropped = None, 0
        if num_dropped:
            self._ledger.drop_at_door(self.index, num_dropped)

    def _run_source(self) -> None:
        """Read until the source ends or the stream was stopped; runs in the thread."""
        with self.on_device():
            self._read_on()

    def _read_on(self) -> None:
        while True:
            with self._lock:
                if self._ending is not None:
                    break
                slot = self._reserve()
            begin = time.monotonic()
            arrival = self._read(slot)
            self.counters[COMPUTE] += time.monotonic() - begin
            with self._lock:
                if arrival is None or arrival.slot is None:
                    self._release(slot)
                if arrival is None or self._has_sent_end:
                    break
                self._offer(arrival)
            self.host.ring_own_bell()
        self._has_source_ended = True
        self.host.ring_own_bell()

    def _source_ended(self, ending: Ending) -> None:
        if ending == "failed":
            self.end(ending)

    def _offer(self, arrival: _Arrival) -> None:
        """Put the newest frame at the door, in place of one that waits there."""
        if self._waiting is not None:
            self._num_dropped += 1
            if self._waiting.slot is not None:
                self._release(self._waiting.slot)
        self._waiting = arrival
