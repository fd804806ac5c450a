"""Opens sources for one reader, on the device that it was given.

Owns what outlives one source: the stream on the GPU, the decoding session, the buffers of an
upload. Says once, and why, if the GPU does not decode.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from videoflow.video.av.acceleration import Acceleration, LibavCuda
from videoflow.video.av.decoder import VideoDecoder, open_video
from videoflow.video.capabilities import (
    DecodingWay,
    VideoCapabilities,
    choose_decoding,
    probe_video,
)
from videoflow.video.cuda_stream import (
    DecodeStream,
    TorchStream,
    TorchUpload,
    UploadDevice,
    Uploader,
)
from videoflow.video.nvdec import Nvdec
from videoflow.video.nvdec_decoder import NvdecDecoder
from videoflow.video.nvdec_sessions import NvdecSessions
from videoflow.video.probe import open_file

__all__ = ["VideoOpener"]

DEFAULT_NUM_THREADS: Final = 2


class VideoOpener:
    """Opens files and URLs, one after the other, on one device.

    Args:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        num_threads: Threads of a decoder on the CPU; None for two.
        report: Hears once for each reason why the GPU does not decode.
        probe: Tells what there is to decode with.
        make_stream: Makes the GPU's stream: of our own, or the default one.
        upload_device: Takes pictures to the GPU that the CPU decodes.

    Attributes:
        way: How sources are decoded; None before the first.
        uploader: What took pictures to the GPU, and how many.
    """

    def __init__(  # noqa: PLR0913 - the device behind three small interfaces, for tests
        self,
        *,
        device: str = "cpu",
        num_threads: int | None = None,
        report: Callable[[str], None],
        probe: Callable[[], VideoCapabilities] = probe_video,
        make_stream: Callable[[int, bool], DecodeStream] = lambda gpu, is_own: TorchStream(
            gpu, is_own=is_own
        ),
        upload_device: UploadDevice | None = None,
    ) -> None:
        self.way: DecodingWay | None = None
        self.uploader = Uploader(upload_device or TorchUpload())
        self._device = device
        self._num_threads = num_threads or DEFAULT_NUM_THREADS
        self._report = report
        self._probe = probe
        self._make_stream = make_stream
        self._sessions: NvdecSessions | None = None
        self._stream: DecodeStream | None = None
        self._reasons: set[str] = set()

    def open_file(self, path: Path) -> VideoDecoder:
        """Open a file.

        Raises:
            SourceError: It is missing, a folder, empty, or not a video.
            GraphError: The device is not there.
        """
        return open_file(path, num_threads=self._num_threads, acceleration=self._accelerate())

    def open_url(
        self,
        url: str,
        *,
        timeout_seconds: float,
        container_format: str | None = None,
        options: dict[str, str],
    ) -> VideoDecoder:
        """Open a URL or a device of the system; each read waits so long at most.

        Raises:
            SourceError: It cannot be opened, or there is no video in it.
            GraphError: The device is not there.
        """
        return open_video(
            url,
            num_threads=self._num_threads,
            timeout_seconds=timeout_seconds,
            container_format=container_format,
            options=options,
            acceleration=self._accelerate(),
        )

    def close(self) -> None:
        """Let go of the GPU; all sources must be closed."""
        if self._sessions is not None:
            self._sessions.close()

    def _accelerate(self) -> Acceleration:
        way = self.way
        if way is None:
            way = self.way = self._choose()
        if way.gpu_index is None or way.kind in ("cpu", "upload"):
            return Acceleration(uploader=self.uploader, report=self._report_once)
        if self._stream is None:
            self._stream = self._make_stream(way.gpu_index, way.kind == "nvdec")
        if way.kind == "libav-cuda":
            cuda = LibavCuda(way.gpu_index, self._stream)
            return Acceleration(cuda=cuda, uploader=self.uploader, report=self._report_once)
        return Acceleration(
            hardware=NvdecDecoder(self._find_sessions(way.gpu_index), self._stream),
            uploader=self.uploader,
            report=self._report_once,
        )

    def _choose(self) -> DecodingWay:
        if self._device == "cpu":  # nothing to be found out
            return DecodingWay("cpu", None, "device='cpu' was asked for")
        way = choose_decoding(self._probe(), self._device)
        if way.is_fallback:
            self._report_once(f"{_INSTEAD[way.kind]}: {way.reason}\n  help: {way.help}")
        return way

    def _find_sessions(self, gpu_index: int) -> NvdecSessions:
        if self._sessions is None:
            nvdec = self._probe().nvdec
            assert isinstance(nvdec, Nvdec)
            assert self._stream is not None
            self._sessions = NvdecSessions(
                nvdec, gpu_index=gpu_index, stream_handle=self._stream.handle
            )
        return self._sessions

    def _report_once(self, text: str) -> None:
        reason = text.partition(": ")[2]  # behind the name of the source
        if reason not in self._reasons:
            self._reasons.add(reason)
            self._report(text)


_INSTEAD: Final = {
    "libav-cuda": "decoded by FFmpeg on the GPU",
    "upload": "decoded on the CPU and uploaded",
    "cpu": "decoded on the CPU",
}
