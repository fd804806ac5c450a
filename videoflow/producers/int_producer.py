"""Whole numbers as a stream: for first steps, tests and measurements of the engine."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any

from videoflow.core.node import ProducerNode
from videoflow.errors import GraphError

__all__ = ["IntProducer"]


class IntProducer(ProducerNode):
    """Yield the ints from ``start`` to ``end``, both included.

    Args:
        start: The first.
        end: The last; None for no end. Below ``start`` there is nothing to yield.
        wait_time_in_seconds: A pause before each item, however long the others took.
        fps: Items a second, kept like a camera keeps its rate: item k is due k / fps
            after the first, and one that is late is not waited for.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A value that makes no sense, or two ways to pace at once.

    Example:
        >>> numbers = IntProducer(3, 4)
        >>> numbers.open()
        >>> numbers.next(), numbers.next()
        (3, 4)
    """

    def __init__(
        self,
        start: int = 0,
        end: int | None = None,
        wait_time_in_seconds: float = 0.0,
        fps: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if not wait_time_in_seconds >= 0:
            raise GraphError(
                f"{self.name!r}: got wait_time_in_seconds={wait_time_in_seconds!r}, want >= 0"
            )
        if fps is not None and not fps > 0:
            raise GraphError(f"{self.name!r}: got fps={fps!r}, want > 0 or None")
        if fps is not None and wait_time_in_seconds:
            raise GraphError(
                f"{self.name!r}: got wait_time_in_seconds and fps, want one of them",
                help="fps keeps a rate, wait_time_in_seconds pauses between items",
            )
        self.start = start
        self.end = end
        self.wait_time_in_seconds = wait_time_in_seconds
        self.fps = fps
        self._is_paced = fps is not None or wait_time_in_seconds > 0
        self._numbers: Iterator[int] = iter(())
        self._due_seconds: float | None = None

    @property
    def num_items(self) -> int | None:
        """How many there are, or None where there is no end."""
        return None if self.end is None else max(0, self.end - self.start + 1)

    def open(self) -> None:
        """Go back to the first."""
        self._due_seconds = None
        self._numbers = (
            itertools.count(self.start)
            if self.end is None
            else iter(range(self.start, self.end + 1))
        )

    def next(self) -> int:
        """Return the next number when its time has come.

        Raises:
            StopIteration: ``end`` was the one before.
        """
        if self._is_paced:
            return self._next_paced()
        return next(self._numbers)

    def _next_paced(self) -> int:
        number = next(self._numbers)
        if self.fps is None:
            time.sleep(self.wait_time_in_seconds)
            return number
        now = time.monotonic()
        due = now if self._due_seconds is None else self._due_seconds
        if due > now:
            time.sleep(due - now)
        self._due_seconds = due + 1 / self.fps
        return number
