"""Slots in the memory of an accelerator, beside the slots in host memory.

A task of a node that emits large tensors of a device owns segments there; each is exported
once. For each slot there is a *slip* in the node's ring of host memory, which every worker
downstream maps anyway: it holds the generation (as every slot does), the handle of the event
``ready``, and for each reader the handle of its event ``done``. So a message names a place,
and no handle ever travels with a frame.

The order, on the device and without a waiting host:

* the owner queues its writing, records ``ready``, and then sends the message;
* a reader's stream waits for ``ready``, reads, and records ``done`` before it sends anything
  on, so before the ticket can come home;
* the owner's stream waits for each ``done`` before it writes the slot again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from videoflow.data.lease import SlotLease
from videoflow.runtime.device import Device, Devices
from videoflow.runtime.slips import Entry, count_bytes, has_ended, read_entry, write_entry
from videoflow.runtime.slots import POISON, Block, HostRing, HostRingReader

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["DeviceBlock", "DevicePlace", "DeviceRef", "DeviceRing", "DeviceRingReader"]

_SEGMENT_BYTES = 64 << 20
_ALIGNMENT = 512  # what a kernel with wide loads, and NVENC's pitch, are glad of
_DYING_SECONDS = 2.0  # a killed process lets go of its events before it counts as ended
_HERE = -1  # the reader's number of the owner's own process


class DeviceRef(NamedTuple):
    """A place in a device's memory, as messages name it.

    Attributes:
        ring: Index of the ring (``slots.ring_index``).
        block: Offset of the slip's header in the ring's host memory, in bytes.
        generation: Which writing of the slot it is.
        segment: Number of the segment in its ring.
        export: Where the handle of the segment lies in the ring's host memory.
        export_bytes: How long it is.
        offset: Offset of the data in the segment in bytes.
        num_bytes: Length of the data.
    """

    ring: int
    block: int
    generation: int
    segment: int
    export: int
    export_bytes: int
    offset: int
    num_bytes: int


class DevicePlace:
    """A part of a slot as this process sees it: what an output may name instead of copying.

    Attributes:
        ref: Its name.
        view: Its bytes, uint8 ``[num_bytes]`` on the device.
        address: Of its first byte.
    """

    __slots__ = ("address", "ref", "view")

    def __init__(self, ref: DeviceRef, view: Tensor) -> None:
        self.ref = ref
        self.view = view
        self.address = view.data_ptr()


@dataclass(frozen=True, slots=True)
class DeviceBlock:
    """A slot that is being written.

    Attributes:
        ref: Names the whole slot.
        view: Its bytes, uint8 ``[num_bytes]`` on the device.
        ring: Whose it is.
    """

    ref: DeviceRef
    view: Tensor
    ring: DeviceRing = field(repr=False)

    def publish(self) -> None:
        """Say that the slot is written; comes before the message that names it."""
        self.ring.ready(self.ref)


@dataclass(slots=True)
class _Chunk:
    """Memory of one slot, with its slip and its events."""

    segment: int
    offset: int
    capacity: int
    number: int
    ready: Any
    is_fresh: bool = True
    dones: dict[int, tuple[bytes, Any | None]] = field(default_factory=dict)  # handle, event


class DeviceRing:
    """The writing side of a ring in a device's memory.

    Args:
        device: Whose memory.
        ring: Its index.
        host: The ring of the same task in host memory, for the slips.
        num_readers: How many workers may read it.
        is_poisoned: Fill slots that are lent again, so that a late reader sees garbage.
    """

    def __init__(
        self,
        device: Device,
        ring: int,
        host: HostRing,
        num_readers: int,
        *,
        is_poisoned: bool = False,
    ) -> None:
        self.device = device
        self._ring = ring
        self._host = host
        self._slip_bytes = count_bytes(1 + num_readers)
        self._num_readers = num_readers
        self._is_poisoned = is_poisoned
        self._segments: list[Tensor] = []
        self._exports: list[tuple[int, int]] = []
        self._end = 0  # of what is used of the last segment
        self._chunks: dict[Hashable, _Chunk] = {}
        self._by_slip: dict[int, _Chunk] = {}
        self._free: list[_Chunk] = []
        self._num_chunks = 0

    @property
    def num_bytes(self) -> int:
        """How much of the device's memory the ring has."""
        return sum(int(segment.numel()) for segment in self._segments)

    def owns(self, ref: DeviceRef) -> bool:
        """Say whether ``ref`` names a place in this ring."""
        return (ref.export, ref.export_bytes) in self._exports

    def lend(self, key: Hashable, num_bytes: int) -> DeviceBlock:
        """Return the slot ``key``, for writing ``num_bytes`` in stream order.

        The current stream waits for whoever still reads what the slot held.
        """
        chunk = self._chunks.get(key)
        if chunk is None or chunk.capacity < num_bytes:
            if chunk is not None:
                self._free.append(chunk)
            chunk = self._chunks[key] = self._take_chunk(num_bytes)
        slip = self._slip(chunk)
        for done in self._dones(chunk, slip):
            self.device.wait(done)
        self._by_slip[slip.ref.block] = chunk
        ref = DeviceRef(
            self._ring,
            slip.ref.block,
            slip.ref.generation,
            chunk.segment,
            *self._exports[chunk.segment],
            chunk.offset,
            num_bytes,
        )
        view = self._view(ref)
        if self._is_poisoned:
            view.fill_(POISON)
        return DeviceBlock(ref, view, self)

    def ready(self, ref: DeviceRef) -> None:
        """Say that the slot is written; comes before the message that names it."""
        self.device.record(self._by_slip[ref.block].ready)

    def lease(self, ref: DeviceRef) -> SlotLease:
        """Return what knows whether the slot still holds the writing ``ref``."""
        return self._host.lease(ref)

    def place(self, ref: DeviceRef) -> DevicePlace:
        """Return what ``ref`` names, for a reader in the owner's process."""
        self.device.wait(self._by_slip[ref.block].ready)
        return DevicePlace(ref, self._view(ref))

    def done(self, ref: DeviceRef) -> None:
        """Say that a reader in the owner's process is done with the slot."""
        chunk = self._by_slip[ref.block]
        if _HERE not in chunk.dones:
            event, handle = self.device.new_event()
            chunk.dones[_HERE] = (handle, event)
        self.device.record(chunk.dones[_HERE][1])

    def forget(self, is_unused: Callable[[Any], bool]) -> None:
        """Let slots whose tickets will not come again be used under other keys."""
        for key in [key for key in self._chunks if is_unused(key)]:
            self._free.append(self._chunks.pop(key))

    def close(self) -> None:
        """Wait for who still reads, and give the memory back; readers have let go of it."""
        for chunk in self._by_slip.values():
            for _, done in chunk.dones.values():
                if done is not None:
                    self.device.wait_on_host(done)
        self._chunks.clear()
        self._by_slip.clear()
        self._free.clear()
        self._segments.clear()

    def _view(self, ref: DeviceRef) -> Tensor:
        return self._segments[ref.segment][ref.offset : ref.offset + ref.num_bytes]

    def _slip(self, chunk: _Chunk) -> Block:
        """Return the chunk's slip under a new generation; a fresh one says what is ready."""
        slip = self._host.lend(("slip", chunk.number), self._slip_bytes, keeps=True)
        if chunk.is_fresh:
            chunk.is_fresh = False
            event, handle = self.device.new_event()
            chunk.ready = event
            slip.view[:] = bytes(len(slip.view))
            write_entry(slip.view, 0, handle)
        return slip

    def _dones(self, chunk: _Chunk, slip: Block) -> list[Any]:
        for reader in range(self._num_readers):
            entry = read_entry(slip.view, 1 + reader)
            known = chunk.dones.get(reader, (None, None))[0]
            if entry is not None and entry.handle != known:  # a reader that was started again
                chunk.dones[reader] = (entry.handle, self._open_done(entry))
        return [event for _, event in chunk.dones.values() if event is not None]

    def _open_done(self, entry: Entry) -> Any | None:
        """Return a reader's event, or None where all that it had queued has gone with it."""
        try:
            return self.device.open_event(entry.handle)
        except (OSError, RuntimeError):
            if has_ended(entry.pid, within_seconds=_DYING_SECONDS):
                return None
            raise

    def _take_chunk(self, num_bytes: int) -> _Chunk:
        capacity = -(-num_bytes // _ALIGNMENT) * _ALIGNMENT
        for at, chunk in enumerate(self._free):
            if capacity <= chunk.capacity <= 2 * capacity:
                return self._free.pop(at)
        if not self._segments or self._end + capacity > self._segments[-1].numel():
            self._add_segment(max(_SEGMENT_BYTES, capacity))
        chunk = _Chunk(len(self._segments) - 1, self._end, capacity, self._num_chunks, None)
        self._end += capacity
        self._num_chunks += 1
        return chunk

    def _add_segment(self, num_bytes: int) -> None:
        segment = self.device.allocate(num_bytes)
        name = self.device.name.encode()
        handle = len(name).to_bytes(1, "little") + name + self.device.export(segment)
        slip = self._host.lend(("segment", len(self._segments)), len(handle), keeps=True)
        slip.view[:] = handle
        self._segments.append(segment)
        self._exports.append((slip.ref.offset, len(handle)))
        self._end = 0


class DeviceRingReader:
    """The reading side of a ring in a device's memory, in another process than its owner's.

    Args:
        devices: Of this process.
        host: The reading side of the ring's host memory.
        reader: Which of the ring's readers this is.
    """

    def __init__(self, devices: Devices, host: HostRingReader, reader: int) -> None:
        self._devices = devices
        self._host = host
        self._reader = reader
        self._segments: dict[int, tuple[Device, Tensor]] = {}
        self._ready: dict[int, Any] = {}
        self._done: dict[int, tuple[Device, Any]] = {}

    def place(self, ref: DeviceRef) -> DevicePlace:
        """Return what ``ref`` names; the current stream waits until it is written."""
        device, segment = self._segment(ref)
        ready = self._ready.get(ref.block)
        if ready is None:
            entry = read_entry(self._slip(ref), 0)
            assert entry is not None, "a message came before its slot was ready"
            ready = self._ready[ref.block] = device.open_event(entry.handle)
        device.wait(ready)
        return DevicePlace(ref, segment[ref.offset : ref.offset + ref.num_bytes])

    def done(self, ref: DeviceRef) -> None:
        """Say that this reader is done with the slot; comes before its ticket goes home."""
        device, _ = self._segment(ref)
        if ref.block not in self._done:
            event, handle = device.new_event()
            self._done[ref.block] = (device, event)
            write_entry(self._slip(ref), 1 + self._reader, handle)
        device.record(self._done[ref.block][1])

    def lease(self, ref: DeviceRef) -> SlotLease:
        """Return what knows whether ``ref`` still holds that writing."""
        return self._host.lease(ref)

    def close(self) -> None:
        """Let go of the memory and the events; the owner may free them after this."""
        for device, event in self._done.values():
            device.wait_on_host(event)
        self._segments.clear()
        self._ready.clear()
        self._done.clear()

    def _segment(self, ref: DeviceRef) -> tuple[Device, Tensor]:
        found = self._segments.get(ref.segment)
        if found is None:
            blob = self._host.bytes_at(ref.export, ref.export_bytes)
            end = 1 + blob[0]
            device = self._devices[blob[1:end].decode()]
            found = self._segments[ref.segment] = (device, device.open(blob[end:]))
        return found

    def _slip(self, ref: DeviceRef) -> memoryview:
        return self._host.slot(ref.block, count_bytes(2 + self._reader))
