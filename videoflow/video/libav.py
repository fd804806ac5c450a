"""The door to FFmpeg's libraries: demux, decode, encode and mux. No other file imports PyAV.

Knows containers, codecs and their threads. Does not know nodes, flows or file policy (what
is overwritten, what a playlist is). It is long because a foreign library has one door.

PyAV's wheel brings FFmpeg along, and with it libx264, which is licensed under the GPL: that
matters to who redistributes the wheel, not to who installs it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any, Final, Literal, Self, cast

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.codec.hwaccel import HWAccel, hwdevices_available
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray
from torch import Tensor

from videoflow.data.color import choose_color
from videoflow.data.color_spec import ColorSpec, Matrix
from videoflow.errors import OutputError, SourceError
from videoflow.video.cuda_stream import DecodeStream, TorchUpload, Uploader
from videoflow.video.packets import (
    CannotDecodeError,
    CodedPacket,
    HardwareDecoder,
    SequenceForm,
    UndecodableError,
)
from videoflow.video.picture import Picture, PictureForm
from videoflow.video.sequence_header import MAX_HEADER_BYTES, sequence_header
from videoflow.video.surface import Surface

__all__ = [
    "Acceleration",
    "LibavCuda",
    "OutputForm",
    "Preset",
    "VideoDecoder",
    "VideoEncoder",
    "VideoInfo",
    "VideoMuxer",
    "has_cuda",
    "open_encoder",
    "open_muxer",
    "open_video",
    "shown_source",
]

TICKS_PER_SECOND: Final = 90_000  # a multiple of 24, 25, 30, 50 and 60 frames a second
_TICK_SECONDS: Final = Fraction(1, TICKS_PER_SECOND)

Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"]

_PLANAR_420: Final = ("yuv420p", "yuvj420p", "nv12")
_STAYS_ON_GPU: Final = ("yuv420p", "yuvj420p", "yuv420p10le")  # what PyAV hands out from there
# What turns the packets of a container into what a decoder on a GPU reads: start codes, and
# the parameter sets in front of each key frame (and beside it, to be compared).
_BITSTREAM_FILTERS: Final = {
    "h264": "h264_mp4toannexb,extract_extradata",
    "hevc": "hevc_mp4toannexb,extract_extradata",
    "av1": "extract_extradata",
    "mpeg1video": "dump_extra=freq=keyframe,extract_extradata",
    "mpeg2video": "dump_extra=freq=keyframe,extract_extradata",
    "mpeg4": "mpeg4_unpack_bframes,dump_extra=freq=keyframe,extract_extradata",
}
_CHROMA: Final = {  # by what is halved: across, down
    (True, True): "420",
    (True, False): "422",
    (False, True): "440",
    (False, False): "444",
}
# The CUDA context that torch works in.
_PRIMARY_CONTEXT: Final[dict[str, object]] = {"primary_ctx": "1"}
_MAX_FPS: Final = 1000  # above it a container tells its time base, not its rate
# swscale's names for the matrices, and what H.264 calls matrix, primaries and transfer.
# Source: ITU-T H.273, tables 2 to 4.
_SWSCALE_MATRIX: Final[dict[Matrix, int]] = {"bt601": 5, "bt709": 1, "bt2020": 9}
_TAGS: Final[dict[Matrix, tuple[int, int, int]]] = {
    "bt601": (6, 6, 6),
    "bt709": (1, 1, 1),
    "bt2020": (9, 9, 14),
}


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a container and its first packets say about its video.

    Attributes:
        codec: FFmpeg's name of it, such as ``h264``.
        size_hw: Height and width in pixels as the container says them; (0, 0) if it does not.
        fps: Mean frames a second, or None where nobody knows.
        num_frames: As the container counts them, else estimated from the duration, or None.
        duration_seconds: Of the video, or None.
        pixel_format: FFmpeg's name of how samples lie, such as ``yuv420p``, or None.
    """

    codec: str
    size_hw: tuple[int, int]
    fps: float | None
    num_frames: int | None
    duration_seconds: float | None
    pixel_format: str | None = None

    @property
    def frame_bytes(self) -> int | None:
        """How large a frame is, as NV12 or as RGB; None where nobody knows before."""
        height, width = self.size_hw
        if not height or not width:
            return None
        is_nv12 = self.pixel_format in _PLANAR_420 and not (height % 2 or width % 2)
        return height * width * 3 // 2 if is_nv12 else height * width * 3


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


