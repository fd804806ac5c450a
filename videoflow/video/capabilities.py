"""How video is decoded and encoded here: what is there, which way is taken, and why.

The ways to decode, best first: NVDEC by PyNvVideoCodec; FFmpeg's own decoder for NVDEC; the
CPU, with one upload of each picture to the GPU; the CPU for the CPU. Pictures on a GPU are
encoded there if it has NVENC, all others on the CPU. Both choices are pure.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final, Literal

from videoflow.errors import GraphError, OutputError
from videoflow.video.nvdec import (
    LIBRARIES,
    Nvdec,
    NvdecProblem,
    load_nvdec,
    missing_libraries,
)

__all__ = [
    "DecodingKind",
    "DecodingWay",
    "EncoderName",
    "EncodingWay",
    "VideoCapabilities",
    "check_device",
    "choose_decoding",
    "choose_encoding",
    "open_on",
    "probe_video",
]

_PROBING: Final = threading.Lock()

DecodingKind = Literal["nvdec", "libav-cuda", "upload", "cpu"]
"""Where pictures are decoded, and how they come to the device."""
EncoderName = Literal["auto", "nvenc", "cpu"]
"""What can be asked for when a video is written."""


@dataclass(frozen=True, slots=True)
class VideoCapabilities:
    """What a process has to decode with.

    Attributes:
        num_gpus: GPUs that torch can use.
        missing: Which of NVIDIA's libraries are not there.
        nvdec: PyNvVideoCodec, or why it cannot be used.
        has_libav_cuda: Whether PyAV was built with FFmpeg's decoder for NVDEC.
        has_nvidia_device: Whether there is a sign of a GPU of NVIDIA's, usable or not.
    """

    num_gpus: int
    missing: tuple[str, ...]
    nvdec: Nvdec | NvdecProblem = field(repr=False)
    has_libav_cuda: bool
    has_nvidia_device: bool


@dataclass(frozen=True, slots=True)
class DecodingWay:
    """How a source is decoded.

    Attributes:
        kind: ``nvdec``, ``libav-cuda``, ``upload`` or ``cpu``.
        gpu_index: Which GPU, or None for the CPU.
        reason: Why it is this one.
        help: What leads to a better one; empty for the best.
        is_fallback: Whether a GPU is there, or was asked for, that does not decode.
    """

    kind: DecodingKind
    gpu_index: int | None
    reason: str
    help: str = ""
    is_fallback: bool = False


@dataclass(frozen=True, slots=True)
class EncodingWay:
    """How pictures are encoded.

    Attributes:
        kind: ``nvenc`` or ``cpu``.
        gpu_index: Which GPU, or None for the CPU.
        reason: Why it is this one.
        help: What leads to a better one; empty for the best.
        is_fallback: Whether the pictures are on a GPU that does not encode.
    """

    kind: Literal["nvenc", "cpu"]
    gpu_index: int | None
    reason: str
    help: str = ""
    is_fallback: bool = False


def choose_decoding(found: VideoCapabilities, device: str) -> DecodingWay:
    """Return the best way to decode for a device.

    Args:
        found: What there is.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; ``cuda`` is ``cuda:0``.

    Raises:
        GraphError: A GPU was named that is not there.
    """
    if device == "cpu":
        return DecodingWay("cpu", None, "device='cpu' was asked for")
    if device != "auto":
        check_device(device, count=lambda: found.num_gpus)
    if not found.num_gpus:
        return _without_gpu(found)
    gpu_index = _gpu_index(device)
    if isinstance(found.nvdec, Nvdec):
        how = "" if found.nvdec.loading == "package" else ", without the encoder's library"
        return DecodingWay("nvdec", gpu_index, f"PyNvVideoCodec can be used{how}")
    reason, help = f"no NVDEC by PyNvVideoCodec: {found.nvdec.reason}", found.nvdec.help
    if found.has_libav_cuda and "libnvcuvid.so.1" not in found.missing:
        return DecodingWay("libav-cuda", gpu_index, reason, help, is_fallback=True)
    return DecodingWay("upload", gpu_index, reason, help, is_fallback=True)


def choose_encoding(
    probe: Callable[[], VideoCapabilities],
    encoder: EncoderName,
    *,
    gpu_index: int | None = None,
    default_gpu: int = 0,
) -> EncodingWay:
    """Return the best way to encode pictures.

    Args:
        probe: Returns what there is; asked only where NVENC would be of use.
        encoder: ``auto``, ``nvenc`` or ``cpu``.
        gpu_index: The GPU that the pictures lie on, or None for the host.
        default_gpu: Which GPU encodes pictures of the host, if that is asked for.

    Raises:
        OutputError: ``nvenc`` is asked for and not to be had.
    """
    if encoder == "cpu":
        return EncodingWay("cpu", None, "encoder='cpu' was asked for")
    if encoder == "auto" and gpu_index is None:
        return EncodingWay("cpu", None, "the pictures are in host memory")
    obstacle = _nvenc_obstacle(probe())
    if obstacle is None:
        where = default_gpu if gpu_index is None else gpu_index
        return EncodingWay("nvenc", where, "the GPU has encoders")
    if encoder == "nvenc":
        raise OutputError(
            f"encoder: got 'nvenc', and there is none: {obstacle.reason}",
            help=f"encoder='auto' takes the CPU then; {obstacle.help}",
        )
    return EncodingWay("cpu", None, obstacle.reason, obstacle.help, is_fallback=True)


def count_gpus() -> int:
    """Return how many GPUs torch can use."""
    import torch  # slow: only for who asks for a GPU

    return torch.cuda.device_count()


def check_device(device: str, *, count: Callable[[], int] = count_gpus) -> None:
    """Refuse a GPU that is not there. Makes no CUDA context.

    Args:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        count: Returns how many GPUs there are; asked only if one is named.

    Raises:
        GraphError: ``device`` names one that is not there.
    """
    if device.startswith("cuda") and _gpu_index(device) >= (num_gpus := count()):
        raise GraphError(
            f"device: got {device!r}, and torch sees {num_gpus} GPUs",
            help="device='auto' takes a GPU if there is one, and the CPU if not; "
            "'videoflow doctor' shows what is missing",
        )


def open_on(planned: str, *, option: str) -> str:
    """Return for which device a reader opens its sources.

    A plan without GPUs puts ``auto`` on the CPU; ``auto`` still tells why that is.

    Args:
        planned: Where the plan put the node, or the option where there is no plan.
        option: What the node was told.
    """
    return option if planned == "cpu" else planned


def probe_video() -> VideoCapabilities:
    """Find out what there is to decode with, once in a process; no CUDA context is made."""
    with _PROBING:  # the sources of a worker open in threads, all at once
        return _probe_video()


@cache
def _probe_video() -> VideoCapabilities:
    from videoflow.video.av.decoder import has_cuda

    missing = missing_libraries()
    num_gpus = count_gpus() if "libcuda.so.1" not in missing else 0
    nvdec: Nvdec | NvdecProblem = NvdecProblem("there is no GPU", LIBRARIES["libcuda.so.1"])
    if num_gpus:  # else its import could end the process
        nvdec = load_nvdec()
    return VideoCapabilities(num_gpus, missing, nvdec, has_cuda(), has_nvidia_device())


def has_nvidia_device() -> bool:
    """Return whether the system shows a GPU of NVIDIA's, with or without a usable driver."""
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/proc/driver/nvidia").exists()


