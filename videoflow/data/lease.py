"""How long lent memory may be used.

A frame that travels lives in a slot that its ring will write again. Its lease knows which
writing of the slot it belongs to (the generation), so that a frame that was kept too long
is refused instead of showing another frame's pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from videoflow.errors import LeaseError

__all__ = ["OWNED", "Lease", "Owned", "SlotLease"]


class Lease(Protocol):
    """Says whether memory may still be read."""

    def check(self) -> None:
        """Return when the memory is still what it was lent as.

        Raises:
            LeaseError: The slot has been written again, or given back.
        """


class Owned:
    """The lease of memory that belongs to whoever holds it: it never ends."""

    __slots__ = ()

    def check(self) -> None:
        """Return at once."""

    def __reduce__(self) -> str:
        return "OWNED"


OWNED = Owned()
"""The lease of memory that is its holder's own: it never ends."""


class SlotLease:
    """The lease of one writing of one slot.

    Args:
        generations: int64 ``[slots]``, shared with the ring's owner, which raises an entry
            each time the slot is handed out for writing.
        slot_index: Which entry.
        generation: The value at the time of lending.
    """

    __slots__ = ("_generation", "_generations", "_slot_index")

    def __init__(self, generations: Any, slot_index: int, generation: int) -> None:
        self._generations = generations
        self._slot_index = slot_index
        self._generation = generation

    def __reduce__(self) -> tuple[Callable[[], Owned], tuple[()]]:
        return (_owned, ())  # a pickle is a copy, and a copy belongs to its holder

    def check(self) -> None:
        """Return when the slot still holds the writing that was lent.

        Raises:
            LeaseError: The slot has been handed out again since.
        """
        if self._generations[self._slot_index] != self._generation:
            raise LeaseError(
                "a frame was used after the call that it was lent for: its slot "
                "already holds another one",
                help="call frame.keep() inside process() or consume() for what you keep",
            )


def _owned() -> Owned:
    return OWNED
