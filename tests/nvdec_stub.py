"""A stand-in for PyNvVideoCodec 2.2.4 that decodes on the CPU, and for the GPU's stream.

It has the library's names, its rules of lifetime and its ways to fail, as they were seen with
the library's own binary: frames are views of a pool that the next call overwrites and that is
poisoned with its decoder; pictures of another size are scaled to the first one without a
word; damage is only printed. What is not called by the package is not here.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import av
import numpy as np
import torch
from av.error import FFmpegError
from av.packet import Packet
from numpy.typing import NDArray

from videoflow.video.nvdec import Nvdec

POISON = 0xAB
NO_PTS = -(2**63)

cudaVideoCodec = Enum(
    "cudaVideoCodec", ["MPEG1", "MPEG2", "MPEG4", "VC1", "H264", "HEVC", "VP8", "VP9", "AV1"]
)
cudaVideoChromaFormat = Enum("cudaVideoChromaFormat", ["Monochrome", "420", "422", "444"])
Pixel_Format = Enum(
    "Pixel_Format", ["NV12", "YUV444", "P016", "YUV444_16Bit", "NV16", "P216", "RGB", "RGBP"]
)
OutputColorType = Enum("OutputColorType", ["NATIVE", "RGB", "RGBP"])

_DECODERS = {
    "MPEG1": "mpeg1video",
    "MPEG2": "mpeg2video",
    "MPEG4": "mpeg4",
    "H264": "h264",
    "HEVC": "hevc",
    "VP8": "vp8",
    "VP9": "vp9",
    "AV1": "libdav1d",
}


class PyNvVCException(Exception):
    """What the library raises; no RuntimeError."""

    @classmethod
    def of(cls, function: str, code: int, text: str) -> PyNvVCException:
        """Return one with the library's own lines; the first one names the function alone."""
        lines = (f"{function} : ", f"Error code : {code}", f"Error Type : {text}", "at x.cpp:1")
        return cls("\n".join(lines) + "\n")


def no_session(function: str, code: int) -> PyNvVCException:
    """Return what the library raises where the driver opens no session of an encoder."""
    call = "m_nvenc.nvEncOpenEncodeSessionEx(&encodeSessionExParams, &hEncoder)"
    return PyNvVCException.of(function, code, f"{call} returned error {code}")


class PyNvVCExceptionUnsupported(Exception):
    """What the library raises for what the GPU cannot do."""


@dataclass
class PacketData:
    """The bytes of a packet, by address; no bytes flush the decoder."""

    bsl: int = 0
    bsl_data: int = 0
    pts: int = 0
    dts: int = 0
    decode_flag: int = 0


class DecodedFrame:
    """A view of a pooled buffer; ``dtype`` says 8 bits also where there are 16."""

    dtype = "|u1"

    def __init__(self, buffer: torch.Tensor, pixel_format: Enum, pts: int) -> None:
        self.shape = tuple(buffer.shape)
        self.format = pixel_format
        self.timestamp = pts
        self._buffer = buffer

    def getPTS(self) -> int:
        return self.timestamp

    def __dlpack__(self, **options: Any) -> Any:
        return self._buffer.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._buffer.__dlpack_device__()


