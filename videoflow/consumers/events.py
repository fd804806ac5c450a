"""Which values are events, and what they are called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from videoflow.data.counts import Counts
from videoflow.data.zones import ZoneCounts
from videoflow.errors import OutputError

__all__ = ["When", "event_names", "names_of_events"]

When = Callable[..., str | None]
"""Gets the inputs behind the frame; returns what happened, as a word, or None."""


def names_of_events(when: When | None, *results: Any) -> list[str]:
    """Return what happened in a frame, each name once.

    Args:
        when: Decides it; None for ``event_names`` of each result.
        *results: The inputs behind the frame.

    Raises:
        OutputError: ``when`` is None, and a result tells no events.
    """
    if when is not None:
        name = when(*results)
        return [] if name is None else [name]
    return list(dict.fromkeys(name for result in results for name in event_names(result)))


def event_names(result: Any) -> list[str]:
    """Return a name for each crossing (``gate-in``) or entry into a zone (``till-entered``).

    Raises:
        OutputError: Neither counts, nor counts of zones, nor None.
    """
    if result is None:
        return []
    if isinstance(result, Counts):
        return [f"{crossing.line}-{crossing.direction}" for crossing in result.crossings]
    if isinstance(result, ZoneCounts):
        entries = [event for event in result.events if event.kind == "entered"]
        return [f"{event.visit.zone}-{event.kind}" for event in entries]
    raise OutputError(
        f"got {type(result).__name__}, want Counts or ZoneCounts to find events in",
        help="when=lambda result: 'name' if ... else None decides about other values",
    )
