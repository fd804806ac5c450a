"""A flow while it runs: waiting for its end, ending it, and the loops over its taps."""

from __future__ import annotations

import atexit
import contextlib
import warnings
import weakref
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

from videoflow.core.engine import Run
from videoflow.core.report import Report
from videoflow.core.tap import Tap
from videoflow.errors import FlowStateError

__all__ = ["RunningFlow", "TapIterator", "alive"]

_STOP_SECONDS = 6.0  # the engine's own limits lie below
_KILL_SECONDS = 3.0


class RunningFlow:
    """One run of a flow, from its start on; stopped at exit if nobody waits for its end.

    Args:
        name: Of the flow.
        run: As the engine started it.
        readers: The loops over its taps.
    """

    def __init__(self, name: str, run: Run, readers: Sequence[TapIterator]) -> None:
        self.run = run
        self._name = name
        # Weak: a reader that nobody iterates any more ends its tap.
        self._readers = [weakref.ref(reader) for reader in readers]
        atexit.register(self._stop_at_exit)

    @property
    def is_running(self) -> bool:
        """Whether something of the flow is left."""
        return not self.run.wait(0)

    def has_readers(self) -> bool:
        """Say whether another loop may still want items: the flow waits for it."""
        return any(not reader.is_over for reader in alive(self._readers))

    def join(self, timeout_seconds: float | None) -> Report:
        """Wait for the end, or end everything at Ctrl-C; raise what broke the flow.

        Raises:
            FlowStateError: It did not end in time.
            VideoflowError: It broke.
        """
        try:
            has_ended = self.run.wait(timeout_seconds)
        except KeyboardInterrupt:
            self.end()
            raise
        if not has_ended:
            raise FlowStateError(
                f"flow {self._name!r} has not ended after {timeout_seconds} s",
                help="call stop(), or join() again",
            )
        atexit.unregister(self._stop_at_exit)
        error = self.run.error()
        if error is not None:
            raise error
        return self.run.report()

    def end(self) -> None:
        """Stop, wait, and kill what does not stop; nobody reads the taps any more."""
        for reader in alive(self._readers):
            reader.close()
        atexit.unregister(self._stop_at_exit)
        self.run.stop()
        try:
            has_ended = self.run.wait(_STOP_SECONDS)
        except KeyboardInterrupt:
            has_ended = False
        if not has_ended:
            self.run.kill()
            self.run.wait(_KILL_SECONDS)

    def end_if_running(self) -> None:
        """End what is left, if there is anything."""
        if self.is_running:
            self.end()

    def _stop_at_exit(self) -> None:
        if self.is_running:
            warnings.warn(
                f"flow {self._name!r} was still running at exit and is stopped: call join()",
                ResourceWarning,
                stacklevel=2,
            )
            self.end()


class TapIterator(Iterator[Any]):
    """Iterates over a tap, and starts its flow at the first item.

    Args:
        tap: A consumer of the flow.
        start: Starts the flow, which then calls ``attach``.
    """

    def __init__(self, tap: Tap, start: Callable[[], object]) -> None:
        self.tap = tap
        self.is_over = False
        self._start = start
        self._running: RunningFlow | None = None
        self._items: Generator[Any, None, bool] | None = None

    def attach(self, running: RunningFlow, items: Generator[Any, None, bool]) -> None:
        """Hear that the flow has started, and take the way of the tap's items."""
        self._running, self._items = running, items

    def __next__(self) -> Any:
        if self._running is None:
            self._start()
        if self.is_over:
            raise StopIteration
        assert self._running is not None
        assert self._items is not None
        try:
            return next(self._items)
        except StopIteration as end:
            self.is_over = True
            if not end.value or not self._running.has_readers():
                self._running.join(None)
            raise
        except KeyboardInterrupt:
            self._running.end()
            raise

    def close(self) -> None:
        """End the tap; the flow goes on without it."""
        self.is_over = True
        # A generator at work in another thread refuses to be closed: that thread reads on.
        with contextlib.suppress(ValueError):
            if self._items is not None:
                self._items.close()


def alive(readers: Sequence[weakref.ref[TapIterator]]) -> list[TapIterator]:
    """Return the loops that somebody still holds."""
    return [reader for ref in readers if (reader := ref()) is not None]
