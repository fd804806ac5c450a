"""What the engine asks of an accelerator: memory that other processes can open, and events.

``Device`` is small on purpose. Everything about slots, tickets and order is written against
it, so that a recording stand-in in host memory can show on any machine that the order holds.
The real one for NVIDIA GPUs is ``runtime.cuda``.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CUDA", "HOST_ONLY", "Device", "Devices"]

CUDA = "videoflow.runtime.cuda:CudaDevice"
"""Which class drives the devices whose names begin with ``cuda``."""


class Device(Protocol):
    """One accelerator, as one process sees it.

    What happens "in stream order" is queued on the current stream of the calling thread; no
    method but ``to_host``, ``wait_on_host`` and ``trim`` waits for the accelerator.
    """

    name: str
    """As torch writes it: ``cuda:0``."""

    def allocate(self, num_bytes: int) -> Tensor:
        """Return uninitialised memory, uint8 ``[num_bytes]``, that can be exported."""

    def export(self, memory: Tensor) -> bytes:
        """Return what opens ``memory`` (from ``allocate``) in another process."""

    def open(self, handle: bytes) -> Tensor:
        """Return memory of another process, uint8; it must outlive the result."""

    def new_event(self) -> tuple[Any, bytes]:
        """Return an event, and the 64 bytes that open it in another process."""

    def open_event(self, handle: bytes) -> Any:
        """Return the event of another process."""

    def record(self, event: Any) -> None:
        """Let ``event`` stand for all work queued so far, in stream order."""

    def wait(self, event: Any) -> None:
        """Let later work wait for the last record of ``event``, in stream order."""

    def wait_on_host(self, event: Any) -> None:
        """Block until the last record of ``event`` has been reached."""

    def holds(self, tensor: Tensor) -> bool:
        """Say whether ``tensor`` lies in this device's memory."""

    def to_host(self, tensor: Tensor) -> Tensor:
        """Return a copy of ``tensor`` in host memory, complete, of the same strides."""

    def to_device(self, tensor: Tensor) -> Tensor:
        """Return a copy of a tensor of another device here, in stream order."""

    def trim(self) -> None:
        """Give memory that is kept for later back to the device; waits for the device."""

    def activate(self) -> AbstractContextManager[Any]:
        """Make the device, and the engine's own stream on it, the thread's current ones."""


class Devices:
    """The accelerators of one process, each opened when it is first named.

    Args:
        kinds: What a device's name begins with, to ``module:Class`` of what drives it.
    """

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self._kinds = kinds
        self._open: dict[str, Device] = {}

    def __getitem__(self, name: str) -> Device:
        """Return the device called ``name``."""
        device = self._open.get(name)
        if device is None:
            module, _, kind = self._kinds[name.partition(":")[0]].partition(":")
            device = self._open[name] = getattr(importlib.import_module(module), kind)(name)
        return device

    def of(self, tensor: Tensor) -> Device | None:
        """Return the open device that ``tensor`` lies in, or None for host memory."""
        for device in self._open.values():
            if device.holds(tensor):
                return device
        kind = tensor.device.type
        return None if kind == "cpu" or kind not in self._kinds else self[str(tensor.device)]


HOST_ONLY = Devices({})
"""No accelerator at all."""
