"""Encode on the CPU, and mux what was encoded here or on a GPU."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

import av
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream
from torch import Tensor

from videoflow.data.color_spec import ColorSpec, Matrix
from videoflow.errors import OutputError
from videoflow.video.av.info import shown_source

__all__ = [
    "TICKS_PER_SECOND",
    "TICK_SECONDS",
    "OutputForm",
    "Preset",
    "VideoEncoder",
    "VideoMuxer",
    "open_encoder",
    "open_muxer",
    "output_error",
    "set_h264",
    "wrap_nv12",
]

TICKS_PER_SECOND: Final = 90_000  # a multiple of 24, 25, 30, 50 and 60 frames a second
"""The unit of time in a written video."""


TICK_SECONDS: Final = Fraction(1, TICKS_PER_SECOND)
"""Seconds of one tick."""


Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"]
"""libx264's names, from quick and large to slow and small."""


_TAGS: Final[dict[Matrix, tuple[int, int, int]]] = {
    "bt601": (6, 6, 6),
    "bt709": (1, 1, 1),
    "bt2020": (9, 9, 14),
}


@dataclass(frozen=True, slots=True)
class OutputForm:
    """What an H.264 file is told once.

    Attributes:
        path: Of the file, which is overwritten.
        container_format: FFmpeg's name, such as ``mp4``.
        size_hw: Height and width in pixels, even.
        color: Written into the stream, so that players agree about colours.
        preset: libx264's trade of speed for size.
        crf: libx264's quality, 0 (lossless) to 51.
        num_threads: Threads of an encoder on the CPU.
    """

    path: str
    container_format: str
    size_hw: tuple[int, int]
    color: ColorSpec
    preset: Preset
    crf: float
    num_threads: int


class VideoEncoder:
    """Encodes NV12 pictures to H.264 in one file; close it to complete the file."""

    def __init__(self, container: OutputContainer, stream: VideoStream) -> None:
        self._container = container
        self._stream = stream
        self._duration_ticks = 0

    def write(self, planes: Tensor, *, pts_ticks: int, duration_ticks: int) -> None:
        """Encode one picture; it may be overwritten when the call returns.

        Args:
            planes: uint8 ``[H * 3 / 2, W]`` on the host.
            pts_ticks: In ``TICKS_PER_SECOND``, greater than that of the picture before.
            duration_ticks: How long it is shown if it is the last.

        Raises:
            OutputError: It could not be written.
        """
        frame = wrap_nv12(planes)
        frame.pts = pts_ticks
        frame.time_base = TICK_SECONDS
        self._duration_ticks = duration_ticks
        self._mux(frame)

    def close(self) -> None:
        """Write what the encoder still holds, and the index.

        Raises:
            OutputError: It could not be written.
        """
        try:
            self._mux(None)
        finally:
            _close_output(self._container)

    def abort(self) -> None:
        """Close the file as it is."""
        with contextlib.suppress(OutputError):
            _close_output(self._container)

    def _mux(self, frame: VideoFrame | None) -> None:
        try:
            for packet in self._stream.encode(frame):
                # Only that of the last one counts, and no frame behind it tells it.
                packet.duration = self._duration_ticks
                self._container.mux_one(packet)
        except FFmpegError as error:
            raise output_error(self._container.name, error) from error


class VideoMuxer:
    """Writes H.264 that something else encoded to one file; close it to complete the file.

    The colours are written into the packets' parameter sets: few encoders can be told all.
    """

    def __init__(
        self, container: OutputContainer, stream: Stream, tagger: BitStreamFilterContext
    ) -> None:
        self._container = container
        self._stream = stream
        self._tagger = tagger

    def write(
        self, data: bytes, *, pts_ticks: int, duration_ticks: int, is_keyframe: bool
    ) -> None:
        """Write one packet.

        Args:
            data: NAL units behind start codes; the first packet has the parameter sets.
            pts_ticks: In ``TICKS_PER_SECOND``, greater than that of the packet before.
            duration_ticks: How long its picture is shown if it is the last.
            is_keyframe: Whether a player can begin here.

        Raises:
            OutputError: It could not be written.
        """
        packet = Packet(data)
        packet.pts = packet.dts = pts_ticks
        packet.time_base = TICK_SECONDS
        packet.duration = duration_ticks
        packet.is_keyframe = is_keyframe
        try:
            for tagged in self._tagger.filter(packet):
                tagged.stream = self._stream
                self._container.mux_one(tagged)
        except FFmpegError as error:
            raise output_error(self._container.name, error) from error

    def close(self) -> None:
        """Write the index.

        Raises:
            OutputError: It could not be written.
        """
        _close_output(self._container)

    def abort(self) -> None:
        """Close the file as it is."""
        with contextlib.suppress(OutputError):
            _close_output(self._container)


