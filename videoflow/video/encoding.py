"""Opens files to be encoded for one node: on the GPU where the pictures are, or on the CPU.

Owns what outlives one file: the choice, the page-locked memory of downloads and their count.
Says once, and why, if a GPU does not encode.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from videoflow.errors import OutputError
from videoflow.video.av.encoder import OutputForm, VideoEncoder, open_encoder
from videoflow.video.capabilities import (
    EncoderName,
    EncodingWay,
    VideoCapabilities,
    choose_encoding,
    probe_video,
)
from videoflow.video.cuda_stream import CodecStream, TorchStream
from videoflow.video.nvdec import Nvdec
from videoflow.video.nvenc import CannotEncodeError, open_nvenc

__all__ = ["EncoderOpener", "PictureEncoder", "TorchTransfer", "Transfer"]


class PictureEncoder(Protocol):
    """Encodes pictures to one file."""

    def write(self, planes: Tensor, *, pts_ticks: int, duration_ticks: int) -> None:
        """Encode one picture; it may be written again, in stream order, on return."""

    def close(self) -> None:
        """Complete the file."""

    def abort(self) -> None:
        """Close the file as it is."""


class Transfer(Protocol):
    """The ways between the host and the GPUs."""

    def gpu_of(self, planes: Tensor) -> int | None:
        """Return which GPU ``planes`` lies on, or None for the host."""

    def host_buffer(self, shape: tuple[int, ...]) -> Tensor:
        """Return uint8 host memory that a GPU writes fast."""

    def download(self, host: Tensor, planes: Tensor) -> None:
        """Copy to the host, after what is queued on the current stream; block until done."""

    def upload(self, planes: Tensor, gpu_index: int) -> Tensor:
        """Return a copy on a GPU, in order with the current stream there."""


class TorchTransfer:
    """Transfers by torch."""

    def gpu_of(self, planes: Tensor) -> int | None:
        """Return which GPU ``planes`` lies on, or None for the host."""
        return planes.device.index if planes.device.type == "cuda" else None

    def host_buffer(self, shape: tuple[int, ...]) -> Tensor:
        """Return page-locked uint8 memory."""
        return torch.empty(shape, dtype=torch.uint8, pin_memory=True)

    def download(self, host: Tensor, planes: Tensor) -> None:
        """Copy to the host, after what is queued on the current stream; block until done."""
        host.copy_(planes, non_blocking=True)
        torch.cuda.current_stream(planes.device).synchronize()

    def upload(self, planes: Tensor, gpu_index: int) -> Tensor:
        """Return a copy on a GPU."""
        return planes.to(torch.device("cuda", gpu_index))


class EncoderOpener:
    """Opens files, one after the other or at once.

    Args:
        encoder: ``auto``, ``nvenc`` or ``cpu``.
        default_gpu: Where pictures of the host are encoded with ``nvenc``.
        report: Hears once for each reason why a GPU does not encode what lies on it.
        probe: Tells what there is to encode with; asked when a file needs it.
        make_stream: Makes the stream on a GPU that an encoder works on.
        transfer: The ways between host and GPU.

    Attributes:
        num_downloads: Pictures so far that were taken to the host to be encoded there.
        num_download_bytes: Of them.
    """

    def __init__(  # noqa: PLR0913 - the device behind two small interfaces, for tests
        self,
        encoder: EncoderName = "auto",
        *,
        default_gpu: int = 0,
        report: Callable[[str], None],
        probe: Callable[[], VideoCapabilities] = probe_video,
        make_stream: Callable[[int], CodecStream] = TorchStream,
        transfer: Transfer | None = None,
    ) -> None:
        self.num_downloads = 0
        self.num_download_bytes = 0
        self._encoder: EncoderName = encoder
        self._default_gpu = default_gpu
        self._report = report
        self._probe = probe
        self._make_stream = make_stream
        self._transfer = transfer or TorchTransfer()
        self._ways: dict[int | None, EncodingWay] = {}
        self._reasons: set[str] = set()

    def open(self, form: OutputForm, planes: Tensor) -> PictureEncoder:
        """Open a file for pictures that lie where its first one, ``planes``, does.

        Later ones may lie elsewhere; each is then copied to where the encoder is.

        Raises:
            OutputError: It cannot be opened, or NVENC was asked for and is not to be had.
        """
        way = self._choose(self._transfer.gpu_of(planes))
        if way.kind == "nvenc":
            try:
                return self._open_nvenc(form, way)
            except CannotEncodeError as error:
                if self._encoder == "nvenc":
                    raise OutputError(
                        f"{form.path}: {error.reason}", help=error.help
                    ) from error
                self._say(error.reason, error.help)
        elif way.is_fallback:
            self._say(way.reason, way.help)
        return _HostEncoder(open_encoder(form), self._transfer, self._download)

    def describe_downloads(self) -> str | None:
        """Return how many pictures were downloaded, or None if none was."""
        if not self.num_downloads:
            return None
        megabytes = self.num_download_bytes / 1e6
        return (
            f"{self.num_downloads} pictures ({megabytes:.1f} MB) were copied from a GPU to be "
            "encoded on the CPU"
        )

    def _choose(self, gpu_index: int | None) -> EncodingWay:
        if gpu_index not in self._ways:
            self._ways[gpu_index] = choose_encoding(
                self._probe, self._encoder, gpu_index=gpu_index, default_gpu=self._default_gpu
            )
        return self._ways[gpu_index]

    def _open_nvenc(self, form: OutputForm, way: EncodingWay) -> PictureEncoder:
        nvdec, gpu_index = self._probe().nvdec, way.gpu_index
        assert isinstance(nvdec, Nvdec)
        assert gpu_index is not None

        def to_gpu(planes: Tensor) -> Tensor:
            is_there = self._transfer.gpu_of(planes) == gpu_index
            return planes if is_there else self._transfer.upload(planes, gpu_index)

        return open_nvenc(
            nvdec, form, gpu_index=gpu_index, stream=self._make_stream(gpu_index), to_gpu=to_gpu
        )

    def _download(self, host: Tensor, planes: Tensor) -> None:
        self._transfer.download(host, planes)
        self.num_downloads += 1
        self.num_download_bytes += planes.nbytes

    def _say(self, reason: str, help: str) -> None:
        if reason not in self._reasons:
            self._reasons.add(reason)
            self._report(f"encoded on the CPU: {reason}\n  help: {help}")


class _HostEncoder:
    """An encoder on the CPU, for pictures that lie anywhere."""

    def __init__(
        self,
        encoder: VideoEncoder,
        transfer: Transfer,
        download: Callable[[Tensor, Tensor], None],
    ) -> None:
        self._encoder = encoder
        self._transfer = transfer
        self._download = download
        self._buffer: Tensor | None = None

    def write(self, planes: Tensor, *, pts_ticks: int, duration_ticks: int) -> None:
        """Encode one picture, from a copy on the host where it lies elsewhere."""
        if self._transfer.gpu_of(planes) is not None:
            if self._buffer is None:  # one is enough: the encoder copies it, too
                self._buffer = self._transfer.host_buffer(tuple(planes.shape))
            self._download(self._buffer, planes)
            planes = self._buffer
        self._encoder.write(planes, pts_ticks=pts_ticks, duration_ticks=duration_ticks)

    def close(self) -> None:
        """Complete the file."""
        self._encoder.close()

    def abort(self) -> None:
        """Close the file as it is."""
        self._encoder.abort()