class PyNvDecoder:
    """One session: decodes with PyAV into its pool, for one thread alone."""

    def __init__(self, library: FakeLibrary, codec: str, max_size_hw: tuple[int, int]) -> None:
        self._library = library
        context = av.CodecContext.create(_DECODERS[codec], "r")
        assert isinstance(context, av.VideoCodecContext)
        self._context = context
        self._max_size_hw = max_size_hw
        self._target_hw: tuple[int, int] | None = None
        self._wanted_hw: tuple[int, int] | None = None
        self._kind: tuple[str, int] | None = None
        self._pool: list[torch.Tensor] = []
        self._num_calls = 0
        self._thread: int | None = None

    def setReconfigParams(self, width: int, height: int) -> None:
        self._library.events.append("resize")
        if self._library.refuses_resizing:
            raise PyNvVCException("cuvidReconfigureDecoder returned error 801")
        if self._library.obeys_resizing:
            self._wanted_hw = height, width

    def Decode(self, packet: PacketData) -> list[DecodedFrame]:
        self._library.events.append("decode" if packet.bsl else "flush")
        self._thread = self._thread or threading.get_ident()
        assert self._thread == threading.get_ident(), "a session in two threads"
        self._poison()
        self._num_calls += 1
        self._library.num_packets += bool(packet.bsl)
        if packet.bsl and self._library.num_packets in self._library.parser_errors:
            raise self._library.parser_exception("cuvidParseVideoData(...) returned error 1")
        frames = self._decode(packet)
        self._pool = [self._surface(frame) for frame in frames]
        return [
            DecodedFrame(
                surface,
                Pixel_Format[_format_of(frame)],
                NO_PTS if frame.pts is None else frame.pts,
            )
            for surface, frame in zip(self._pool, frames, strict=True)
        ]

    def _decode(self, packet: PacketData) -> list[av.VideoFrame]:
        data = None
        if packet.bsl:
            data = Packet(ctypes.string_at(packet.bsl_data, packet.bsl))
            data.pts = None if packet.pts == NO_PTS else packet.pts
        try:
            frames = self._context.decode(data)
        except FFmpegError:
            print(f"Decode Error occurred for picture {self._num_calls}")
            return []
        if data is None:
            self._context.flush_buffers()
        if any(frame.is_corrupt for frame in frames):  # and they are returned as if good
            print(f"Decode Error occurred for picture {self._num_calls}")
        return [frame for frame in frames if isinstance(frame, av.VideoFrame)]

    def _surface(self, frame: av.VideoFrame) -> torch.Tensor:
        kind = _format_of(frame), frame.format.components[0].bits
        if self._kind is not None and self._kind[1] != kind[1]:
            raise PyNvVCException("Reconfigure Not supported for bit depth change")
        if self._kind is not None and self._kind[0] != kind[0]:
            raise PyNvVCException("Reconfigure Not supported for chroma format change")
        size_hw = frame.height, frame.width
        most = max(self._max_size_hw, (0, 0))
        if self._target_hw is None:
            self._target_hw = size_hw
            if most == (0, 0):
                self._max_size_hw = most = size_hw
        if size_hw[0] > most[0] or size_hw[1] > most[1]:
            raise PyNvVCException(
                "Reconfigure Not supported when width/height > maxwidth/maxheight: 801"
            )
        if self._wanted_hw is not None:
            self._target_hw, self._wanted_hw = self._wanted_hw, None
        if size_hw != self._target_hw:  # without a word
            frame = frame.reformat(width=self._target_hw[1], height=self._target_hw[0])
        self._kind = kind
        return torch.from_numpy(pack(frame))

    def _poison(self) -> None:
        for buffer in self._pool:
            buffer.view(torch.uint8).fill_(POISON)
        self._pool = []

    def __del__(self) -> None:
        self._poison()