def open_encoder(form: OutputForm) -> VideoEncoder:
    """Open a file for H.264 4:2:0 (libx264) with free timestamps, its index in front.

    Raises:
        OutputError: It cannot be opened for writing.
    """
    try:
        container = _open_output(form)
        stream = _add_h264(container, form)
        stream.options = {"preset": form.preset, "crf": str(form.crf)}
        container.start_encoding()
    except FFmpegError as error:
        raise output_error(form.path, error) from error
    return VideoEncoder(container, stream)


def open_muxer(form: OutputForm) -> VideoMuxer:
    """Open a file for H.264 that something else encodes, its index in front.

    Raises:
        OutputError: It cannot be opened for writing.
    """
    height, width = form.size_hw
    matrix, primaries, transfer = _TAGS[form.color.matrix]
    try:
        container = _open_output(form)
        stream = container.add_mux_stream("h264", width=width, height=height)
        stream.time_base = TICK_SECONDS
        tagger = BitStreamFilterContext(
            f"h264_metadata=matrix_coefficients={matrix}:colour_primaries={primaries}"
            f":transfer_characteristics={transfer}"
            f":video_full_range_flag={int(form.color.is_full_range)}",
            stream,
        )
    except FFmpegError as error:
        raise output_error(form.path, error) from error
    return VideoMuxer(container, stream, tagger)


def _open_output(form: OutputForm) -> OutputContainer:
    has_index = form.container_format in ("mp4", "mov")
    return av.open(
        f"file:{form.path}",
        "w",
        format=form.container_format,
        options={"movflags": "+faststart"} if has_index else {},
    )


def _close_output(container: OutputContainer) -> None:
    try:
        container.close()
    except FFmpegError as error:
        raise output_error(container.name, error) from error


def _add_h264(container: OutputContainer, form: OutputForm) -> VideoStream:
    stream = container.add_stream("libx264", rate=25)
    stream.time_base = TICK_SECONDS
    set_h264(stream.codec_context, form)
    return stream


def set_h264(context: VideoCodecContext, form: OutputForm) -> None:
    """Tell an encoder the form of its pictures."""
    context.height, context.width = form.size_hw
    context.pix_fmt = "nv12"
    context.time_base = TICK_SECONDS
    context.thread_count = form.num_threads
    # An mp4 counts its length in decoding time, which B-frames shift against the time shown:
    # with a variable rate the last frames would lie beyond the end.
    context.max_b_frames = 0
    context.colorspace, context.color_primaries, context.color_trc = _TAGS[form.color.matrix]
    context.color_range = ColorRange.JPEG if form.color.is_full_range else ColorRange.MPEG


def wrap_nv12(planes: Tensor) -> VideoFrame:
    """Return a picture as FFmpeg's; libx264 copies it before it returns.

    Args:
        planes: uint8 ``[H * 3 / 2, W]`` on the host, H and W even.
    """
    array = planes.contiguous().numpy()
    if array.shape[0] % 6:
        # PyAV 18 takes H for a multiple of four, and chroma from where luma still is.
        return VideoFrame.from_ndarray(array, "nv12")  # a copy
    return VideoFrame.from_numpy_buffer(array, "nv12")


def output_error(path: str, error: FFmpegError) -> OutputError:
    """Return what to raise where FFmpeg could not write ``path``."""
    return OutputError(
        f"{shown_source(path)}: cannot be written: {error.strerror}",
        help="check the folder's free space and its rights",
    )