class VideoDecoder:
    """Decodes the video of one source, picture by picture; close it, or use ``with``.

    What is damaged does not end it: what decodes is delivered, the rest is counted. A
    decoder on a GPU that cannot go on is replaced by FFmpeg's on the CPU, and a remark.

    Args:
        container: The source.
        stream: Its video.
        source: How it is called in messages.
        as_rgb: Deliver RGB also where NV12 would do.
        acceleration: What a GPU does of the work.

    Attributes:
        info: What the container says.
        num_pictures: Delivered so far.
        num_undecodable: Packets of which nothing could be made, so far.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        *,
        source: str,
        as_rgb: bool,
        acceleration: Acceleration | None = None,
    ) -> None:
        self.info = _info(container, stream)
        self.num_pictures = 0
        self._source = source
        self._container = container
        self._stream = stream
        self._as_rgb = as_rgb
        self._acceleration = acceleration or Acceleration()
        self._uploader = self._acceleration.uploader or Uploader(TorchUpload())
        self._reformatter = VideoReformatter()
        self._hardware = self._acceleration.hardware
        self._coded = _CodedStream(stream, self._form) if self._hardware else None
        self._waits_for_keyframe = False
        self._num_announced: int = stream.frames
        self._num_packets = 0
        self.num_undecodable = 0
        self._num_damaged = 0
        self._demux_error = ""
        self._pictures = self._decode()

    def read(self) -> Picture | None:
        """Return the next picture, or None at the end; the one before is gone then.

        Blocks while the source has nothing, without the interpreter's lock.
        """
        return next(self._pictures, None)

    def describe_loss(self) -> str | None:
        """Return what of the source could not be read so far, or None if nothing was lost."""
        losses = []
        if self.num_undecodable:
            losses.append(f"{self.num_undecodable} packets could not be decoded")
        if self._num_damaged:
            losses.append(f"{self._num_damaged} pictures are damaged")
        if self._num_packets < self._num_announced:
            losses.append(
                f"only {self._num_packets} of {self._num_announced} announced frames are there"
            )
        if self._demux_error:
            losses.append(f"reading stopped with {self._demux_error!r}")
        return f"{self._source}: {', '.join(losses)}" if losses else None

    @property
    def demux_error(self) -> str:
        """What ended the reading before the source's own end, or nothing."""
        return self._demux_error

    def close(self) -> None:
        """Let go of the source and the decoder."""
        self._pictures.close()
        if self._hardware is not None:
            self._hardware.close()
            self._hardware = None
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _decode(self) -> Generator[Picture, None, None]:
        for packet in self._demux():
            try:
                for picture in self._pictures_of(packet):
                    self.num_pictures += 1
                    yield picture
            except (FFmpegError, UndecodableError):
                self.num_undecodable += 1

    def _demux(self) -> Iterator[Packet[VideoStream]]:
        try:
            for packet in self._container.demux(self._stream):
                self._num_packets += packet.size > 0
                yield packet
        except FFmpegError as error:
            self._demux_error = str(error.strerror)
            yield self._end_of_stream()

    def _end_of_stream(self) -> Packet[VideoStream]:
        packet = cast("Packet[VideoStream]", Packet())
        packet.stream = self._stream
        return packet

    def _pictures_of(self, packet: Packet[VideoStream]) -> Iterable[Picture]:
        if self._hardware is not None and self._coded is not None:
            try:
                yield from self._decode_on_hardware(packet, self._hardware, self._coded)
            except CannotDecodeError as error:
                self._leave_hardware(error)
            else:
                return
        if self._waits_for_keyframe and packet.size:
            if not packet.is_keyframe:
                self.num_undecodable += 1
                return
            self._waits_for_keyframe = False
        for frame in packet.decode():
            self._num_damaged += frame.is_corrupt
            yield self._picture(frame)

    def _decode_on_hardware(
        self, packet: Packet[VideoStream], hardware: HardwareDecoder, coded: _CodedStream
    ) -> Iterator[Picture]:
        for part in coded.unwrap(packet):
            yield from hardware.decode(part)
        if not packet.size:
            yield from hardware.flush()

    def _leave_hardware(self, error: CannotDecodeError) -> None:
        assert self._hardware is not None
        self._hardware.close()
        self._hardware = None
        self._waits_for_keyframe = True
        self._acceleration.report(
            f"{self._source}: decoded on the CPU: {error.reason}\n  help: {error.help}"
        )

    def _form(self, frame: VideoFrame) -> PictureForm:
        color = choose_color(
            frame.colorspace,
            is_full_range=frame.color_range == ColorRange.JPEG
            or frame.format.name.startswith("yuvj"),
            num_lines=frame.height,
        )
        is_nv12 = not self._as_rgb and _is_nv12(frame)
        return PictureForm(
            (frame.height, frame.width),
            "nv12" if is_nv12 else "rgb",
            color,
            quarter_turns=round(frame.rotation / 90) % 4,
        )

    def _picture(self, frame: VideoFrame) -> Picture:
        form, pts_seconds = self._form(frame), frame.time
        cuda = self._acceleration.cuda
        if cuda is not None and frame.format.name == "cuda":
            return Picture(_CudaPixels(frame, cuda), form, pts_seconds=pts_seconds)
        if form.layout == "rgb":
            frame = self._rgb24(frame, form.color)
        return Picture(_HostPixels(frame, self._uploader), form, pts_seconds=pts_seconds)

    def _rgb24(self, frame: VideoFrame, color: ColorSpec) -> VideoFrame:
        is_rgb = frame.format.is_rgb
        return self._reformatter.reformat(
            _with_whole_chroma(frame),
            format="rgb24",
            interpolation=Interpolation.POINT,  # as data.color does: no chroma in between
            src_colorspace=None if is_rgb else _SWSCALE_MATRIX[color.matrix],
            src_color_range=ColorRange.JPEG
            if is_rgb or color.is_full_range
            else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            threads=self._stream.codec_context.thread_count,
        )


