"""Sources that read in a thread of their own, beside the loop of their worker.

The loop owns the door: it lets frames in as tickets come home, and can end a stream whose
source is blocked in ``next()``. In a realtime flow a source never waits: the newest frame waits
at the door, in place of an older one. In a batch flow it reads when there is a ticket, and its
frames wait at the door for no longer than the loop is busy with another source.
"""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections import deque
from typing import Any

from videoflow.core.node import Ending
from videoflow.runtime.door import Arrival, Door
from videoflow.runtime.station import COMPUTE, MAX_RUN, node_error

__all__ = ["RealtimeDoor", "SharedDoor"]

_CLOSE_SECONDS = 0.5


class _ThreadedDoor(Door):
    """What both kinds share: the thread, and the end that does not wait for it.

    All that the loop and the thread both touch is touched under the lock.
    """

    steps_on_device = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._lock = threading.Condition()
        self._thread: threading.Thread | None = None
        self._has_source_ended = False
        self._give_up_at: float | None = None

    def step(self) -> bool:
        """Let in what waits at the door, as far as tickets are home."""
        if self.is_done:
            return False
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run_source, name=f"source {self.name}", daemon=True
            )
            self._thread.start()
        with self._lock:
            self._collect_home()
            has_worked = self._admit()
            if not self._has_sent_end and self._is_over():
                self._drop_waiting()
                self._send_end(self._ending or "finished")
                self._give_up_at = time.monotonic() + _CLOSE_SECONDS
                has_worked = True
            return self._settle_done() or has_worked

    def due_seconds(self) -> float | None:
        """Return when a thread that has not come back since the end is given up."""
        is_awaited = not self._has_source_ended and not self._is_given_up()
        return self._give_up_at if is_awaited else None

    def end(self, ending: Ending) -> None:
        """End the stream without waiting for ``next``."""
        with self._lock:
            super().end(ending)
            self._lock.notify_all()

    def close(self) -> None:
        """Close the node, unless its ``next`` is still blocked: then its process ends it."""
        if self._thread is not None:
            if self._has_source_ended:
                self._thread.join()
            else:
                self.is_open = False
        super().close()

    @abstractmethod
    def _admit(self) -> bool:
        """Let in what may; return whether anything did."""

    @abstractmethod
    def _is_over(self) -> bool:
        """Say whether the end of the stream can be sent."""

    @abstractmethod
    def _drop_waiting(self) -> None:
        """Count what waits at the door as dropped, and what was dropped before."""

    @abstractmethod
    def _may_read(self) -> bool:
        """Say whether the source may read one more item now."""

    @abstractmethod
    def _offer(self, arrival: Arrival) -> bool:
        """Put an item at the door; return whether the loop has to hear of it."""

    def _settle_done(self) -> bool:
        # A thread that is blocked holds up nobody: the loop goes on while it is waited for.
        return (self._has_source_ended or self._is_given_up()) and super()._settle_done()

    def _is_given_up(self) -> bool:
        return self._give_up_at is not None and time.monotonic() >= self._give_up_at

    def _run_source(self) -> None:
        """Read until the source ends or the stream was stopped; runs in the thread."""
        try:
            with self.on_device():
                self._read_on()
        except BaseException as error:  # nobody else would hear of it
            told = node_error(
                self, stream=self._plan.stream, frame_index=self._num_read, error=error
            )
            self.host.report_error(self.index, told)
            self.end("failed")
        finally:
            self._has_source_ended = True
            self.host.ring_own_bell()

    def _read_on(self) -> None:
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._ending is not None or self._may_read())
                if self._ending is not None:
                    return
                slot = self._reserve()
            begin = time.monotonic()
            arrival = self._read(slot)
            self.counters[COMPUTE] += time.monotonic() - begin
            with self._lock:
                if arrival is None or arrival.slot is None:
                    self._release(slot)
                if arrival is None or self._has_sent_end:
                    return
                has_news = self._offer(arrival)
            if has_news:
                self.host.ring_own_bell()


class RealtimeDoor(_ThreadedDoor):
    """A source that never waits, and the frame at its door."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._waiting: Arrival | None = None
        self._num_dropped = 0  # not in the ledger yet

    def _may_read(self) -> bool:
        return True

    def _offer(self, arrival: Arrival) -> bool:
        """Put the newest frame at the door, in place of one that waits there."""
        if self._waiting is not None:
            self._num_dropped += 1
            if self._waiting.slot is not None:
                self._release(self._waiting.slot)
        self._waiting = arrival
        return True

    def _admit(self) -> bool:
        """Let the waiting frame in if it may; write down what was dropped meanwhile."""
        self._write_dropped()
        if self._waiting is None or self._ending is not None or self._num_free() <= 0:
            return False
        arrival, self._waiting = self._waiting, None
        self._enter([arrival])
        return True

    def _is_over(self) -> bool:
        is_empty = self._waiting is None and self._has_source_ended
        return self._ending is not None or is_empty

    def _drop_waiting(self) -> None:
        self._num_dropped += self._waiting is not None
        self._waiting = None
        self._write_dropped()

    def _write_dropped(self) -> None:
        if self._num_dropped:
            self._ledger.drop_at_door(self.index, self._num_dropped)
            self._num_dropped = 0

    def _source_ended(self, ending: Ending) -> None:
        if ending == "failed":
            self.end(ending)


class SharedDoor(_ThreadedDoor):
    """A source of a batch flow that shares its worker with others: it reads for tickets."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._waiting: deque[Arrival] = deque()

    def _may_read(self) -> bool:
        return self._num_free() > len(self._waiting)

    def _offer(self, arrival: Arrival) -> bool:
        self._waiting.append(arrival)
        return len(self._waiting) == 1

    def _admit(self) -> bool:
        """Let waiting items in, and the thread read on, as far as there are tickets.

        There are fewer than there were when an item was read if something large has turned
        up since; then it waits here.
        """
        num = min(len(self._waiting), self._num_free(), MAX_RUN)
        if num > 0:
            self._enter([self._waiting.popleft() for _ in range(num)])
        if self._may_read():
            self._lock.notify_all()
        return num > 0

    def _is_over(self) -> bool:
        # After a failure tickets may never come home: then nothing waits for them.
        return self._ending == "failed" or (self._ending is not None and not self._waiting)

    def _drop_waiting(self) -> None:
        if self._waiting:
            self._ledger.drop_at_door(self.index, len(self._waiting))
            self._waiting.clear()

    def _source_ended(self, ending: Ending) -> None:
        self.end(ending)