def _without_gpu(found: VideoCapabilities) -> DecodingWay:
    if "libcuda.so.1" in found.missing:
        reason, help = "libcuda.so.1 was not found", LIBRARIES["libcuda.so.1"]
    else:
        reason, help = "torch can use no GPU", "install a build of torch with CUDA"
    is_lost = found.has_nvidia_device or "libcuda.so.1" not in found.missing
    return DecodingWay("cpu", None, f"no GPU: {reason}", help, is_fallback=is_lost)


def _nvenc_obstacle(found: VideoCapabilities) -> NvdecProblem | None:
    """Return why NVENC cannot be used, or None if it can."""
    if not found.num_gpus:
        way = _without_gpu(found)
        return NvdecProblem(way.reason, way.help)
    if not isinstance(found.nvdec, Nvdec):
        return found.nvdec
    if found.nvdec.loading != "package":
        library = "libnvidia-encode.so.1"
        return NvdecProblem(f"{library} was not found", LIBRARIES[library])
    if not found.nvdec.count_encoders():
        return NvdecProblem(
            "this GPU has no encoder",
            "nothing: H100, H200 and A100 are made so; encoder='cpu' says that you know",
        )
    return None


def _gpu_index(device: str) -> int:
    _, _, index = device.partition(":")
    return int(index or 0)
