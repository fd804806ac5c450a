"""The rings of one worker: those that its nodes write, and those that it can read.

Opened when they are first used. A worker can see a ring when it hosts the ring's node, or a
node below it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from videoflow.data.lease import SlotLease
from videoflow.runtime.device import Devices
from videoflow.runtime.device_slots import DevicePlace, DeviceRef, DeviceRing, DeviceRingReader
from videoflow.runtime.payload import AnyPlace, AnyRef, Place
from videoflow.runtime.plan import Plan
from videoflow.runtime.slots import HostRing, HostRingReader, ring_index

__all__ = ["NodeRings", "WorkerRings", "ring_readers", "visible_rings", "worker_readers"]


def visible_rings(plan: Plan, worker: int) -> set[int]:
    """Return the rings whose slots a worker writes, or may be sent the name of."""
    seen = plan.nodes_above(plan.workers[worker].nodes)
    return {
        ring_index(index, task)
        for index in seen
        for task in range(len(plan.nodes[index].workers))
    }


def ring_readers(plan: Plan, ring: int) -> list[int]:
    """Return the workers that can see a ring, its owner among them; rising."""
    return [w.index for w in plan.workers if ring in visible_rings(plan, w.index)]


def worker_readers(plan: Plan, worker: int) -> set[int]:
    """Return the other workers that can see a ring of ``worker``."""
    here = plan.workers[worker]
    rings = (ring_index(node, here.task) for node in here.nodes)
    return {reader for ring in rings for reader in ring_readers(plan, ring)} - {worker}


class NodeRings:
    """The rings that one task of a node writes: one in host memory, one on each device.

    Args:
        rings: Of its worker.
        ring: Their common index.
    """

    def __init__(self, rings: WorkerRings, ring: int) -> None:
        self._rings = rings
        self._ring = ring

    def host(self) -> HostRing:
        """Return the ring in host memory."""
        return self._rings.host(self._ring)

    def device(self, name: str) -> DeviceRing:
        """Return the ring in the memory of the device ``name``."""
        return self._rings.device(self._ring, name)


class WorkerRings:
    """The rings that one worker can see.

    Args:
        fds: Ring to the descriptor of its host memory.
        devices: The accelerators, as this process sees them.
        worker: Index of the worker.
        readers: Returns the workers that can see a ring (``ring_readers``).
        is_poisoned: Fill slots that are lent again, so that a late reader sees garbage.
    """

    def __init__(
        self,
        fds: Mapping[int, int],
        devices: Devices,
        *,
        worker: int = 0,
        readers: Callable[[int], Sequence[int]] = lambda ring: (0,),
        is_poisoned: bool = False,
    ) -> None:
        self.devices = devices
        self._worker = worker
        self._readers_of = readers
        self._fds = fds
        self._is_poisoned = is_poisoned
        self._host: dict[int, HostRing] = {}
        self._device: dict[tuple[int, str], DeviceRing] = {}
        self._readers: dict[int, HostRingReader] = {}
        self._device_readers: dict[tuple[int, int], DeviceRingReader] = {}

    # What the worker's nodes write

    def host(self, ring: int) -> HostRing:
        """Return the worker's own ``ring`` in host memory."""
        found = self._host.get(ring)
        if found is None:
            found = HostRing(ring, self._fds[ring], is_poisoned=self._is_poisoned)
            self._host[ring] = found
        return found

    def device(self, ring: int, name: str) -> DeviceRing:
        """Return the worker's own ``ring`` in the memory of the device ``name``."""
        found = self._device.get((ring, name))
        if found is None:
            num_readers = len(self._readers_of(ring))
            host = self.host(ring)
            found = DeviceRing(
                self.devices[name], ring, host, num_readers, is_poisoned=self._is_poisoned
            )
            self._device[ring, name] = found
        return found

    @property
    def has_device_slots(self) -> bool:
        """Whether other workers may read memory of a device that this one owns."""
        return any(len(self._readers_of(ring)) > 1 for ring, _ in self._device)

    # What they read

    def place(self, ref: AnyRef) -> AnyPlace:
        """Return what ``ref`` names; on a device, the current stream waits for it."""
        if isinstance(ref, DeviceRef):
            return self._device_side(ref).place(ref)
        reader = self._reader(ref.ring)
        return Place(ref, reader.view(ref), reader.address(ref))

    def lease(self, ref: AnyRef) -> SlotLease:
        """Return what knows whether ``ref`` still holds that writing."""
        return self._reader(ref.ring).lease(ref)

    def wait(self, places: Iterable[AnyPlace]) -> None:
        """Let the current stream wait until what a node of this worker wrote is there."""
        for place in places:
            if type(place) is DevicePlace:
                self._device_side(place.ref).place(place.ref)

    def done(self, places: Iterable[AnyPlace]) -> None:
        """Say that a node of this worker has queued all its reading of ``places``."""
        for place in places:
            if type(place) is DevicePlace:
                self._device_side(place.ref).done(place.ref)

    # The end: readers let go before owners free

    def close_readers(self) -> None:
        """Let go of what other workers own."""
        for reader in self._device_readers.values():
            reader.close()
        self._device_readers.clear()

    def close(self) -> None:
        """Give the memory of devices back; nobody reads it any more."""
        for ring in self._device.values():
            ring.close()
        self._device.clear()

    def _reader(self, ring: int) -> HostRingReader:
        reader = self._readers.get(ring)
        if reader is None:
            reader = self._readers[ring] = HostRingReader(self._fds[ring])
        return reader

    def _device_side(self, ref: DeviceRef) -> DeviceRing | DeviceRingReader:
        for (ring, _), own in list(self._device.items()):  # threads of sources add to it
            if ring == ref.ring and own.owns(ref):
                return own
        key = (ref.ring, ref.export)
        reader = self._device_readers.get(key)
        if reader is None:
            number = self._readers_of(ref.ring).index(self._worker)
            reader = DeviceRingReader(self.devices, self._reader(ref.ring), number)
            self._device_readers[key] = reader
        return reader
