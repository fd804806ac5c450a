"""Encodes pictures that lie on one of NVIDIA's GPUs, by NVENC through PyNvVideoCodec.

Knows the library's calls, how NV12 is handed over, and in which order with other work on the
GPU. Does not know when NVENC is chosen, nor containers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from torch import Tensor

from videoflow.errors import OutputError
from videoflow.video.av.encoder import OutputForm, Preset, VideoMuxer, open_muxer
from videoflow.video.cuda_stream import CodecStream
from videoflow.video.nvdec import Nvdec, describe_error
from videoflow.video.stray_context import without_stray_context

__all__ = ["CannotEncodeError", "NvencEncoder", "open_nvenc"]

# By speed, as libx264's presets are.
_PRESETS: Final[dict[Preset, str]] = {
    "ultrafast": "P1",
    "superfast": "P2",
    "veryfast": "P3",
    "faster": "P4",
    "fast": "P5",
    "medium": "P6",
    "slow": "P7",
}
_FRAMES_PER_KEYFRAME: Final = 250  # as libx264; NVENC's own default is one for the whole film
_IDR: Final = 3  # NV_ENC_PIC_TYPE_IDR of nvEncodeAPI.h: a player can begin here


class CannotEncodeError(Exception):
    """A GPU that cannot encode a film; the CPU can.

    Attributes:
        reason: Why, to be put behind the name of the file.
        help: What to do about it.
    """

    def __init__(self, reason: str, *, help: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.help = help


class NvencEncoder:
    """Encodes NV12 pictures on a GPU to H.264 in one file; close it to complete the file.

    NVENC reads a picture on a stream of its own while the CPU goes on. That stream begins
    after the caller's current one, and the caller's current one goes on after it, so that
    the memory may be written again, in stream order, when ``write`` returns.

    Args:
        nvdec: The library.
        session: Its encoder.
        muxer: Where the packets go.
        path: Of the file, for messages.
        stream: What ``session`` works on.
        to_gpu: Returns pictures of the host as pictures on the GPU.
    """

    def __init__(  # noqa: PLR0913 - the library's part, FFmpeg's part and the GPU's
        self,
        nvdec: Nvdec,
        session: Any,
        muxer: VideoMuxer,
        *,
        path: str,
        stream: CodecStream,
        to_gpu: Callable[[Tensor], Tensor],
    ) -> None:
        self._nvdec = nvdec
        self._session = session
        self._muxer = muxer
        self._path = path
        self._stream = stream
        self._to_gpu = to_gpu
        self._parameter_sets = bytes(session.GetSequenceParams())
        self._num_pictures = 0
        self._pts_ticks: dict[int, int] = {}  # by number, of pictures without a packet yet
        self._duration_ticks = 0

    def write(self, planes: Tensor, *, pts_ticks: int, duration_ticks: int) -> None:
        """Encode one picture; it may be overwritten, in stream order, when the call returns.

        Args:
            planes: uint8 ``[H * 3 / 2, W]`` on the GPU; on the host it is uploaded first.
            pts_ticks: In ``TICKS_PER_SECOND``, greater than that of the picture before.
            duration_ticks: How long it is shown if it is the last.

        Raises:
            OutputError: It could not be encoded or written.
        """
        surface = _Surface(self._to_gpu(planes).contiguous())
        # Whatever time it is told, the library replaces it by a number that counts pictures.
        self._pts_ticks[self._num_pictures] = pts_ticks
        self._num_pictures += 1
        self._duration_ticks = duration_ticks
        self._mux(lambda: self._session.Encode(surface))

    def close(self) -> None:
        """Write what the encoder still holds, and the index.

        Raises:
            OutputError: It could not be encoded or written.
        """
        try:
            self._mux(self._session.EndEncode)
        finally:
            self._session = None
            self._muxer.close()

    def abort(self) -> None:
        """Close the file as it is."""
        self._session = None
        self._muxer.abort()

    def _mux(self, encode: Callable[[], list[dict[str, Any]]]) -> None:
        """Write the packets that are done; NVENC delays them and tells whose they are."""
        try:
            with self._stream.turn():
                packets = encode()
        except self._nvdec.errors as error:
            raise OutputError(
                f"{self._path}: NVENC failed: {describe_error(error)}",
                help="encoder='cpu' encodes it on the CPU",
            ) from error
        for packet in packets:
            data = bytes(packet["data"])
            if not data.startswith(self._parameter_sets):
                data = self._parameter_sets + data
            self._parameter_sets = b""  # a container wants them once, in front
            self._muxer.write(
                data,
                pts_ticks=self._pts_ticks.pop(packet["timestamp"]),
                duration_ticks=self._duration_ticks,
                is_keyframe=packet["picture_type"] == _IDR,
            )


def open_nvenc(
    nvdec: Nvdec,
    form: OutputForm,
    *,
    gpu_index: int,
    stream: CodecStream,
    to_gpu: Callable[[Tensor], Tensor],
) -> NvencEncoder:
    """Open a file that NVENC encodes; ``form.crf`` becomes its constant quantiser.

    Args:
        nvdec: The library, loaded as a package.
        form: What the file is told.
        gpu_index: Which GPU.
        stream: What the encoder works on; never the default one.
        to_gpu: Returns pictures of the host as pictures on the GPU.

    Raises:
        CannotEncodeError: The GPU gives no session for such pictures.
        OutputError: The file cannot be opened for writing.
    """
    height, width = form.size_hw
    try:
        session = without_stray_context(
            lambda: nvdec.module.CreateEncoder(
                width,
                height,
                "NV12",
                False,  # pictures are on the GPU
                gpu_id=gpu_index,
                cudastream=stream.handle,
                codec="h264",
                preset=_PRESETS[form.preset],
                tuning_info="high_quality",
                rc="constqp",
                constqp=round(form.crf),
                gop=_FRAMES_PER_KEYFRAME,
                idrperiod=_FRAMES_PER_KEYFRAME,  # else these are none that one can seek to
                bf=0,  # av/encoder.py, at libx264's, says why
            )
        )
    except nvdec.errors as error:
        raise CannotEncodeError(
            f"NVENC gave no session for {width} x {height}: {describe_error(error)}",
            help="fewer files at once on one GPU, or pictures of at least 160 x 64; "
            "encoder='cpu' asks for the CPU",
        ) from error
    return NvencEncoder(
        nvdec, session, open_muxer(form), path=form.path, stream=stream, to_gpu=to_gpu
    )


class _Plane:
    """One plane of a picture, as CUDA libraries describe memory to each other."""

    def __init__(self, address: int, shape: tuple[int, int, int]) -> None:
        _, columns, samples = shape
        self.__cuda_array_interface__ = {
            "shape": shape,
            "strides": (columns * samples, samples, 1),
            "data": (address, False),
            "typestr": "|u1",
            "version": 3,  # without "stream": the order is ours, and the library refuses 0
        }


class _Surface:
    """An NV12 picture as the library takes it: chroma behind luma in one piece of memory."""

    def __init__(self, planes: Tensor) -> None:
        rows, width = planes.shape
        height = rows * 2 // 3
        address = planes.data_ptr()
        self._planes = planes  # kept until the call is over
        self._views = [
            _Plane(address, (height, width, 1)),
            _Plane(address + height * width, (height // 2, width // 2, 2)),
        ]

    def cuda(self) -> list[_Plane]:
        """Return luma and chroma; the library asks by this name."""
        return self._views