def open_video(  # noqa: PLR0913 - what a source is told once
    source: str,
    *,
    num_threads: int,
    as_rgb: bool = False,
    timeout_seconds: float | None = None,
    container_format: str | None = None,
    options: dict[str, str] | None = None,
    acceleration: Acceleration | None = None,
) -> VideoDecoder:
    """Open the best video stream of a file or URL.

    Args:
        source: A URL, or ``file:`` and a path.
        num_threads: Threads of the decoder.
        as_rgb: Deliver RGB also where NV12 would do.
        timeout_seconds: How long opening, and each read, may block; None for ever.
        container_format: FFmpeg's name of it where it cannot be told from the bytes.
        options: FFmpeg's options for the container's reader, such as ``rtsp_transport``.
        acceleration: What a GPU does of the work.

    Raises:
        SourceError: It cannot be opened, or there is no video in it.
    """
    open_container = partial(
        _open_container,
        source,
        format=container_format,
        options=options or {},
        timeout=timeout_seconds,
        metadata_errors="replace",
    )
    container = open_container()
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream) or not _is_video(container, stream):
        kinds = sorted({each.type for each in container.streams if each is not stream})
        container.close()
        what = " and ".join(kinds) or "no moving picture"
        raise SourceError(
            f"{shown_source(source)}: got {what}, want a video",
            help="check that this is the right file",
        )
    cuda = acceleration.cuda if acceleration else None
    if cuda and stream.codec_context.pix_fmt in _STAYS_ON_GPU:
        index = stream.index
        container.close()
        container = open_container(hwaccel=_hwaccel(cuda))
        stream = cast(VideoStream, container.streams[index])
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = num_threads
    return VideoDecoder(
        container, stream, source=shown_source(source), as_rgb=as_rgb, acceleration=acceleration
    )


def has_cuda() -> bool:
    """Return whether this build of FFmpeg decodes with NVIDIA's GPUs, where there is one."""
    return "cuda" in hwdevices_available()


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
        # The planes are wrapped, not copied: libx264 copies them before it returns.
        frame = VideoFrame.from_numpy_buffer(planes.contiguous().numpy(), "nv12")
        frame.pts = pts_ticks
        frame.time_base = _TICK_SECONDS
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
            raise _output_error(self._container.name, error) from error


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
        packet.time_base = _TICK_SECONDS
        packet.duration = duration_ticks
        packet.is_keyframe = is_keyframe
        try:
            for tagged in self._tagger.filter(packet):
                tagged.stream = self._stream
                self._container.mux_one(tagged)
        except FFmpegError as error:
            raise _output_error(self._container.name, error) from error

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
        raise _output_error(form.path, error) from error
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
        stream.time_base = _TICK_SECONDS
        tagger = BitStreamFilterContext(
            f"h264_metadata=matrix_coefficients={matrix}:colour_primaries={primaries}"
            f":transfer_characteristics={transfer}"
            f":video_full_range_flag={int(form.color.is_full_range)}",
            stream,
        )
    except FFmpegError as error:
        raise _output_error(form.path, error) from error
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
        raise _output_error(container.name, error) from error


