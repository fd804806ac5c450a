"""Where one node writes its large outputs: the slots of its ring, one for each ticket.

The desk is the ``NodeRuntime`` that a node sees while it is open.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from videoflow.errors import GraphError
from videoflow.runtime.device import Device
from videoflow.runtime.device_slots import DeviceBlock, DevicePlace, DeviceRing
from videoflow.runtime.payload import LARGE_BYTES, AnyPlace, Place
from videoflow.runtime.slots import Block, HostRing

if TYPE_CHECKING:
    from torch import Tensor, dtype

__all__ = ["Desk", "OwnRings", "Ticket"]


Ticket = tuple[int, int, int]
"""Whose slot of a ring an item may write: lane, sequence number, window (tickets in flight)."""


class OwnRings(Protocol):
    """The rings that a node's task writes, each made when it is first asked for."""

    def host(self) -> HostRing:
        """Return the ring in host memory."""

    def device(self, name: str) -> DeviceRing:
        """Return the ring in the memory of the device ``name``."""


class Desk:
    """The slots of the items that a node works on now.

    Args:
        rings: The node's own.
        device: Where the node's tensors are: ``cpu``, or a device by its name.
        say_large: Called once, when the first slot is needed.
        say_note: Takes the node's remarks.
    """

    def __init__(
        self,
        rings: OwnRings,
        device: str,
        say_large: Callable[[], None],
        say_note: Callable[[str], None],
    ) -> None:
        self._own = rings
        self._device = device
        self._say_large = say_large
        self._say_note = say_note
        self._rings: dict[str, HostRing | DeviceRing] = {}
        self._has_said_large = False
        self._windows: dict[int, tuple[int, int, int | None]] = {}
        self._tickets: tuple[Ticket, ...] = ()
        self._num_asked = 0
        self._num_slots: dict[int, int] = {}
        self._places: dict[int, list[AnyPlace]] = {}

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
    def device(self) -> str:
        """Where the node's tensors are."""
        return self._device

    @property
    def is_used(self) -> bool:
        """Whether the item in work has a slot."""
        return bool(self._num_slots)

    def places(self, item: int = 0) -> list[AnyPlace]:
        """Return the slots that the node asked for, for item ``item`` of the batch."""
        return self._places.get(item, [])

    def new_slot(
        self, num_bytes: int, device: Device | None = None, item: int = 0
    ) -> Block | DeviceBlock:
        """Return one more slot of ``item``'s ticket, in host memory or on a device.

        Raises:
            GraphError: Called outside the node's own call.
        """
        if not self._tickets:
            raise GraphError(
                "slot() was called outside next(), process() and process_batch()",
                help="ask for a slot where the output is made",
            )
        ring = self._ring("cpu" if device is None else device.name)
        lane, seq, window = self._tickets[item]
        self._settle_window(lane, seq, window)
        number = self._num_slots.get(item, 0)
        self._num_slots[item] = number + 1
        return ring.lend((lane, window, seq % window, number), num_bytes)

    def _ring(self, name: str) -> HostRing | DeviceRing:
        ring = self._rings.get(name)
        if ring is None:
            ring = self._own.host() if name == "cpu" else self._own.device(name)
            self._rings[name] = ring
            self._tell_large()
        return ring

    def _settle_window(self, lane: int, seq: int, window: int) -> None:
        """Give slots back when the window of a lane has changed and nobody reads them any more.

        Slots of two windows never share a key. ``seq`` is in flight, so everything below
        ``seq - window`` is home; a window later that is all that the old window's slots held.
        """
        known, since, before = self._windows.get(lane, (window, seq, None))
        if known != window:
            since, before = seq, known
        elif before is not None and seq >= since + window:
            for ring in self._rings.values():
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
        """Return an output that lies in ``item``'s slots under the lease of the first.

        What the node has queued for slots on a device counts as written from here on.
        """
        places = self._places.get(item)
        if not places:
            return value
        for place in places:
            if type(place) is DevicePlace:
                self._device_ring(place).ready(place.ref)
        if not hasattr(value, "lent"):
            return value
        first = places[0]
        if type(first) is DevicePlace:
            return value.lent(self._device_ring(first).lease(first.ref))
        assert type(first) is Place
        return value.lent(self._own.host().lease(first.ref))

    def slot(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Return host memory of the slot that belongs to the item in work.

        Raises:
            GraphError: Called outside the node's call, or more often than the batch has items.
        """
        kind = np.dtype(dtype)
        block = self._asked(math.prod(shape) * kind.itemsize, None)
        assert type(block) is Block
        return np.ndarray(shape, kind, block.view)

    def slot_tensor(self, shape: tuple[int, ...], dtype: dtype) -> Tensor:
        """Return ``slot`` as a tensor on the node's device."""
        import torch

        size = math.prod(shape) * dtype.itemsize
        if self._device == "cpu":
            return torch.from_numpy(self.slot((size,), np.uint8)).view(dtype).view(shape)
        ring = self._ring(self._device)
        assert isinstance(ring, DeviceRing)
        block = self._asked(size, ring.device)
        assert isinstance(block, DeviceBlock)
        return block.view.view(dtype).view(shape)

    def _asked(self, num_bytes: int, device: Device | None) -> Block | DeviceBlock:
        """Return a slot that the node itself asked for."""
        item = self._num_asked if len(self._tickets) > 1 else 0
        if self._tickets and item >= len(self._tickets):
            raise GraphError(
                f"slot() was called {item + 1} times for a batch of {len(self._tickets)}",
                help="call it once for each item of the batch, in their order",
            )
        self._num_asked += 1
        block = self.new_slot(num_bytes, device, item)
        place: AnyPlace
        if isinstance(block, Block):
            place = Place.of(block)
        else:
            place = DevicePlace(block.ref, block.view)
        self._places.setdefault(item, []).append(place)
        return block

    def _device_ring(self, place: DevicePlace) -> DeviceRing:
        rings = (ring for ring in self._rings.values() if isinstance(ring, DeviceRing))
        return next(ring for ring in rings if ring.owns(place.ref))

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
