"""Items on their way to somebody who may be slow, or gone: sent in order by a thread.

Knows order, room, pauses between attempts and the end; not how an item is sent.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from videoflow.core.node import ConsumerNode
from videoflow.errors import OutputError

__all__ = ["Failure", "Outbox", "Retries", "backoff_seconds", "tell_unsent"]

_MAX_WAIT_SECONDS: Final = 30.0
_MAX_DOUBLINGS: Final = 60  # far beyond the longest pause, and still a number

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an item was not accepted, and whether that may pass."""

    reason: str
    is_passing: bool


@dataclass(frozen=True, slots=True)
class Retries:
    """How often an item is tried, and what is waited between.

    Attributes:
        max_attempts: At least 1.
        first_wait_seconds: The longest pause before the second attempt; it doubles from there
            up to 30 s.
        jitter: Returns numbers in [0, 1), the share of each pause that is waited.
    """

    max_attempts: int = 4
    first_wait_seconds: float = 0.5
    jitter: Callable[[], float] = random.random

    def waits(self) -> Iterator[float]:
        """Yield the pauses between attempts, in seconds."""
        return backoff_seconds(self.max_attempts - 1, self.first_wait_seconds, self.jitter)


class Outbox(Generic[Item]):
    """Sends items one after the other, in the order in which they were put.

    Args:
        send: Sends one item, within a bounded time; returns why it was not accepted, or None.
        retries: For what may pass.
        max_items: So many may wait; who puts one more waits for room.
        max_wait_seconds: For so long, at most.
    """

    def __init__(
        self,
        send: Callable[[Item], Failure | None],
        *,
        retries: Retries,
        max_items: int,
        max_wait_seconds: float,
    ) -> None:
        self._send = send
        self._retries = retries
        self._max_items = max_items
        self._max_wait_seconds = max_wait_seconds
        self._items: deque[Item] = deque()
        self._failures: deque[Failure] = deque()
        self._lock = threading.Condition()
        self._is_closing = False
        self._must_end = threading.Event()
        self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Take an item; the sending thread has it until it is accepted or given up.

        Raises:
            OutputError: There was no room in time: the item is not taken.
        """
        with self._lock:
            has_room = self._lock.wait_for(self._has_room, self._max_wait_seconds)
            if not has_room:
                raise OutputError(
                    f"got one item more while {self._max_items} wait to be sent, want room "
                    f"within {self._max_wait_seconds:g} s",
                    help='on_error="skip" gives such items up and counts them as failed',
                )
            self._items.append(item)
            self._lock.notify_all()

    def take_failure(self) -> Failure | None:
        """Return why an item was given up, each once, the oldest first."""
        with self._lock:
            return self._failures.popleft() if self._failures else None

    def close(self, flush_seconds: float) -> int:
        """Send what waits, for at most ``flush_seconds`` and the attempt that is under way.

        Returns:
            How many items were not sent.
        """
        deadline = time.monotonic() + flush_seconds
        with self._lock:
            self._is_closing = True
            self._lock.notify_all()
        self._thread.join(max(0.0, deadline - time.monotonic()))
        self._must_end.set()
        with self._lock:
            return len(self._items)

    def _has_room(self) -> bool:
        return len(self._items) < self._max_items

    def _work(self) -> None:
        while (item := self._next()) is not None:
            try:
                failure = self._deliver(item)
            except Exception as error:  # the thread's rim: told like what was not accepted
                failure = Failure(f"{type(error).__name__}: {error}", is_passing=False)
            with self._lock:
                if self._must_end.is_set():
                    return
                self._items.popleft()
                if failure is not None:
                    self._failures.append(failure)
                self._lock.notify_all()

    def _next(self) -> Item | None:
        """Return the oldest item, which stays where it is until it was dealt with."""
        with self._lock:
            self._lock.wait_for(lambda: self._items or self._is_closing)
            return self._items[0] if self._items and not self._must_end.is_set() else None

    def _deliver(self, item: Item) -> Failure | None:
        waits = self._retries.waits()
        while (failure := self._send(item)) is not None and failure.is_passing:
            wait_seconds = next(waits, None)
            if wait_seconds is None or self._must_end.wait(wait_seconds):
                break
        return failure


def backoff_seconds(
    num_waits: int, first_seconds: float, jitter: Callable[[], float]
) -> Iterator[float]:
    """Yield the pauses between attempts.

    Args:
        num_waits: How many.
        first_seconds: The most that the first may be; it doubles up to 30 s.
        jitter: Returns numbers in [0, 1).

    Example:
        >>> list(backoff_seconds(3, 0.5, lambda: 1.0))
        [0.5, 1.0, 2.0]

    Source: full jitter, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    for k in range(num_waits):
        yield min(_MAX_WAIT_SECONDS, first_seconds * 2 ** min(k, _MAX_DOUBLINGS)) * jitter()


def tell_unsent(node: ConsumerNode, num_unsent: int, reason: str) -> None:
    """Say at the end what a node could not send: as an error, or where that is skipped, a note.

    Raises:
        OutputError: Something was not sent, and the node's ``on_error`` is ``stop``.
    """
    if not num_unsent:
        return
    message = f"{node.name!r}: {num_unsent} items were not sent: {reason}"
    if node.options["on_error"] == "stop":
        raise OutputError(message, help='on_error="skip" makes a remark of it')
    node.note(message)