def _add_h264(container: OutputContainer, form: OutputForm) -> VideoStream:
    stream = container.add_stream("libx264", rate=25)
    stream.height, stream.width = form.size_hw
    stream.pix_fmt = "nv12"
    stream.time_base = _TICK_SECONDS
    context = stream.codec_context
    context.time_base = _TICK_SECONDS
    context.thread_count = form.num_threads
    # An mp4 counts its length in decoding time, which B-frames shift against the time shown:
    # with a variable rate the last frames would lie beyond the end.
    context.max_b_frames = 0
    context.colorspace, context.color_primaries, context.color_trc = _TAGS[form.color.matrix]
    context.color_range = ColorRange.JPEG if form.color.is_full_range else ColorRange.MPEG
    return stream


def _is_video(container: InputContainer, stream: VideoStream) -> bool:
    is_text = container.format.name == "tty"  # FFmpeg plays any text as a typewriter
    is_cover = bool(stream.disposition & Disposition.attached_pic)  # of an album
    return not is_text and not is_cover


def _open_container(source: str, **how: Any) -> InputContainer:
    try:
        return cast(InputContainer, av.open(source, **how))
    except FFmpegError as error:
        raise SourceError(
            f"{shown_source(source)}: cannot be opened: {error.strerror}",
            help="give a video; one whose recording was cut off may lack its index",
        ) from error


def _hwaccel(cuda: LibavCuda) -> HWAccel:
    """Return what keeps pictures on the GPU; what the GPU cannot decode, the CPU does."""
    return HWAccel(
        "cuda",
        device=str(cuda.gpu_index),
        allow_software_fallback=True,
        options=_PRIMARY_CONTEXT,
        is_hw_owned=True,
    )


class _HostPixels:
    """A picture in host memory."""

    def __init__(self, frame: VideoFrame, uploader: Uploader) -> None:
        self._frame = frame
        self._uploader = uploader

    def copy_to(self, out: Tensor, form: PictureForm) -> None:
        self._uploader.fill(out, lambda host: self._write(host.numpy(), form))

    def _write(self, out: NDArray[np.uint8], form: PictureForm) -> None:
        if form.layout == "nv12":
            _copy_nv12(self._frame, out, quarter_turns=form.quarter_turns)
            return
        height, width = form.coded_size_hw
        pixels = _rows(self._frame, 0, row_bytes=width * 3)[:height].reshape(height, width, 3)
        np.copyto(out, np.rot90(pixels, form.quarter_turns))


class _CudaPixels:
    """A picture that FFmpeg left on the GPU."""

    def __init__(self, frame: VideoFrame, cuda: LibavCuda) -> None:
        self._frame = frame
        self._stream = cuda.stream

    def copy_to(self, out: Tensor, form: PictureForm) -> None:
        with self._stream.turn():
            # as capsules: PyAV hands its planes out for no stream but the default one
            luma, chroma = (self._stream.tensor(p.__dlpack__()) for p in self._frame.planes)
            Surface(luma, chroma).copy_to(out, form)


class _CodedStream:
    """Makes of a container's packets what a decoder on a GPU reads."""

    def __init__(
        self, stream: VideoStream, form_of: Callable[[VideoFrame], PictureForm]
    ) -> None:
        self._stream = stream
        self._form_of = form_of
        self._codec = stream.codec_context.codec.canonical_name
        self._filter = BitStreamFilterContext(
            _BITSTREAM_FILTERS.get(self._codec, "null"), stream
        )

    def unwrap(self, packet: Packet[VideoStream]) -> list[CodedPacket]:
        """Return the parts of a packet; the packet itself stays as it is.

        Raises:
            FFmpegError: It is damaged.
        """
        if not packet.size:
            return []
        parts = self._filter.filter(_copy(packet))
        return [self._coded(part, packet) for part in parts if part.size]

    def _coded(self, part: Packet[Any], packet: Packet[VideoStream]) -> CodedPacket:
        has_sets = part.has_sidedata("new_extradata")
        return CodedPacket(
            codec=self._codec,
            address=part.buffer_ptr,
            num_bytes=part.size,
            pts_ticks=part.pts,
            pts_seconds=None if part.pts is None else float(part.pts * packet.time_base),
            header=sequence_header(
                self._codec,
                packet=bytes(memoryview(part)[:MAX_HEADER_BYTES]),
                extradata=bytes(part.get_sidedata("new_extradata")) if has_sets else None,
            ),
            is_shown=not packet.is_discard,
            look=lambda: self._look(packet),
            owner=part,
        )

    def _look(self, packet: Packet[VideoStream]) -> SequenceForm | None:
        """Decode one packet alone, for what its picture says of itself."""
        context = self._stream.codec_context
        copy = _copy(packet)  # without the mark that its picture is not to be shown
        copy.stream = self._stream
        try:
            frames = [*copy.decode(), *context.decode(None)]
        except FFmpegError:
            return None
        finally:
            context.flush_buffers()
        return self._sequence(frames[0]) if frames else None

    def _sequence(self, frame: VideoFrame) -> SequenceForm:
        luma, *others = frame.format.components
        chroma = "400"
        if len(others) >= 2:
            is_half = others[0].width < luma.width, others[0].height < luma.height
            chroma = "rgb" if frame.format.is_rgb else _CHROMA[is_half]
        return SequenceForm(self._codec, chroma, luma.bits, self._form_of(frame))


