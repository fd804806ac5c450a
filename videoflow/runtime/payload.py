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
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import cloudpickle
import numpy as np
from numpy.lib.array_utils import byte_bounds

from videoflow.data.lease import OWNED, Lease, Owned, SlotLease
from videoflow.runtime.slots import Block, Ref

__all__ = [
    "LARGE_BYTES",
    "PLAIN",
    "Loader",
    "Local",
    "Packed",
    "Place",
    "Rings",
    "copying_cloudpickle",
    "copying_pickle",
    "pack",
]

LARGE_BYTES = 4096
"""Arrays of at least so many bytes go into slots; smaller ones into the message."""

PLAIN = frozenset({int, float, bool, str, type(None), complex})
"""Types whose values travel as they are."""


class Packed:
    """A value in a message: its pickle, and where its large arrays lie."""

    __slots__ = ("data", "refs")

    def __init__(self, data: bytes, refs: tuple[Ref, ...]) -> None:
        self.data = data
        self.refs = refs

    def __reduce__(self) -> tuple[Any, ...]:
        return (_packed, (self.data, *(tuple(ref) for ref in self.refs)))


def _packed(data: bytes, *refs: tuple[int, ...]) -> Packed:
    return Packed(data, tuple(Ref(*ref) for ref in refs))


class Local:
    """A value that stays in its process, with the places in slots that it may show."""

    __slots__ = ("places", "value")

    def __init__(self, value: Any, places: tuple[Place, ...]) -> None:
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


class Rings(Protocol):
    """The rings that a worker can read."""

    def place(self, ref: Ref) -> Place:
        """Return what ``ref`` names, once it is written."""

    def lease(self, ref: Ref) -> SlotLease:
        """Return what knows whether ``ref`` still holds that writing."""


def pack(value: Any, places: Sequence[Place], new_slot: Callable[[int], Block]) -> Any:
    """Return ``value`` as it goes into a message.

    Args:
        value: What a node returned.
        places: What it may show by name: its inputs' places and the slots it asked for.
        new_slot: Returns a slot for so many bytes, for an array that lies elsewhere.

    Returns:
        The value itself where it is small and plain, else a ``Packed``.

    Raises:
        Exception: What pickle raises for a value that cannot be pickled.
    """
    if type(value) in PLAIN:
        return value
    stream = io.BytesIO()
    pickler = _Pickler(stream, places, new_slot)
    try:
        pickler.dump(value)
    except (pickle.PicklingError, AttributeError, TypeError):
        stream = io.BytesIO()
        fallback = _CloudPickler(stream, places, new_slot)
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

    def load(self, packed: Any) -> tuple[Any, tuple[Place, ...]]:
        """Return a value from a message, and the places that it shows."""
        if type(packed) is Local:
            return packed.value, packed.places
        if type(packed) is not Packed:
            return packed, ()
        places = tuple(self._rings.place(ref) for ref in packed.refs)
        if places or _LEASE_ID in packed.data:
            unpickler = _Unpickler(
                io.BytesIO(packed.data), buffers=[place.view for place in places]
            )
            unpickler.leases = [self._rings.lease(ref) for ref in packed.refs]
            return unpickler.load(), places
        return pickle.loads(packed.data), ()


class _Arrays:
    """Decides, while a value is pickled, where each of its arrays goes."""

    def __init__(self, places: Sequence[Place], new_slot: Callable[[int], Block]) -> None:
        self._places = list(places)
        self._new_slot = new_slot
        self._outside: set[int] = set()
        self._buffers: list[pickle.PickleBuffer] = []
        self.refs: list[Ref] = []

    def is_inside(self, buffer: pickle.PickleBuffer) -> bool:
        """Say whether ``buffer`` goes into the pickle (pickle's ``buffer_callback``)."""
        return id(buffer) not in self._outside

    def reduce(self, array: np.ndarray[Any, Any], *, is_tensor: bool) -> tuple[Any, ...] | None:
        """Return how a large array is rebuilt, or None for a small one."""
        if array.nbytes < LARGE_BYTES or array.dtype.hasobject:
            return None
        low, high = _bounds(array)
        buffer = self._named(low, high)
        if buffer is None:
            is_dense = high - low == array.nbytes
            if not is_dense:
                array = np.ascontiguousarray(array)
                low, high = _bounds(array)
            buffer = self._copied(array, low, high)
        first = array.__array_interface__["data"][0] - low
        shape, strides = array.shape, array.strides
        dtype = array.dtype if array.dtype.names else array.dtype.str
        return _rebuild_array, (buffer, dtype, (shape, strides, first), is_tensor)

    def _named(self, low: int, high: int) -> pickle.PickleBuffer | None:
        for place in self._places:
            if place.address <= low and high <= place.address + place.ref.num_bytes:
                start = low - place.address
                ref = place.ref._replace(offset=place.ref.offset + start, num_bytes=high - low)
                return self._add(ref, place.view[start : start + high - low])
        return None

    def _copied(self, array: np.ndarray[Any, Any], low: int, high: int) -> pickle.PickleBuffer:
        block = self._new_slot(high - low)
        first = array.__array_interface__["data"][0] - low
        target: np.ndarray[Any, Any] = np.ndarray(
            array.shape, array.dtype, block.view, offset=first, strides=array.strides
        )
        target[...] = array
        self._places.append(Place.of(block))
        return self._add(block.ref, block.view)

    def _add(self, ref: Ref, view: memoryview) -> pickle.PickleBuffer:
        buffer = pickle.PickleBuffer(view)
        self._outside.add(id(buffer))
        self._buffers.append(buffer)
        self.refs.append(ref)
        return buffer


