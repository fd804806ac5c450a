"""Ctrl-C while a flow starts: held back until there is something that can be ended."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["interrupts_held"]


@contextmanager
def interrupts_held(then: Callable[[], object]) -> Iterator[None]:
    """Hold Ctrl-C back within the block; if it came, call ``then`` and let it come.

    Only the main thread hears Ctrl-C, so in any other this holds nothing back. What is in the
    block should take less than a second.

    Args:
        then: Called behind the block, before ``KeyboardInterrupt`` is raised there.
    """
    handler = signal.getsignal(signal.SIGINT)
    is_heard = threading.current_thread() is threading.main_thread() and callable(handler)
    if not is_heard:
        yield
        return
    assert callable(handler)
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came:
            then()
            handler(came[-1], None)