def _copy(packet: Packet[VideoStream]) -> Packet[Any]:
    """Return a packet of one's own: a filter empties what it is given."""
    copy = Packet(bytes(packet))
    copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
    copy.is_keyframe = packet.is_keyframe
    if packet.has_sidedata("new_extradata"):
        copy.set_sidedata(packet.get_sidedata("new_extradata"))
    return copy


def _with_whole_chroma(frame: VideoFrame) -> VideoFrame:
    """Return a picture of an even size where chroma is halved: the last row and column twice.

    In a picture of an odd size swscale takes chroma from elsewhere than in an even one.
    """
    luma, *others = frame.format.components
    is_halved = any(o.width < luma.width or o.height < luma.height for o in others)
    if not is_halved or not (frame.width % 2 or frame.height % 2):
        return frame
    even = VideoFrame(
        frame.width + frame.width % 2, frame.height + frame.height % 2, frame.format.name
    )
    num_bytes = 1 if luma.bits == 8 else 2
    for index, plane in enumerate(frame.planes):
        source = _rows(frame, index, row_bytes=plane.width * num_bytes)
        out = _rows(even, index, row_bytes=even.planes[index].width * num_bytes)
        height, row_bytes = source.shape
        out[:height, :row_bytes] = source
        out[:height, row_bytes:] = source[:, row_bytes - num_bytes :][
            :, : out.shape[1] - row_bytes
        ]
        out[height:] = out[height - 1]
    return even


def _is_nv12(frame: VideoFrame) -> bool:
    return (
        (frame.sw_format or frame.format).name in _PLANAR_420
        and frame.width % 2 == 0
        and frame.height % 2 == 0
        and all(plane.line_size > 0 for plane in frame.planes)
    )


def _copy_nv12(frame: VideoFrame, out: NDArray[np.uint8], *, quarter_turns: int) -> None:
    width = frame.width
    height = out.shape[0] * 2 // 3
    np.copyto(out[:height], np.rot90(_rows(frame, 0, row_bytes=width), quarter_turns))
    # A pair (Cb, Cr) is written as one 16-bit number: four times as fast as two strided copies.
    pairs = out[height:].view("<u2")
    if frame.format.name == "nv12":
        chroma = _rows(frame, 1, row_bytes=width).view("<u2")
        np.copyto(pairs, np.rot90(chroma, quarter_turns))
        return
    cb, cr = (np.rot90(_rows(frame, i, row_bytes=width // 2), quarter_turns) for i in (1, 2))
    np.multiply(cr, np.uint16(256), out=pairs)
    np.bitwise_or(pairs, cb, out=pairs)


def _rows(frame: VideoFrame, plane_index: int, *, row_bytes: int) -> NDArray[np.uint8]:
    plane = frame.planes[plane_index]
    array: NDArray[np.uint8] = np.frombuffer(memoryview(plane), np.uint8)
    return array.reshape(-1, plane.line_size)[:, :row_bytes]


def _info(container: InputContainer, stream: VideoStream) -> VideoInfo:
    rate = stream.average_rate or stream.guessed_rate
    fps = float(rate) if rate and 0 < rate <= _MAX_FPS else None
    duration: float | None = None
    if stream.duration and stream.time_base:
        duration = float(stream.duration * stream.time_base)
    elif container.duration:
        duration = container.duration / av.time_base
    estimate = round(duration * fps) if duration and fps else None
    return VideoInfo(
        codec=stream.codec_context.name,
        size_hw=(stream.codec_context.height, stream.codec_context.width),
        fps=fps,
        num_frames=stream.frames or estimate,
        duration_seconds=duration,
        pixel_format=stream.codec_context.pix_fmt,
    )


def shown_source(source: str) -> str:
    """Return a source as messages show it: without FFmpeg's prefix, and without a password."""
    return re.sub(r"(?<=://)[^/@]*@", "", source.removeprefix("file:"))


def _output_error(path: str, error: FFmpegError) -> OutputError:
    return OutputError(
        f"{shown_source(path)}: cannot be written: {error.strerror}",
        help="check the folder's free space and its rights",
    )
