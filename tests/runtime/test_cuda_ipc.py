"""Memory handed over by the driver's handles, with host memory in the GPU's place."""

from __future__ import annotations

import ctypes
from contextlib import nullcontext
from typing import Any

import pytest
import torch

from videoflow.errors import GraphError
from videoflow.runtime import cuda
from videoflow.runtime.cuda_ipc import OpenedMemory, export_memory

GPU = torch.device("cuda", 0)


class FakeDriver:
    """``libcuda`` for one allocation: the handle holds its address; open is counted."""

    def __init__(self, allocation: torch.Tensor) -> None:
        self.base, self.size = allocation.data_ptr(), allocation.nbytes
        self.num_open = 0
        self.status = 0

    def cuMemGetAddressRange_v2(self, base: Any, size: Any, address: Any) -> int:
        assert self.base <= address.value < self.base + self.size
        base._obj.value, size._obj.value = self.base, self.size
        return 0

    def cuIpcGetMemHandle(self, handle: Any, base: Any) -> int:
        ctypes.memmove(handle, ctypes.byref(base), 8)
        return self.status

    def cuIpcOpenMemHandle_v2(self, base: Any, handle: Any, flags: int) -> int:
        assert flags == 1
        assert ctypes.sizeof(handle) == 64
        ctypes.memmove(base, ctypes.byref(handle), 8)
        self.num_open += 1
        return self.status

    def cuIpcCloseMemHandle(self, base: Any) -> int:
        assert base.value == self.base
        self.num_open -= 1
        return 0

    def cuGetErrorName(self, status: int, name: Any) -> int:
        name._obj.value = b"CUDA_ERROR_NOT_SUPPORTED"
        return 0


@pytest.fixture(autouse=True)
def _any_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device", lambda _: nullcontext())


@pytest.mark.parametrize("start", [0, 512])
def test_a_part_of_an_allocation_is_opened_where_it_lies(start: int) -> None:
    """The handle stands for the allocation; its part is found again, and let go of once."""
    allocation = torch.arange(4096).to(torch.uint8)
    driver = FakeDriver(allocation)
    part = allocation[start : start + 100]

    handle = export_memory(part, driver=driver)
    opened = OpenedMemory(handle, GPU, driver=driver)

    described = opened.__cuda_array_interface__
    assert described["shape"] == (100,)
    assert described["data"] == (part.data_ptr(), False)
    assert described["typestr"] == "|u1"
    assert driver.num_open == 1
    del opened
    assert driver.num_open == 0


def test_what_the_driver_refuses_is_told_by_name() -> None:
    """A system that shares no GPU memory is told, with the placement that needs none."""
    allocation = torch.zeros(64, dtype=torch.uint8)
    driver = FakeDriver(allocation)
    driver.status = 801

    with pytest.raises(
        RuntimeError, match=r"cuIpcGetMemHandle: CUDA_ERROR_NOT_SUPPORTED.*fused"
    ):
        export_memory(allocation, driver=driver)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("PYTORCH_CUDA_ALLOC_CONF", "max_split_size_mb:64, expandable_segments: True"),
        ("PYTORCH_ALLOC_CONF", "expandable_segments:True"),
        ("PYTORCH_ALLOC_CONF", "backend:cudaMallocAsync"),
    ],
)
def test_memory_without_handles_is_refused(
    key: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An allocator whose memory other processes cannot open is named before anything starts."""
    monkeypatch.setenv(key, value)

    with pytest.raises(GraphError, match=key):
        cuda.CudaDevice("cuda:0")
