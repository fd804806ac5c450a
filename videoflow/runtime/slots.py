"""Slots in host memory: where large arrays lie while messages about them travel.

Each task of a node owns a ring. Its memory has no name in the file system and is handed once,
as a descriptor, to every worker downstream; it grows when a slot is needed that is not there
yet, and pages that nobody wrote cost nothing. A message names a place in it (``Ref``).

In host memory the message that names a slot orders its writing and its reading, and the
ticket the other way round. What the memory of an accelerator needs besides is in
``device_slots``.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, Protocol

import numpy as np

from videoflow.data.lease import SlotLease

__all__ = [
    "POISON",
    "Block",
    "HostRing",
    "HostRingReader",
    "Ref",
    "Writing",
    "ring_index",
]

_PAGE = 4096
_GROWTH = 16 << 20
POISON = 0xDD


def ring_index(node: int, task: int) -> int:
    """Return the index of the ring of one task of a node; each task writes its own."""
    return node << 16 | task


class Ref(NamedTuple):
    """A place in a ring, as messages name it.

    Attributes:
        ring: Index of the ring (``ring_index``).
        block: Offset of the slot's header in bytes.
        offset: Offset of the data in bytes.
        num_bytes: Length of the data.
        generation: Which writing of the slot it is.
    """

    ring: int
    block: int
    offset: int
    num_bytes: int
    generation: int


class Writing(Protocol):
    """What a lease has to know of a reference."""

    @property
    def block(self) -> int:
        """Offset of the slot's header in bytes."""

    @property
    def generation(self) -> int:
        """Which writing of the slot it is."""


class Block:
    """A slot that is being written.

    Attributes:
        ref: Names the whole slot.
        view: Its bytes, writable.
        address: Of its first byte in this process.
    """

    __slots__ = ("address", "ref", "view")

    def __init__(self, ref: Ref, view: memoryview, address: int) -> None:
        self.ref = ref
        self.view = view
        self.address = address


class _Mapping:
    """A growing shared memory, seen from one process."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._size = 0
        self._view = memoryview(b"")
        self._bytes: np.ndarray[Any, Any] = np.empty(0, np.uint8)
        self.address = 0

    def reach(self, end: int) -> None:
        """Map at least ``end`` bytes; earlier views stay good."""
        if end <= self._size:
            return
        size = os.fstat(self._fd).st_size
        self._view = memoryview(mmap.mmap(self._fd, size))
        self._size = size
        self.address = np.frombuffer(self._view, np.uint8).ctypes.data

    def slice(self, start: int, num_bytes: int) -> memoryview:
        self.reach(start + num_bytes)
        return self._view[start : start + num_bytes]

    def header(self, block: int) -> np.ndarray[Any, Any]:
        self.reach(block + _PAGE)
        return np.frombuffer(self._view, np.int64, count=1, offset=block)


class HostRing:
    """The writing side of a ring in host memory.

    Args:
        ring: Its index (``ring_index``).
        fd: Descriptor of its memory; may hold slots of an earlier worker of the node, which
            are left as they are.
        is_poisoned: Fill slots that are lent again, so that a late reader sees garbage.
    """

    def __init__(self, ring: int, fd: int, *, is_poisoned: bool = False) -> None:
        self._ring = ring
        self._fd = fd
        self._is_poisoned = is_poisoned
        self._map = _Mapping(fd)
        self._end = os.fstat(fd).st_size
        self._slots: dict[Hashable, tuple[int, int]] = {}  # key -> start, capacity

    def lend(self, key: Hashable, num_bytes: int, *, keeps: bool = False) -> Block:
        """Return the slot ``key``, for writing ``num_bytes``.

        Args:
            key: Which slot.
            num_bytes: How many bytes of it.
            keeps: What it held stays; otherwise it is gone.
        """
        slot = self._slots.get(key)
        if slot is None or slot[1] < num_bytes:
            if slot is not None:
                self._forget(slot)
            slot = self._new_slot(num_bytes)
            self._slots[key] = slot
        start, _capacity = slot
        header = self._map.header(start)
        header[0] += 1
        view = self._map.slice(start + _PAGE, num_bytes)
        if self._is_poisoned and not keeps:
            np.frombuffer(view, np.uint8)[:] = POISON
        ref = Ref(self._ring, start, start + _PAGE, num_bytes, int(header[0]))
        return Block(ref, view, self._map.address + start + _PAGE)

    def lease(self, ref: Writing) -> SlotLease:
        """Return what knows whether the slot still holds the writing ``ref``."""
        return SlotLease(self._map.header(ref.block), 0, ref.generation)

    def forget(self, is_unused: Callable[[Any], bool]) -> None:
        """Give the memory of slots back whose tickets will not come again."""
        for key in [key for key in self._slots if is_unused(key)]:
            self._forget(self._slots.pop(key))

    def _new_slot(self, num_bytes: int) -> tuple[int, int]:
        start = self._end
        capacity = -(-num_bytes // _PAGE) * _PAGE
        self._end = start + _PAGE + capacity
        if self._end > os.fstat(self._fd).st_size:
            os.ftruncate(self._fd, self._end + max(_GROWTH, self._end // 2) // _PAGE * _PAGE)
        return start, capacity

    def _forget(self, slot: tuple[int, int]) -> None:
        start, capacity = slot
        self._map.header(start)[0] += 1  # late readers are refused
        _punch_hole(self._fd, start + _PAGE, capacity)


class HostRingReader:
    """The reading side of a ring in host memory.

    Args:
        fd: Descriptor of its memory.
    """

    def __init__(self, fd: int) -> None:
        self._map = _Mapping(fd)

    def view(self, ref: Ref) -> memoryview:
        """Return the bytes that ``ref`` names."""
        return self._map.slice(ref.offset, ref.num_bytes)

    def slot(self, block: int, num_bytes: int) -> memoryview:
        """Return the first bytes of the slot whose header is at ``block``."""
        return self._map.slice(block + _PAGE, num_bytes)

    def bytes_at(self, offset: int, num_bytes: int) -> bytes:
        """Return a copy of some bytes of the memory."""
        return bytes(self._map.slice(offset, num_bytes))

    def lease(self, ref: Writing) -> SlotLease:
        """Return what knows whether ``ref`` still holds that writing."""
        return SlotLease(self._map.header(ref.block), 0, ref.generation)

    def address(self, ref: Ref) -> int:
        """Return where ``ref`` lies in this process."""
        self._map.reach(ref.offset + ref.num_bytes)
        return self._map.address + ref.offset


def _punch_hole(fd: int, offset: int, length: int) -> None:
    """Give pages of a memory back; the file keeps its length."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    keep_size, punch = 0x01, 0x02
    failed = libc.fallocate(
        fd, ctypes.c_int(keep_size | punch), ctypes.c_long(offset), ctypes.c_long(length)
    )
    if failed:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), "fallocate")