def _bounds(array: np.ndarray[Any, Any]) -> tuple[int, int]:
    """Return the addresses of an array's first byte and of the one past its last."""
    if array.flags.c_contiguous:
        low: int = array.__array_interface__["data"][0]
        return low, low + array.nbytes
    return byte_bounds(array)


_LEASE_ID = b"videoflow-lease"


class _Reducing:
    """What both picklers do: arrays and tensors to slots, leases to the receiver's own."""

    arrays: _Arrays

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if kind is np.ndarray:
            return self.arrays.reduce(obj, is_tensor=False) or NotImplemented
        if kind.__module__ == "torch" and kind.__name__ == "Tensor":
            return _reduce_tensor(obj, self.arrays)
        return NotImplemented

    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, Owned | SlotLease):
            return (_LEASE_ID, len(self.arrays.refs) - 1)
        return None


class _Pickler(_Reducing, pickle.Pickler):
    def __init__(
        self, stream: io.BytesIO, places: Sequence[Place], new_slot: Callable[[int], Block]
    ) -> None:
        self.arrays = _Arrays(places, new_slot)
        super().__init__(stream, protocol=5, buffer_callback=self.arrays.is_inside)


class _CloudPickler(_Reducing, cloudpickle.Pickler):  # type: ignore[misc] # untyped library
    def __init__(
        self, stream: io.BytesIO, places: Sequence[Place], new_slot: Callable[[int], Block]
    ) -> None:
        self.arrays = _Arrays(places, new_slot)
        super().__init__(stream, protocol=5, buffer_callback=self.arrays.is_inside)

    def reducer_override(self, obj: Any) -> Any:
        ours = _Reducing.reducer_override(self, obj)
        if ours is NotImplemented:
            return cloudpickle.Pickler.reducer_override(self, obj)
        return ours


class _Unpickler(pickle.Unpickler):
    leases: list[SlotLease]

    def persistent_load(self, pid: Any) -> Lease:
        index = pid[1]
        return self.leases[index] if index >= 0 else OWNED


class _CopyingPickler(pickle.Pickler):
    """Pickles everything into one string; a view of a tensor does not drag its storage in."""

    def reducer_override(self, obj: Any) -> Any:
        return _copied(obj)


class _CopyingCloudPickler(cloudpickle.Pickler):  # type: ignore[misc] # untyped library
    """Does the same for what plain pickle refuses."""

    def reducer_override(self, obj: Any) -> Any:
        ours = _copied(obj)
        return super().reducer_override(obj) if ours is NotImplemented else ours


def _copied(obj: Any) -> Any:
    """Return how an array or a tensor is rebuilt as a copy that may be written to."""
    kind = type(obj)
    if kind is np.ndarray and not obj.flags.writeable:
        return obj.copy(order="K").__reduce_ex__(5)  # a pickle keeps the flag
    if kind.__module__ == "torch" and kind.__name__ == "Tensor":
        return _reduce_tensor(obj, None)
    return NotImplemented


def copying_pickle(value: Any) -> bytes:
    """Return ``value`` as a pickle that holds copies of all arrays.

    Raises:
        Exception: What pickle raises for a value that it cannot take.
    """
    stream = io.BytesIO()
    _CopyingPickler(stream, protocol=5).dump(value)
    return stream.getvalue()


_Layout = tuple[tuple[int, ...], tuple[int, ...], int]  # shape, strides, offset of the first


def copying_cloudpickle(value: Any) -> bytes:
    """Return the same for a value whose class is known in ``__main__`` only."""
    stream = io.BytesIO()
    _CopyingCloudPickler(stream, protocol=5).dump(value)
    return stream.getvalue()


def _rebuild_array(
    buffer: Any, dtype: Any, layout: _Layout, is_tensor: bool
) -> np.ndarray[Any, Any]:
    shape, strides, first = layout
    array: np.ndarray[Any, Any] = np.ndarray(
        shape, np.dtype(dtype), buffer, offset=first, strides=strides
    )
    if not is_tensor:
        array.flags.writeable = False  # lent: torch has no such flag
    return array


def _reduce_tensor(tensor: Any, arrays: _Arrays | None) -> Any:
    if tensor.device.type != "cpu" or tensor.layout is not sys.modules["torch"].strided:
        return NotImplemented
    plain = tensor.detach()
    dtype = str(plain.dtype).removeprefix("torch.")
    if dtype == "bfloat16":
        plain = plain.view(sys.modules["torch"].int16)
    reduced = None if arrays is None else arrays.reduce(plain.numpy(), is_tensor=True)
    if reduced is None:
        return _rebuild_tensor, (plain.numpy().copy(order="K"), dtype)
    return _rebuild_lent_tensor, (*reduced[1], dtype)


def _rebuild_tensor(array: np.ndarray[Any, Any], dtype: str) -> Any:
    import torch

    tensor = torch.from_numpy(array)
    return tensor.view(torch.bfloat16) if dtype == "bfloat16" else tensor


def _rebuild_lent_tensor(
    buffer: Any, dtype: Any, layout: _Layout, is_tensor: bool, torch_dtype: str
) -> Any:
    array = _rebuild_array(buffer, dtype, layout, is_tensor)
    return _rebuild_tensor(array, torch_dtype)
