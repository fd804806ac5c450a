"""Demux and decode, on the CPU or with a GPU's help."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from typing import Any, Final, Self, cast

import av
from av.codec.hwaccel import HWAccel, hwdevices_available
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from videoflow.data.color import choose_color
from videoflow.data.color_spec import ColorSpec, Matrix
from videoflow.errors import SourceError
from videoflow.video.av.acceleration import Acceleration, LibavCuda
from videoflow.video.av.coded_stream import CodedStream
from videoflow.video.av.info import shown_source, video_info
from videoflow.video.av.pixels import CudaPixels, HostPixels, fits_nv12, with_whole_chroma
from videoflow.video.cuda_stream import TorchUpload, Uploader
from videoflow.video.packets import (
    CannotDecodeError,
    HardwareDecoder,
    UndecodableError,
)
from videoflow.video.picture import Picture, PictureForm

__all__ = ["VideoDecoder", "has_cuda", "open_video"]

_STAYS_ON_GPU: Final = ("yuv420p", "yuvj420p", "yuv420p10le")  # what PyAV hands out from there


# The CUDA context that torch works in. By the name of the primary one FFmpeg takes it only
# where nobody has begun to use it, so that it is told to take the thread's current one.
_CURRENT_CONTEXT: Final[dict[str, object]] = {"primary_ctx": "0", "current_ctx": "1"}

# Titles and comments in any encoding; from PyAV 19 on that needs no word.
_METADATA: Final = (
    {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
)


# swscale's names for the matrices, and what H.264 calls matrix, primaries and transfer.
# Source: ITU-T H.273, tables 2 to 4.
_SWSCALE_MATRIX: Final[dict[Matrix, int]] = {"bt601": 5, "bt709": 1, "bt2020": 9}


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
        self.info = video_info(container, stream)
        self.num_pictures = 0
        self._source = source
        self._container = container
        self._stream = stream
        self._as_rgb = as_rgb
        self._acceleration = acceleration or Acceleration()
        self._uploader = self._acceleration.uploader or Uploader(TorchUpload())
        self._reformatter = VideoReformatter()
        self._hardware = self._acceleration.hardware
        self._coded = CodedStream(stream, self._form) if self._hardware else None
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
        # It refers to us; the codec's threads would go on until the circle is found.
        self._coded = None
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
        self, packet: Packet[VideoStream], hardware: HardwareDecoder, coded: CodedStream
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
        is_nv12 = not self._as_rgb and fits_nv12(frame)
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
            return Picture(CudaPixels(frame, cuda), form, pts_seconds=pts_seconds)
        if form.layout == "rgb":
            frame = self._rgb24(frame, form.color)
        return Picture(HostPixels(frame, self._uploader), form, pts_seconds=pts_seconds)

    def _rgb24(self, frame: VideoFrame, color: ColorSpec) -> VideoFrame:
        is_rgb = frame.format.is_rgb
        return self._reformatter.reformat(
            with_whole_chroma(frame),
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
        **_METADATA,
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
    if acceleration and acceleration.cuda and stream.codec_context.pix_fmt in _STAYS_ON_GPU:
        index = stream.index
        container.close()
        container = _open_on_gpu(open_container, acceleration, shown_source(source))
        stream = cast(VideoStream, container.streams[index])
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = num_threads
    return VideoDecoder(
        container, stream, source=shown_source(source), as_rgb=as_rgb, acceleration=acceleration
    )


def has_cuda() -> bool:
    """Return whether this build of FFmpeg decodes with NVIDIA's GPUs, where there is one."""
    return "cuda" in hwdevices_available()


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


def _open_on_gpu(
    open_container: Callable[..., InputContainer], acceleration: Acceleration, source: str
) -> InputContainer:
    """Open a source to be decoded on the GPU, or with a remark on the CPU."""
    assert acceleration.cuda is not None
    try:
        with acceleration.cuda.stream.turn():  # makes torch's context the thread's current one
            return open_container(hwaccel=_hwaccel(acceleration.cuda))
    except SourceError as error:
        acceleration.report(
            f"{source}: decoded on the CPU: FFmpeg gave no decoder on the GPU: {error.message}"
            "\n  help: 'videoflow doctor' shows what is there"
        )
        return open_container()


def _hwaccel(cuda: LibavCuda) -> HWAccel:
    """Return what keeps pictures on the GPU; what the GPU cannot decode, the CPU does."""
    return HWAccel(
        "cuda",
        device=str(cuda.gpu_index),
        allow_software_fallback=True,
        options=_CURRENT_CONTEXT,
        is_hw_owned=True,
    )
