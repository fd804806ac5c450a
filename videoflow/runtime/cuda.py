"""NVIDIA GPUs for the engine: plain memory, interprocess events, one stream a process.

Memory is handed to other processes once, through ``torch.multiprocessing``; what follows are
names of places in it. Source of the rules: torch's notes on sharing CUDA tensors, and the CUDA
programming guide, "Interprocess communication".
"""

from __future__ import annotations

import os
import pickle
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor

from videoflow.errors import GraphError

__all__ = ["CudaDevice"]

_LEAST_SEGMENT_BYTES = 20 << 20
"""From 10 MB on torch gives an allocation a segment of its own; a handle opens all of one."""


class CudaDevice:
    """One GPU, as one process sees it.

    Args:
        name: ``cuda:N``.

    Raises:
        GraphError: torch allocates memory that can be mapped but not shared.
    """

    def __init__(self, name: str) -> None:
        _refuse_expandable_segments()
        self.name = name
        self._device = torch.device(name)
        torch.cuda.set_device(self._device)
        self._stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call] # torch's

    def allocate(self, num_bytes: int) -> Tensor:
        """Return uninitialised memory, uint8 ``[num_bytes]``, in a segment of its own."""
        size = max(num_bytes, _LEAST_SEGMENT_BYTES)
        return torch.empty(size, dtype=torch.uint8, device=self._device)[:num_bytes]

    def export(self, memory: Tensor) -> bytes:
        """Return what opens ``memory`` in another process."""
        from torch.multiprocessing.reductions import reduce_tensor

        return pickle.dumps(reduce_tensor(memory))  # type: ignore[no-untyped-call] # torch's

    def open(self, handle: bytes) -> Tensor:
        """Return memory of another process; it must outlive the result."""
        rebuild, arguments = pickle.loads(handle)
        memory: Tensor = rebuild(*arguments)
        return memory

    def new_event(self) -> tuple[torch.cuda.Event, bytes]:
        """Return an event, and the 64 bytes that open it in another process."""
        event = torch.cuda.Event(interprocess=True)  # type: ignore[no-untyped-call] # torch's
        with torch.cuda.device(self._device):
            event.record(torch.cuda.current_stream(self._device))
            return event, bytes(event.ipc_handle())  # type: ignore[no-untyped-call] # torch's

    def open_event(self, handle: bytes) -> torch.cuda.Event:
        """Return the event of another process."""
        event: torch.cuda.Event = torch.cuda.Event.from_ipc_handle(self._device, handle)  # type: ignore[no-untyped-call] # torch's
        return event

    def record(self, event: torch.cuda.Event) -> None:
        """Let ``event`` stand for all work queued so far on the current stream."""
        event.record(torch.cuda.current_stream(self._device))

    def wait(self, event: torch.cuda.Event) -> None:
        """Let the current stream wait for the last record of ``event``."""
        torch.cuda.current_stream(self._device).wait_event(event)

    def wait_on_host(self, event: torch.cuda.Event) -> None:
        """Block until the last record of ``event`` has been reached."""
        event.synchronize()

    def holds(self, tensor: Tensor) -> bool:
        """Say whether ``tensor`` lies on this GPU."""
        return tensor.device == self._device

    def to_host(self, tensor: Tensor) -> Tensor:
        """Return a copy of ``tensor`` in page-locked host memory, complete."""
        host = torch.empty_strided(
            tensor.shape, tensor.stride(), dtype=tensor.dtype, pin_memory=True
        )
        host.copy_(tensor, non_blocking=True)
        torch.cuda.current_stream(self._device).synchronize()
        return host

    def to_device(self, tensor: Tensor) -> Tensor:
        """Return a copy of a tensor of another device on this GPU, in stream order."""
        return tensor.to(self._device, non_blocking=True)

    def trim(self) -> None:
        """Give memory that torch keeps for later back to the GPU."""
        torch.cuda.empty_cache()

    def activate(self) -> AbstractContextManager[Any]:
        """Make the GPU and the engine's stream on it the thread's current ones."""
        return torch.cuda.stream(self._stream)


def _refuse_expandable_segments() -> None:
    for key in ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF"):
        if "expandable_segments:true" in os.environ.get(key, "").replace(" ", "").lower():
            raise GraphError(
                f"{key}: got expandable_segments:True, want it off: such memory reaches other "
                "processes only where the system lets them take file descriptors of each "
                "other, and its handles are not stable",
                help=f"unset it in {key}; slots are allocated once, so it would gain nothing",
            )
