"""Which NVIDIA GPUs there are and how much memory they have, without a CUDA context.

NVML, the driver's management library, tells; no process that only plans a flow should take
half a gigabyte of a GPU for the question.
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass

__all__ = ["Gpu", "visible_gpus"]


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU.

    Attributes:
        name: As torch writes it, ``cuda:0``.
        free_bytes: Memory that nobody uses now, or None where nobody knows.
        total_bytes: All of its memory, or None.
    """

    name: str
    free_bytes: int | None = None
    total_bytes: int | None = None


class _Memory(ctypes.Structure):
    """``nvmlMemory_t``."""

    _fields_ = (
        ("total", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    )


def visible_gpus() -> tuple[Gpu, ...]:
    """Return the GPUs that this process may use, in torch's order; none without a driver."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return ()
    import torch  # only where there is a driver

    count = torch.cuda.device_count()  # by NVML; makes no context
    memories = _memories(count)
    return tuple(Gpu(f"cuda:{n}", *memories.get(n, (None, None))) for n in range(count))


def _memories(count: int) -> dict[int, tuple[int, int]]:
    """Return free and total bytes by torch's index; nothing where NVML cannot be asked."""
    physical = _physical_indices(count)
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return {}
    if physical is None or nvml.nvmlInit_v2() != 0:
        return {}
    try:
        asked = {n: _ask_memory(nvml, index) for n, index in enumerate(physical)}
    finally:
        nvml.nvmlShutdown()
    return {n: memory for n, memory in asked.items() if memory is not None}


def _physical_indices(count: int) -> list[int] | None:
    """Return NVML's index of each visible GPU, or None where they are named by UUID."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return list(range(count))
    words = [word.strip() for word in visible.split(",")][:count]
    return [int(word) for word in words] if all(word.isdigit() for word in words) else None


def _ask_memory(nvml: ctypes.CDLL, index: int) -> tuple[int, int] | None:
    handle, memory = ctypes.c_void_p(), _Memory()
    if nvml.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(handle)) != 0:
        return None
    if nvml.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory)) != 0:
        return None
    return int(memory.free), int(memory.total)
