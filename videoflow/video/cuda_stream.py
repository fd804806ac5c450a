"""Where the work of a GPU's decoder or encoder is queued, and how it is ordered with all else.

The protocols are all that decoders and encoders know of a GPU, so that a test can put something
in place of it that writes down what was done in which order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor

__all__ = [
    "CodecStream",
    "DecodeStream",
    "TorchStream",
    "TorchUpload",
    "UploadDevice",
    "Uploader",
]


class CodecStream(Protocol):
    """A CUDA stream that one decoder or encoder works on."""

    @property
    def handle(self) -> int:
        """The stream as a CUDA library takes it."""

    def turn(self) -> AbstractContextManager[None]:
        """Queue what torch does inside on this stream, without blocking the CPU.

        It comes after what the caller has queued on its current stream before, and before
        what the caller queues there later.
        """


class DecodeStream(CodecStream, Protocol):
    """A CUDA stream that one decoder and the copies of its pictures share."""

    def tensor(self, memory: Any) -> Tensor:
        """Return a view of what offers ``__dlpack__``, or of a capsule, inside ``turn()``."""


class TorchStream:
    """A stream of torch.

    Args:
        gpu_index: As torch counts the GPUs.
        is_own: A stream of our own, since a decoder that works on the default stream blocks
            the CPU for every picture. False for a decoder that knows no other.
    """

    def __init__(self, gpu_index: int, *, is_own: bool = True) -> None:
        self._device = torch.device("cuda", gpu_index)
        self._stream = (
            torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call] # torch's own
            if is_own
            else torch.cuda.default_stream(self._device)
        )

    @property
    def handle(self) -> int:
        """The stream as a CUDA library takes it."""
        return int(self._stream.cuda_stream)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Queue what torch does inside on this stream, in order for the current one."""
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            yield
        current.wait_stream(self._stream)

    def tensor(self, memory: Any) -> Tensor:
        """Return a view of what offers ``__dlpack__``, or of a capsule."""
        return torch.utils.dlpack.from_dlpack(memory)


class UploadDevice(Protocol):
    """A GPU that pictures are copied to."""

    def is_remote(self, out: Tensor) -> bool:
        """Return whether ``out`` lies where the CPU cannot write."""

    def host_buffer(self, shape: tuple[int, ...]) -> Tensor:
        """Return uint8 host memory that the GPU can read while the CPU goes on."""

    def upload(self, out: Tensor, host: Tensor) -> Callable[[], None]:
        """Queue a copy on the current stream; return what blocks until it is done."""


class TorchUpload:
    """Uploads by torch, from page-locked memory."""

    def is_remote(self, out: Tensor) -> bool:
        """Return whether ``out`` is on a GPU."""
        return out.device.type != "cpu"

    def host_buffer(self, shape: tuple[int, ...]) -> Tensor:
        """Return page-locked uint8 memory."""
        return torch.empty(shape, dtype=torch.uint8, pin_memory=True)

    def upload(self, out: Tensor, host: Tensor) -> Callable[[], None]:
        """Queue a copy on the current stream of ``out``'s GPU."""
        with torch.cuda.device(out.device):
            out.copy_(host, non_blocking=True)
            done = torch.cuda.Event()  # type: ignore[no-untyped-call] # torch's own
            done.record()
        return done.synchronize


class Uploader:
    """Takes pictures from the CPU to where they are wanted, by one copy each.

    Two page-locked buffers take turns, so that the CPU fills one while the GPU reads the
    other. The caller of the next but one picture waits for the copy before the last.

    Args:
        device: Where to.

    Attributes:
        num_uploads: Pictures so far.
        num_bytes: Of them.
    """

    def __init__(self, device: UploadDevice) -> None:
        self.num_uploads = 0
        self.num_bytes = 0
        self._device = device
        self._buffers: list[Tensor | None] = [None, None]
        self._waits: list[Callable[[], None]] = [lambda: None] * 2

    def fill(self, out: Tensor, write: Callable[[Tensor], None]) -> None:
        """Have ``write`` fill ``out``, or host memory that is then copied there."""
        if not self._device.is_remote(out):
            write(out)
            return
        turn = self.num_uploads % 2
        self._waits[turn]()
        host = self._buffers[turn]
        if host is None or host.shape != out.shape:
            host = self._buffers[turn] = self._device.host_buffer(tuple(out.shape))
        write(host)
        self._waits[turn] = self._device.upload(out, host)
        self.num_uploads += 1
        self.num_bytes += out.numel()
