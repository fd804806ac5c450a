"""What happens to a flow of the command line when the process is told to end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from videoflow.core.flow import Flow

__all__ = ["TERMINATED", "stopped_by_sigterm"]

TERMINATED: Final = 128 + signal.SIGTERM


@contextmanager
def stopped_by_sigterm(flow: Flow) -> Iterator[Callable[[], bool]]:
    """Stop ``flow`` in good order when the process is told to end.

    Yields:
        Says whether it was told.
    """
    received: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        flow.stop()

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield lambda: bool(received)
    finally:
        signal.signal(signal.SIGTERM, before)
