"""Values as copies: pickled whole, for a reader outside the flow, or moved to a device."""

from __future__ import annotations

import io
import pickle
import sys
from typing import Any

import cloudpickle
import numpy as np

from videoflow.data.lease import Owned, SlotLease
from videoflow.runtime.device import Devices
from videoflow.runtime.rebuild import as_array, is_tensor, rebuild_tensor

__all__ = ["copying_cloudpickle", "copying_pickle", "moved"]


def copying_pickle(value: Any) -> bytes:
    """Return ``value`` as a pickle that holds copies of all arrays, in host memory.

    Raises:
        Exception: What pickle raises for a value that it cannot take.
    """
    stream = io.BytesIO()
    _CopyingPickler(stream, protocol=5).dump(value)
    return stream.getvalue()


def copying_cloudpickle(value: Any) -> bytes:
    """Return the same for a value whose class is known in ``__main__`` only."""
    stream = io.BytesIO()
    _CopyingCloudPickler(stream, protocol=5).dump(value)
    return stream.getvalue()


class _CopyingPickler(pickle.Pickler):
    """Pickles everything into one string; a view of a tensor does not drag its storage in."""

    def reducer_override(self, obj: Any) -> Any:
        return reduce_to_copy(obj)


class _CopyingCloudPickler(cloudpickle.Pickler):  # type: ignore[misc] # untyped library
    """Does the same for what plain pickle refuses."""

    def reducer_override(self, obj: Any) -> Any:
        ours = reduce_to_copy(obj)
        return super().reducer_override(obj) if ours is NotImplemented else ours


def reduce_to_copy(obj: Any) -> Any:
    """Return how an array or a tensor is rebuilt as a copy that may be written to."""
    if type(obj) is np.ndarray and not obj.flags.writeable:
        return obj.copy(order="K").__reduce_ex__(5)  # a pickle keeps the flag
    if is_tensor(obj) and obj.layout is sys.modules["torch"].strided:
        array, name = as_array(obj.detach().cpu())
        return rebuild_tensor, (array.copy(order="K"), name)
    return NotImplemented


def moved(value: Any, devices: Devices, target: str) -> Any:
    """Return ``value`` with its tensors of other devices copied to ``target``.

    Host memory stays where it is, and everything that is no tensor is rebuilt around the
    copies.

    Args:
        value: Anything that can be pickled.
        devices: Those of this process.
        target: ``cpu``, or a device by its name.
    """
    stream = io.BytesIO()
    pickler = _MovingPickler(stream, devices, target)
    try:
        pickler.dump(value)
    except (pickle.PicklingError, AttributeError, TypeError):
        stream = io.BytesIO()
        pickler = _MovingCloudPickler(stream, devices, target)
        pickler.dump(value)
    unpickler = _PuttingUnpickler(io.BytesIO(stream.getvalue()))
    unpickler.outside = pickler.outside
    return unpickler.load()


class _Moving:
    """Leaves arrays, tensors and leases outside the pickle."""

    outside: list[Any]
    devices: Devices
    target: str

    def persistent_id(self, obj: Any) -> int | None:
        if is_tensor(obj):
            obj = self._at_target(obj)
        elif type(obj) is not np.ndarray and not isinstance(obj, Owned | SlotLease):
            return None
        self.outside.append(obj)
        return len(self.outside) - 1

    def _at_target(self, tensor: Any) -> Any:
        device = self.devices.of(tensor)
        if device is None or device.name == self.target:
            return tensor
        if self.target == "cpu":
            return device.to_host(tensor)
        return self.devices[self.target].to_device(tensor)


class _MovingPickler(_Moving, pickle.Pickler):
    def __init__(self, stream: io.BytesIO, devices: Devices, target: str) -> None:
        super().__init__(stream, protocol=5)
        self.outside, self.devices, self.target = [], devices, target


class _MovingCloudPickler(_Moving, cloudpickle.Pickler):  # type: ignore[misc] # untyped library
    def __init__(self, stream: io.BytesIO, devices: Devices, target: str) -> None:
        super().__init__(stream, protocol=5)
        self.outside, self.devices, self.target = [], devices, target


class _PuttingUnpickler(pickle.Unpickler):
    outside: list[Any]

    def persistent_load(self, pid: int) -> Any:
        return self.outside[pid]
