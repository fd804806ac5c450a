"""A GPU that is none: memory of the host behind the engine's device interface, with a log.

Every event is checked where it is used: nobody may wait for one that was never recorded. The
log, one line for each record and wait of any process, lets tests look at the order.
"""

from __future__ import annotations

import mmap
import os
import pickle
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from videoflow.runtime.gpus import Gpu
from videoflow.runtime.local import LocalEngine

__all__ = ["LOG", "FakeDevice", "fake_engine", "log", "log_lines"]

RECORD_SECONDS = 0.002
"""How long a record takes where there is a log: whoever is told before it, is there before."""

LOG = "VIDEOFLOW_TEST_DEVICE_LOG"
"""Environment variable with the path of the log."""

FAKE = {"cuda": "tests.fake_device:FakeDevice"}


def fake_engine(num_gpus: int = 1, *, free_bytes: int | None = None) -> LocalEngine:
    """Return an engine that takes host memory for ``num_gpus`` GPUs."""
    gpus = [Gpu(f"cuda:{n}", free_bytes, free_bytes) for n in range(num_gpus)]
    return LocalEngine(find_gpus=lambda: gpus, device_kinds=FAKE)


class FakeEvent:
    """A counter in shared memory."""

    def __init__(self, fd: int, name: str) -> None:
        self.name = name
        self.count = np.frombuffer(mmap.mmap(fd, 4096), np.int64, count=1)


class FakeDevice:
    """Host memory as a device; see ``videoflow.runtime.device.Device``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._spans: list[tuple[int, int]] = []
        self._fds: list[int] = []

    def allocate(self, num_bytes: int) -> Tensor:
        fd = self._new_memory("fake-device", num_bytes)
        memory = self._map(fd)
        self._log("allocate", num_bytes)
        memory.fake_fd = fd  # type: ignore[attr-defined] # the fake's own
        return memory

    def export(self, memory: Tensor) -> bytes:
        return pickle.dumps((os.getpid(), memory.fake_fd))  # type: ignore[attr-defined] # see above

    def open(self, handle: bytes) -> Tensor:
        pid, fd = pickle.loads(handle)
        copy = os.open(f"/proc/{pid}/fd/{fd}", os.O_RDWR)
        memory = self._map(copy)
        os.close(copy)
        return memory

    def new_event(self) -> tuple[FakeEvent, bytes]:
        fd = self._new_memory("fake-event", 4096)
        handle = f"{os.getpid()}/{fd}".encode()
        return FakeEvent(fd, handle.decode()), handle.ljust(64, b"\0")

    def open_event(self, handle: bytes) -> FakeEvent:
        name = handle.rstrip(b"\0").decode()
        pid, fd = name.split("/")
        copy = os.open(f"/proc/{pid}/fd/{fd}", os.O_RDWR)
        event = FakeEvent(copy, name)
        os.close(copy)
        return event

    def record(self, event: FakeEvent) -> None:
        if LOG in os.environ:
            time.sleep(RECORD_SECONDS)
        self._log("record", event.name, int(event.count[0]) + 1)
        event.count[0] += 1  # behind the line, so that no wait for it stands above

    def wait(self, event: FakeEvent) -> None:
        assert event.count[0] > 0, f"a wait for the event {event.name} that was never recorded"
        self._log("wait", event.name, int(event.count[0]))

    def wait_on_host(self, event: FakeEvent) -> None:
        self._log("wait_on_host", event.name, int(event.count[0]))

    def holds(self, tensor: Tensor) -> bool:
        return any(low <= tensor.data_ptr() < high for low, high in self._spans)

    def to_host(self, tensor: Tensor) -> Tensor:
        self._log("to_host", tensor.nbytes)
        return tensor.clone()

    def to_device(self, tensor: Tensor) -> Tensor:
        self._log("to_device", tensor.nbytes)
        memory = self.allocate(tensor.nbytes)
        return memory.view(tensor.dtype).view(tensor.shape).copy_(tensor)

    def trim(self) -> None:
        self._log("trim")

    def activate(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def close(self) -> None:
        """Close the descriptors that others open their memory and events by."""
        for fd in self._fds:
            os.close(fd)

    def _new_memory(self, name: str, num_bytes: int) -> int:
        fd = os.memfd_create(name, os.MFD_CLOEXEC)
        os.ftruncate(fd, num_bytes)
        self._fds.append(fd)
        return fd

    def _map(self, fd: int) -> Tensor:
        memory = torch.from_numpy(np.frombuffer(mmap.mmap(fd, os.fstat(fd).st_size), np.uint8))
        self._spans.append((memory.data_ptr(), memory.data_ptr() + memory.nbytes))
        return memory

    def _log(self, *words: Any) -> None:
        log(*words)


def log(*words: Any) -> None:
    """Write a line, where there is a log: this process, and ``words``."""
    path = os.environ.get(LOG)
    if path:
        line = " ".join(str(word) for word in (os.getpid(), *words))
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(fd, f"{line}\n".encode())
        os.close(fd)


def log_lines(path: Path) -> list[list[str]]:
    """Return the words of each line of a log."""
    return [line.split() for line in path.read_text().splitlines()]
