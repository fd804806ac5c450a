"""What a GPU does of a decoder's work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from videoflow.video.cuda_stream import DecodeStream, Uploader
from videoflow.video.packets import (
    HardwareDecoder,
)

__all__ = ["Acceleration", "LibavCuda"]


@dataclass(frozen=True, slots=True)
class LibavCuda:
    """FFmpeg's own decoder for NVIDIA's GPUs.

    Attributes:
        gpu_index: Which GPU.
        stream: Where the pictures are copied.
    """

    gpu_index: int
    stream: DecodeStream


def _ignore(_text: str) -> None:
    """Take a remark that nobody asked for."""


@dataclass(frozen=True, slots=True)
class Acceleration:
    """What a GPU does of the work; without all of it, the CPU decodes for the CPU.

    Attributes:
        hardware: Decodes the packets.
        cuda: Has FFmpeg decode on the GPU.
        uploader: Takes what the CPU decodes to the GPU.
        report: Hears why the GPU does not decode a source after all.
    """

    hardware: HardwareDecoder | None = None
    cuda: LibavCuda | None = None
    uploader: Uploader | None = None
    report: Callable[[str], None] = _ignore
