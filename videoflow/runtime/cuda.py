"""NVIDIA GPUs for the engine: plain memory, interprocess events, one stream a process.

Memory is handed to other processes once (``runtime.cuda_ipc``); what follows are names of
places in it. Source of the rules: the CUDA programming guide, "Interprocess communication".
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor

from videoflow.errors import GraphError
from videoflow.runtime.cuda_ipc import bind_context, export_memory, open_memory

__all__ = ["CudaDevice"]

_LEAST_SEGMENT_BYTES = 20 << 20
"""From 10 MB on torch takes an allocation from segments for large ones; a handle opens all of
a segment, so that it should hold little else."""


class CudaDevice:
    """One GPU, as one process sees it.

    Args:
        name: ``cuda:N``.

    Raises:
        GraphError: torch allocates memory that can be mapped but not shared.
    """

    def __init__(self, name: str) -> None:
        _refuse_unshareable_memory()
        self.name = name
        self._device = torch.device(name)
        self._stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call] # torch's

    def allocate(self, num_bytes: int) -> Tensor:
        """Return uninitialised memory, uint8 ``[num_bytes]``."""
        size = max(num_bytes, _LEAST_SEGMENT_BYTES)
        return torch.empty(size, dtype=torch.uint8, device=self._device)[:num_bytes]

    def export(self, memory: Tensor) -> bytes:
        """Return what opens ``memory`` in another process."""
        bind_context(self._device)
        return export_memory(memory)

    def open(self, handle: bytes) -> Tensor:
        """Return memory of another process; it must outlive the result."""
        return open_memory(handle, self._device)

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


def _refuse_unshareable_memory() -> None:
    for key in ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF"):
        options = os.environ.get(key, "").replace(" ", "").lower()
        for option in ("expandable_segments:true", "backend:cudamallocasync"):
            if option in options:
                raise GraphError(
                    f"{key}: got {option}, want it off: such memory cannot be handed to other "
                    "processes by a handle of CUDA's",
                    help=f"unset it in {key}; slots are allocated once, so it would gain "
                    "nothing",
                )
