"""Where one node writes its large outputs: the slots of its ring, one for each ticket.

The desk is the ``NodeRuntime`` that a node sees while it is open.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from videoflow.data.lease import SlotLease
from videoflow.errors import GraphError
from videoflow.runtime.payload import LARGE_BYTES, Place
from videoflow.runtime.slots import Block, HostRing, HostRingReader, Ref

if TYPE_CHECKING:
    from torch import Tensor, dtype

__all__ = ["Desk", "ReadRings", "Ticket"]


class ReadRings:
    """The rings that a worker can read, opened when they are first named.

    Args:
        fds: Ring to descriptor.
    """

    def __init__(self, fds: dict[int, int]) -> None:
        self._fds = fds
        self._readers: dict[int, HostRingReader] = {}

    def place(self, ref: Ref) -> Place:
        """Return what ``ref`` names, once it is written."""
        reader = self._reader(ref)
        return Place(ref, reader.view(ref), reader.address(ref))

    def lease(self, ref: Ref) -> SlotLease:
        """Return what knows whether ``ref`` still holds that writing."""
        return self._reader(ref).lease(ref)

    def _reader(self, ref: Ref) -> HostRingReader:
        reader = self._readers.get(ref.ring)
        if reader is None:
            reader = self._readers[ref.ring] = HostRingReader(self._fds[ref.ring])
        return reader


Ticket = tuple[int, int, int]
"""Whose slot of a ring an item may write: lane, sequence number, window (tickets in flight)."""


class Desk:
    """The slots of the items that a node works on now.

    Args:
        make_ring: Makes the node's ring; called when the first slot is needed.
        say_large: Called once, when the first slot is needed.
        say_note: Takes the node's remarks.
    """

    def __init__(
        self,
        make_ring: Callable[[], HostRing],
        say_large: Callable[[], None],
        say_note: Callable[[str], None],
    ) -> None:
        self._make_ring = make_ring
        self._say_large = say_large
        self._say_note = say_note
        self._ring: HostRing | None = None
        self._has_said_large = False
        self._windows: dict[int, tuple[int, int, int | None]] = {}
        self._tickets: tuple[Ticket, ...] = ()
        self._num_asked = 0
        self._num_slots: dict[int, int] = {}
        self._places: dict[int, list[Place]] = {}

    def begin(self, *tickets: Ticket, number: int = 0) -> None:
        """Begin work on one item, or on a batch: one ticket for each item.

        Args:
            *tickets: Whose slots to write to.
            number: How many slots of a single item's ticket are in use already.
        """
        self._tickets = tickets
        self._num_asked = 0
        if self._num_slots:
            self._num_slots = {}
            self._places = {}
        if number:
            self._num_slots[0] = number

    @property
    def is_used(self) -> bool:
        """Whether the item in work has a slot."""
        return bool(self._num_slots)

    def places(self, item: int = 0) -> list[Place]:
        """Return the slots that the node asked for, for item ``item`` of the batch."""
        return self._places.get(item, [])

    def new_slot(self, num_bytes: int, item: int = 0) -> Block:
        """Return one more slot of ``item``'s ticket.

        Raises:
            GraphError: Called outside the node's own call.
        """
        if not self._tickets:
            raise GraphError(
                "slot() was called outside next(), process() and process_batch()",
                help="ask for a slot where the output is made",
            )
        ring = self._ring
        if ring is None:
            ring = self._ring = self._make_ring()
            self._tell_large()
        lane, seq, window = self._tickets[item]
        self._settle_window(ring, lane, seq, window)
        number = self._num_slots.get(item, 0)
        self._num_slots[item] = number + 1
        return ring.lend((lane, window, seq % window, number), num_bytes)

    def _settle_window(self, ring: HostRing, lane: int, seq: int, window: int) -> None:
        """Give slots back when the window of a lane has changed and nobody reads them any more.

        Slots of two windows never share a key. ``seq`` is in flight, so everything below
        ``seq - window`` is home; a window later that is all that the old window's slots held.
        """
        known, since, before = self._windows.get(lane, (window, seq, None))
        if known != window:
            since, before = seq, known
        elif before is not None and seq >= since + window:
            ring.forget(lambda key: key[0] == lane and key[1] == before)
            before = None
        self._windows[lane] = (window, since, before)

    def look_at(self, value: Any) -> None:
        """Note it when an output is large, wherever it lies: tickets then count by memory."""
        if not self._has_said_large and _size_bytes(value) >= LARGE_BYTES:
            self._tell_large()

    def _tell_large(self) -> None:
        if not self._has_said_large:
            self._has_said_large = True
            self._say_large()

    def lend(self, value: Any, item: int = 0) -> Any:
        """Return an output that lies in ``item``'s slot under the lease of that slot."""
        places = self._places.get(item)
        if places and self._ring is not None and hasattr(value, "lent"):
            return value.lent(self._ring.lease(places[0].ref))
        return value

    def slot(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Return host memory of the slot that belongs to the item in work.

        Raises:
            GraphError: Called outside the node's call, or more often than the batch has items.
        """
        kind = np.dtype(dtype)
        item = self._num_asked if len(self._tickets) > 1 else 0
        if self._tickets and item >= len(self._tickets):
            raise GraphError(
                f"slot() was called {item + 1} times for a batch of {len(self._tickets)}",
                help="call it once for each item of the batch, in their order",
            )
        self._num_asked += 1
        num_bytes = math.prod(shape) * kind.itemsize
        block = self.new_slot(num_bytes, item)
        self._places.setdefault(item, []).append(Place.of(block))
        return np.ndarray(shape, kind, block.view)

    def slot_tensor(self, shape: tuple[int, ...], dtype: dtype) -> Tensor:
        """Return ``slot`` as a tensor."""
        import torch

        size = math.prod(shape) * dtype.itemsize
        return torch.from_numpy(self.slot((size,), np.uint8)).view(dtype).view(shape)

    def note(self, text: str) -> None:
        """Pass a remark on to the flow's report."""
        self._say_note(text)


def _size_bytes(value: Any) -> int:
    """Return about how much memory a value takes: its arrays and bytes, one level deep."""
    if isinstance(value, tuple | list):
        return sum(_size_bytes(one) for one in value if not isinstance(one, tuple | list))
    if isinstance(value, bytes | bytearray | memoryview):
        return len(value)
    return int(getattr(getattr(value, "buffer", value), "nbytes", 0))