@dataclass
class FakeLibrary:
    """The module, with switches for what may go wrong.

    Attributes:
        events: What was called, in order; a fake stream adds to it.
        num_gpus: Others are out of range.
        has_nvcuvid: Without it, nothing decodes.
        unsupported: Codecs that the GPU does not know.
        parser_errors: Numbers of packets, from 1, at which the parser fails.
        parser_exception: What it raises then.
        obeys_resizing: Whether ``setReconfigParams`` does what it says.
        refuses_resizing: Whether ``setReconfigParams`` raises.
        max_size_hw: Of a picture.
        num_encoders: Of the GPU.
    """

    events: list[str] = field(default_factory=list)
    num_gpus: int = 1
    has_nvcuvid: bool = True
    unsupported: tuple[str, ...] = ()
    parser_errors: frozenset[int] = frozenset()
    parser_exception: type[Exception] = PyNvVCException
    obeys_resizing: bool = True
    refuses_resizing: bool = False
    max_size_hw: tuple[int, int] = (4096, 4096)
    num_encoders: int = 0
    num_packets: int = 0
    num_questions: int = 0
    created: list[dict[str, Any]] = field(default_factory=list)

    cudaVideoCodec = cudaVideoCodec
    cudaVideoChromaFormat = cudaVideoChromaFormat
    OutputColorType = OutputColorType
    PacketData = PacketData
    PyNvVCException = PyNvVCException
    PyNvVCExceptionUnsupported = PyNvVCExceptionUnsupported

    def GetDecoderCaps(
        self, *, gpuid: int, codec: Enum, chromaformat: Enum, bitdepth: int
    ) -> dict[str, int]:
        self.num_questions += 1
        if not self.has_nvcuvid:
            raise RuntimeError("Failed to open dynamic library: cuvid: libnvcuvid.so.1")
        return {
            "supported": int(codec.name not in self.unsupported and bitdepth <= 12),
            "num_decoder_engines": 7,
            "width_min": 16,
            "height_min": 16,
            "width_max": self.max_size_hw[1],
            "height_max": self.max_size_hw[0],
            "mb_num_max": 65536,
            "codec_id": codec.value,
            "chromaformat_id": chromaformat.value,
            "bitdepth": bitdepth,
        }

    def GetEncoderCaps(self, *, gpuid: int, codec: str) -> dict[str, int]:
        if not self.num_encoders:
            raise no_session("PyNvEncoderCaps", 2)
        return {"num_encoder_engines": self.num_encoders}

    def CreateDecoder(self, *, gpuid: int, codec: Enum, **options: Any) -> PyNvDecoder:
        self.events.append("create")
        self.created.append({"gpuid": gpuid, "codec": codec.name} | options)
        if not self.has_nvcuvid:
            raise PyNvVCException("HandleVideoSequence : error 999")
        if gpuid >= self.num_gpus:
            raise PyNvVCException.of("ValidateGpuId", 801, "GPU ordinal out of range.")
        return PyNvDecoder(self, codec.name, (options["maxheight"], options["maxwidth"]))

    @property
    def nvdec(self) -> Nvdec:
        """The library as the package's door returns it."""
        return Nvdec(self, "package")


class FakeStream:
    """A stream that writes down what is queued on it, and does it at once.

    Args:
        events: Where to.
    """

    handle = 7

    def __init__(self, events: list[str]) -> None:
        self._events = events

    @contextmanager
    def turn(self) -> Iterator[None]:
        self._events.append("turn")
        yield
        self._events.append("end of turn")

    def tensor(self, memory: Any) -> torch.Tensor:
        self._events.append("copy")
        return torch.utils.dlpack.from_dlpack(memory)


class FakeUpload:
    """A GPU whose memory is host memory; ``is_busy`` tells whether copies are under way."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def is_remote(self, out: torch.Tensor) -> bool:
        return True

    def host_buffer(self, shape: tuple[int, ...]) -> torch.Tensor:
        self.events.append("buffer")
        return torch.empty(shape, dtype=torch.uint8)

    def upload(self, out: torch.Tensor, host: torch.Tensor) -> Callable[[], None]:
        number = self.events.count("upload")
        self.events.append("upload")
        out.copy_(host)
        return lambda: self.events.append(f"wait {number}")


def pack(frame: av.VideoFrame) -> NDArray[Any]:
    """Return a picture as NVDEC lays it out: an even width, no last odd row of chroma."""
    bits = frame.format.components[0].bits
    dtype = np.dtype(np.uint8 if bits == 8 else np.uint16)
    shift = 0 if bits == 8 else 16 - bits
    planes = []
    for plane, component in zip(frame.planes, frame.format.components, strict=True):
        rows = np.frombuffer(memoryview(plane), dtype).reshape(
            -1, plane.line_size // dtype.itemsize
        )
        planes.append((rows[: component.height, : component.width] << shift).astype(dtype))
    luma, cb, cr = planes
    odd = luma.shape[1] % 2
    if cb.shape == luma.shape:
        return np.concatenate([np.pad(p, ((0, 0), (0, odd)), "edge") for p in planes])
    luma = np.pad(luma, ((0, 0), (0, odd)), "edge")
    chroma = np.stack([cb, cr], axis=-1).reshape(cb.shape[0], -1)
    half = luma.shape[0] // (2 if cb.shape[0] < luma.shape[0] else 1)
    return np.concatenate([luma, chroma[:half]])


def _format_of(frame: av.VideoFrame) -> str:
    luma, cb = frame.format.components[:2]
    is_deep = luma.bits > 8
    if cb.width == luma.width:
        return "YUV444_16Bit" if is_deep else "YUV444"
    if cb.height == luma.height:
        return "P216" if is_deep else "NV16"
    return "P016" if is_deep else "NV12"
