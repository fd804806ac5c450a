"""Values as they cross from one process to another.

Small immutable values travel as they are. Everything else is pickled, and its large arrays
(NumPy, torch) stay outside the pickle: an array that lies in a slot already is named, any
other is copied once into a slot of the sending node. Views keep their strides, so that a
channels-last picture arrives as one.

What plain pickle refuses, because its class lives in ``__main__`` or a function, cloudpickle
takes.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import cloudpickle
import numpy as np

from videoflow.data.lease import OWNED, Lease, Owned, SlotLease
from videoflow.runtime.device import HOST_ONLY, Device, Devices
from videoflow.runtime.device_slots import DeviceBlock, DevicePlace, DeviceRef
from videoflow.runtime.rebuild import (
    ArrayLayout,
    array_bounds,
    as_array,
    is_tensor,
    rebuild_array,
    rebuild_device_tensor,
    rebuild_lent_tensor,
    rebuild_tensor,
    tensor_bounds,
)
from videoflow.runtime.slots import Block, Ref
from videoflow.runtime.small_pickle import LARGE_BYTES, NeedsSlotsError, small_pickle

__all__ = [
    "LARGE_BYTES",
    "PLAIN",
    "Loader",
    "Local",
    "Packed",
    "Place",
    "Rings",
    "pack",
]

PLAIN = frozenset({int, float, bool, str, type(None), complex})
"""Types whose values travel as they are."""


class Packed:
    """A value in a message: its pickle, and where its large arrays lie."""

    __slots__ = ("data", "refs")

    def __init__(self, data: bytes, refs: tuple[AnyRef, ...]) -> None:
        self.data = data
        self.refs = refs

    def __reduce__(self) -> tuple[Any, ...]:
        return (_packed, (self.data, *(tuple(ref) for ref in self.refs)))


def _packed(data: bytes, *refs: tuple[int, ...]) -> Packed:
    kinds = (Ref if len(ref) == len(Ref._fields) else DeviceRef for ref in refs)
    return Packed(data, tuple(kind(*ref) for kind, ref in zip(kinds, refs, strict=True)))


class Local:
    """A value that stays in its process, with the places in slots that it may show."""

    __slots__ = ("places", "value")

    def __init__(self, value: Any, places: tuple[AnyPlace, ...]) -> None:
        self.value = value
        self.places = places


class Place:
    """A part of a slot as this process sees it: what an output may name instead of copying."""

    __slots__ = ("address", "ref", "view")

    def __init__(self, ref: Ref, view: memoryview, address: int) -> None:
        self.ref = ref
        self.view = view
        self.address = address

    @classmethod
    def of(cls, block: Block) -> Place:
        """Return the place that is the whole of ``block``."""
        return cls(block.ref, block.view, block.address)


AnyRef = Ref | DeviceRef
AnyPlace = Place | DevicePlace
NewSlot = Callable[[int, Device | None], Block | DeviceBlock]
"""Returns a slot for so many bytes, in host memory or on a device."""


class Rings(Protocol):
    """The rings that a worker can read."""

    def place(self, ref: AnyRef) -> AnyPlace:
        """Return what ``ref`` names, once it is written."""

    def lease(self, ref: AnyRef) -> SlotLease:
        """Return what knows whether ``ref`` still holds that writing."""

    def wait(self, places: Iterable[AnyPlace]) -> None:
        """Let the current stream wait until what a node of this worker wrote is there."""


def pack(
    value: Any, places: Sequence[AnyPlace], new_slot: NewSlot, devices: Devices = HOST_ONLY
) -> Any:
    """Return ``value`` as it goes into a message.

    Args:
        value: What a node returned.
        places: What it may show by name: its inputs' places and the slots it asked for.
        new_slot: Gives memory for an array that lies elsewhere.
        devices: Whose tensors stay where they are.

    Returns:
        The value itself where it is small and plain, else a ``Packed``.

    Raises:
        Exception: What pickle raises for a value that cannot be pickled.
    """
    if type(value) in PLAIN:
        return value
    if not hasattr(value, "lent"):
        try:
            return Packed(small_pickle(value), ())
        except (NeedsSlotsError, pickle.PicklingError, AttributeError, TypeError):
            pass  # below, all that may travel does
    stream = io.BytesIO()
    pickler = _Pickler(stream, _Arrays(places, new_slot, devices))
    try:
        pickler.dump(value)
    except (pickle.PicklingError, AttributeError, TypeError):
        stream = io.BytesIO()
        fallback = _CloudPickler(stream, _Arrays(places, new_slot, devices))
        fallback.dump(value)
        return Packed(stream.getvalue(), tuple(fallback.arrays.refs))
    return Packed(stream.getvalue(), tuple(pickler.arrays.refs))


class Loader:
    """Brings values back.

    Args:
        rings: What references in messages point into.
    """

    def __init__(self, rings: Rings) -> None:
        self._rings = rings

    def load(self, packed: Any) -> tuple[Any, tuple[AnyPlace, ...]]:
        """Return a value from a message, and the places that it shows."""
        if type(packed) is Local:
            self._rings.wait(packed.places)
            return packed.value, packed.places
        if type(packed) is not Packed:
            return packed, ()
        places = tuple(self._rings.place(ref) for ref in packed.refs)
        if places or _LEASE_ID in packed.data:
            buffers = [place.view for place in places if type(place) is Place]
            unpickler = _Unpickler(io.BytesIO(packed.data), buffers=buffers)
            unpickler.leases = [self._rings.lease(ref) for ref in packed.refs]
            unpickler.places = places
            return unpickler.load(), places
        return pickle.loads(packed.data), ()


class _Arrays:
    """Decides, while a value is pickled, where each of its arrays goes."""

    def __init__(self, places: Sequence[AnyPlace], new_slot: NewSlot, devices: Devices) -> None:
        self._places = list(places)
        self._new_slot = new_slot
        self.devices = devices
        self._outside: set[int] = set()
        self._buffers: list[pickle.PickleBuffer] = []
        self.refs: list[AnyRef] = []

    def is_inside(self, buffer: pickle.PickleBuffer) -> bool:
        """Say whether ``buffer`` goes into the pickle (pickle's ``buffer_callback``)."""
        return id(buffer) not in self._outside

    def reduce(self, array: np.ndarray[Any, Any]) -> tuple[Any, Any, ArrayLayout] | None:
        """Return memory, dtype and layout of a large array, or None for a small one."""
        if array.nbytes < LARGE_BYTES or array.dtype.hasobject:
            return None
        low, high = array_bounds(array)
        buffer = self._named(low, high)
        if buffer is None:
            is_dense = high - low == array.nbytes
            if not is_dense:
                array = np.ascontiguousarray(array)
                low, high = array_bounds(array)
            buffer = self._copied(array, low, high)
        first = array.__array_interface__["data"][0] - low
        shape, strides = array.shape, array.strides
        dtype = array.dtype if array.dtype.names else array.dtype.str
        return buffer, dtype, (shape, strides, first)

    def reduce_on_device(self, tensor: Any, device: Device) -> tuple[Any, ...]:
        """Return how a tensor of a device is rebuilt there."""
        low, high = tensor_bounds(tensor)
        part = self._named_on_device(low, high)
        if part is None:
            if high - low != tensor.nbytes:
                tensor = tensor.contiguous()
            part = self._copied_on_device(tensor, device)
        return rebuild_device_tensor, (part, tensor.dtype, tensor.shape, tensor.stride())

    def _named(self, low: int, high: int) -> pickle.PickleBuffer | None:
        place = self._place_of(low, high)
        if type(place) is not Place:
            return None
        start = low - place.address
        return self._add(
            _narrowed(place.ref, start, high - low), place.view[start : start + high - low]
        )

    def _named_on_device(self, low: int, high: int) -> _DevicePart | None:
        place = self._place_of(low, high)
        if type(place) is not DevicePlace:
            return None
        self.refs.append(_narrowed(place.ref, low - place.address, high - low))
        return _DevicePart(len(self.refs) - 1)

    def _place_of(self, low: int, high: int) -> AnyPlace | None:
        for place in self._places:
            if place.address <= low and high <= place.address + place.ref.num_bytes:
                return place
        return None

    def _copied(self, array: np.ndarray[Any, Any], low: int, high: int) -> pickle.PickleBuffer:
        block = self._new_slot(high - low, None)
        assert isinstance(block, Block)
        first = array.__array_interface__["data"][0] - low
        target: np.ndarray[Any, Any] = np.ndarray(
            array.shape, array.dtype, block.view, offset=first, strides=array.strides
        )
        target[...] = array
        self._places.append(Place.of(block))
        return self._add(block.ref, block.view)

    def _copied_on_device(self, tensor: Any, device: Device) -> _DevicePart:
        block = self._new_slot(tensor.nbytes, device)
        assert isinstance(block, DeviceBlock)
        layout = tensor.dtype, tensor.shape, tensor.stride()
        rebuild_device_tensor(block.view, *layout).copy_(tensor)
        block.publish()
        self._places.append(DevicePlace(block.ref, block.view))
        self.refs.append(block.ref)
        return _DevicePart(len(self.refs) - 1)

    def _add(self, ref: Ref, view: memoryview) -> pickle.PickleBuffer:
        buffer = pickle.PickleBuffer(view)
        self._outside.add(id(buffer))
        self._buffers.append(buffer)
        self.refs.append(ref)
        return buffer


def _narrowed(ref: Any, start: int, num_bytes: int) -> Any:
    """Return the name of a part of what ``ref`` names."""
    return ref._replace(offset=ref.offset + start, num_bytes=num_bytes)


class _DevicePart:
    """Stands, in a pickle, for memory of a device that a reference names."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


_LEASE_ID = b"videoflow-lease"
_DEVICE_ID = b"videoflow-device"


class _Reducing:
    """What both picklers do: arrays and tensors to slots, leases to the receiver's own."""

    arrays: _Arrays

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is np.ndarray:
            reduced = self.arrays.reduce(obj)
            return NotImplemented if reduced is None else (rebuild_array, (*reduced, False))
        if is_tensor(obj) and obj.layout is sys.modules["torch"].strided:
            return self._reduce_tensor(obj.detach())
        return NotImplemented

    def _reduce_tensor(self, tensor: Any) -> tuple[Any, ...]:
        device = self.arrays.devices.of(tensor)
        if device is not None:
            return self.arrays.reduce_on_device(tensor, device)
        array, name = as_array(tensor)
        reduced = self.arrays.reduce(array)
        if reduced is None:
            return rebuild_tensor, (array.copy(order="K"), name)
        return rebuild_lent_tensor, (*reduced, name)

    def persistent_id(self, obj: Any) -> Any:
        if type(obj) is _DevicePart:
            return (_DEVICE_ID, obj.index)
        if isinstance(obj, Owned | SlotLease):
            return (_LEASE_ID, len(self.arrays.refs) - 1)
        return None


class _Pickler(_Reducing, pickle.Pickler):
    def __init__(self, stream: io.BytesIO, arrays: _Arrays) -> None:
        self.arrays = arrays
        super().__init__(stream, protocol=5, buffer_callback=self.arrays.is_inside)


class _CloudPickler(_Reducing, cloudpickle.Pickler):  # type: ignore[misc] # untyped library
    def __init__(self, stream: io.BytesIO, arrays: _Arrays) -> None:
        self.arrays = arrays
        super().__init__(stream, protocol=5, buffer_callback=self.arrays.is_inside)

    def reducer_override(self, obj: Any) -> Any:
        ours = _Reducing.reducer_override(self, obj)
        if ours is NotImplemented:
            return cloudpickle.Pickler.reducer_override(self, obj)
        return ours


class _Unpickler(pickle.Unpickler):
    leases: list[SlotLease]
    places: tuple[AnyPlace, ...]

    def persistent_load(self, pid: Any) -> Any:
        kind, index = pid
        if kind == _DEVICE_ID:
            return self.places[index].view
        lease: Lease = self.leases[index] if index >= 0 else OWNED
        return lease
