"""Memory of an NVIDIA GPU that several processes have: one handle for one allocation.

By the driver itself. torch's own way to hand memory over (``torch.multiprocessing``) keeps a
file of counters in shared memory, which stays behind when the owner is killed, and frees
nothing that a killed reader had. Here nobody counts: who frees, and when, is the engine's part.

Source: CUDA driver API, "Memory Management", ``cuIpcGetMemHandle`` and those beside it.
"""

from __future__ import annotations

import ctypes
import struct
from functools import cache
from typing import Any, Final

import torch
from torch import Tensor

__all__ = ["bind_context", "export_memory", "open_memory"]

_PLACE: Final = struct.Struct("<QQ")  # offset in the allocation and length, in bytes
_LAZY_PEER_ACCESS: Final = 1  # CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS


class _Handle(ctypes.Structure):
    """``CUipcMemHandle``."""

    _fields_ = (("reserved", ctypes.c_ubyte * 64),)


def bind_context(device: torch.device) -> None:
    """Let the calls of the driver on this thread, which may be new, be for torch's context.

    By an event that nobody waits for: a wait for the device, whichever thread waits, would
    spoil the CUDA graph that another thread may be recording.
    """
    torch.cuda.current_stream(device).record_event()


def export_memory(memory: Tensor, *, driver: Any = None) -> bytes:
    """Return what opens a tensor's memory in another process.

    Args:
        memory: Contiguous, in an allocation of ``cudaMalloc``.
        driver: NVIDIA's ``libcuda``.
    """
    driver = driver or _load_driver()
    base, size, handle = ctypes.c_uint64(), ctypes.c_size_t(), _Handle()
    address = ctypes.c_uint64(memory.data_ptr())
    _check(
        driver,
        driver.cuMemGetAddressRange_v2(ctypes.byref(base), ctypes.byref(size), address),
        "cuMemGetAddressRange",
    )
    _check(driver, driver.cuIpcGetMemHandle(ctypes.byref(handle), base), "cuIpcGetMemHandle")
    return bytes(handle) + _PLACE.pack(address.value - base.value, memory.nbytes)


def open_memory(handle: bytes, device: torch.device) -> Tensor:
    """Return the memory of another process, uint8 ``[N]``; it must outlive the result.

    The process has an allocation open at most once.

    Args:
        handle: From ``export_memory``.
        device: The GPU that it lies on.
    """
    with torch.cuda.device(device):
        bind_context(device)
        opened = OpenedMemory(handle, device)
        return torch.as_tensor(opened, device=device)


class OpenedMemory:
    """Memory of another process, as CUDA libraries describe it; let go of with its last view.

    Args:
        handle: From ``export_memory``.
        device: The GPU that it lies on.
        driver: NVIDIA's ``libcuda``.
    """

    def __init__(self, handle: bytes, device: torch.device, *, driver: Any = None) -> None:
        self._driver = driver or _load_driver()
        self._device = device
        base = ctypes.c_uint64()
        name = _Handle.from_buffer_copy(handle)
        _check(
            self._driver,
            self._driver.cuIpcOpenMemHandle_v2(ctypes.byref(base), name, _LAZY_PEER_ACCESS),
            "cuIpcOpenMemHandle",
        )
        self._base = base
        offset, num_bytes = _PLACE.unpack_from(handle, ctypes.sizeof(_Handle))
        self.__cuda_array_interface__ = {
            "shape": (num_bytes,),
            "typestr": "|u1",
            "data": (base.value + offset, False),
            "version": 3,
        }

    def __del__(self) -> None:
        if hasattr(self, "_base"):
            with torch.cuda.device(self._device):
                self._driver.cuIpcCloseMemHandle(self._base)


@cache
def _load_driver() -> ctypes.CDLL:
    return ctypes.CDLL("libcuda.so.1")


def _check(driver: Any, status: int, call: str) -> None:
    """Raise what an answer of the driver means.

    Raises:
        RuntimeError: It is not success.
    """
    if status:
        name = ctypes.c_char_p()
        driver.cuGetErrorName(status, ctypes.byref(name))
        reason = (name.value or b"").decode() or f"error {status}"
        raise RuntimeError(
            f"{call}: {reason}: memory of a GPU cannot be shared between processes here; "
            "placement='fused' needs no sharing"
        )
