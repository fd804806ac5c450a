"""A stand-in for NVENC through PyNvVideoCodec 2.2.4 that encodes on the CPU.

It has the library's names, kinds of errors and checks of its input, as the library's own binary
showed them above the simulated driver (`tests/simulated_gpu`): a packet comes with the third
picture after its own, and bears the number of its picture, whatever time that was given.

What the hardware does beside the CPU is done late here: a picture is read not when ``Encode``
is called, but when somebody waits for the stream that the encoder works on, so that memory
which is written too early shows in the film.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np
import torch
from av.codec.context import Flags
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext

from tests.nvdec_stub import FakeLibrary, PyNvVCException, no_session
from videoflow.video.capabilities import VideoCapabilities

P_PICTURE, IDR_PICTURE = 0, 3  # NV_ENC_PIC_TYPE


class PyNvEncoder:
    """One session: libx264 behind the library's calls."""

    def __init__(self, library: FakeNvenc, size_hw: tuple[int, int], bf: int, qp: int) -> None:
        self._library = library
        self._size_hw = size_hw
        self._context = _open_x264(size_hw, bf, qp)
        self._parameter_sets = bytes(self._context.extradata or b"")
        self._done: list[dict[str, Any]] = []
        self._num_pictures = 0
        library.num_sessions += 1

    def GetSequenceParams(self) -> bytes:
        return self._parameter_sets

    def Encode(self, frame: Any) -> list[dict[str, Any]]:
        self._library.events.append("encode")
        number = self._num_pictures
        self._num_pictures += 1
        if self._num_pictures in self._library.encode_errors:
            call = "m_nvenc.nvEncLockBitstream(m_hEncoder, &lockBitstreamData)"
            raise PyNvVCException.of("GetEncodedPacket", 8, f"{call} returned error 8")
        address = self._address_of(frame.cuda())
        self._library.queued.append(lambda: self._read(frame, address, number))
        return self._take(leave=self._library.encoder_delay)

    def EndEncode(self) -> list[dict[str, Any]]:
        self._library.events.append("end encode")
        self._library.run_queued()
        self._keep(self._context.encode(None))
        return self._take(leave=0)

    def _address_of(self, views: list[Any]) -> int:
        luma, chroma = (view.__cuda_array_interface__ for view in views)
        height, width = self._size_hw
        for view in (luma, chroma):
            if view.get("stream", 1) == 0:
                raise ValueError("__cuda_array_interface__ protocol: stream must not be 0")
            if view["typestr"] != "|u1":
                raise ValueError("Could not encode CUDA array! Invalid typstr")
        for view, wanted in (
            (luma, (height, width, 1)),
            (chroma, (height // 2, width // 2, 2)),
        ):
            if view["shape"] != wanted:
                shape = list(view["shape"])
                raise RuntimeError(f"Invalid shape: {shape}, expected: {list(wanted)}")
        if luma["strides"] != (width, 1, 1) or chroma["strides"] != (width, 2, 1):
            raise ValueError("Invalid strides")
        address: int = luma["data"][0]
        if chroma["data"][0] != address + height * width:
            raise ValueError("Unsupported surface allocation. uv plane must follow yplane.")
        return address

    def _read(self, _frame: Any, address: int, number: int) -> None:
        self._library.events.append("read")
        height, width = self._size_hw
        data = ctypes.string_at(address, height * width * 3 // 2)
        planes = np.frombuffer(data, np.uint8).reshape(height * 3 // 2, width)
        picture = av.VideoFrame.from_ndarray(planes, format="nv12")
        picture.pts, picture.time_base = number, Fraction(1, 30)
        self._keep(self._context.encode(picture))

    def _keep(self, packets: list[Packet[Any]]) -> None:
        for packet in packets:
            headers = self._parameter_sets if packet.is_keyframe else b""
            data = headers + bytes(packet)
            kind = IDR_PICTURE if packet.is_keyframe else P_PICTURE
            self._done.append({"data": data, "timestamp": packet.pts, "picture_type": kind})

    def _take(self, *, leave: int) -> list[dict[str, Any]]:
        count = max(0, len(self._done) - leave)
        taken, self._done = self._done[:count], self._done[count:]
        return taken

    def __del__(self) -> None:
        self._library.num_sessions -= 1


@dataclass
class FakeNvenc(FakeLibrary):
    """The module with its encoder, and switches for what may go wrong there.

    Attributes:
        max_sessions: That the driver gives at once.
        min_encoded_hw: Of a picture.
        encode_errors: Numbers of pictures, from 1, at which a session fails.
        encoder_delay: How many packets that are done are held back.
        num_b_frames: Of every session, whatever it is asked; None obeys.
        num_sessions: That live.
        queued: What the GPU has not done yet.
    """

    num_encoders: int = 1
    max_sessions: int = 8
    min_encoded_hw: tuple[int, int] = (2, 2)
    encode_errors: frozenset[int] = frozenset()
    encoder_delay: int = 2  # a picture is read when its call is over
    num_b_frames: int | None = None
    num_sessions: int = 0
    queued: list[Callable[[], None]] = field(default_factory=list)

    def GetEncoderCaps(self, *, gpuid: int, codec: str) -> dict[str, int]:
        if self.num_encoders and self.num_sessions >= self.max_sessions:
            raise no_session("PyNvEncoderCaps", 10)
        return super().GetEncoderCaps(gpuid=gpuid, codec=codec)

    def CreateEncoder(
        self, width: int, height: int, fmt: str, usecpuinputbuffer: bool, **options: Any
    ) -> PyNvEncoder:
        self.events.append("create encoder")
        self.created.append(options | {"size": (width, height), "fmt": fmt})
        assert fmt == "NV12"
        assert not usecpuinputbuffer
        if not self.num_encoders:
            raise no_session("PyNvEncoderCaps", 2)
        if options["gpu_id"] >= self.num_gpus:
            raise PyNvVCException.of("ValidateGpuId", 801, "GPU ordinal out of range.")
        if self.num_sessions >= self.max_sessions:
            raise no_session("PyNvEncoderCaps", 10)
        if height < self.min_encoded_hw[0] or width < self.min_encoded_hw[1]:
            call = "m_nvenc.nvEncInitializeEncoder(m_hEncoder, &m_initializeParams)"
            raise PyNvVCException.of("CreateEncoder", 8, f"{call} returned error 8")
        bf = int(options["bf"]) if self.num_b_frames is None else self.num_b_frames
        return PyNvEncoder(self, (height, width), bf, int(options["constqp"]))

    def run_queued(self) -> None:
        """Do what the GPU was asked to do."""
        queued, self.queued = self.queued, []
        for work in queued:
            work()

    def probe(self) -> VideoCapabilities:
        """Return what a machine with this library has."""
        return VideoCapabilities(self.num_gpus, (), self.nvdec, False, True)


class FakeEncoderStream:
    """The encoder's stream, and the caller's current one beside it.

    Args:
        library: Whose encoder works on it.
        is_joined: False makes a stream that does not wait and is not waited for.

    Attributes:
        current: What was queued on the caller's stream and is not done yet.
    """

    handle = 7

    def __init__(self, library: FakeNvenc, *, is_joined: bool = True) -> None:
        self.current: list[Callable[[], object]] = []
        self._library = library
        self._is_joined = is_joined

    @contextmanager
    def turn(self) -> Iterator[None]:
        self._library.events.append("turn")
        if self._is_joined:
            self.run_current()
        yield
        if self._is_joined:
            self._library.run_queued()
        self._library.events.append("end of turn")

    def run_current(self) -> None:
        """Do what was queued on the caller's stream."""
        current, self.current = self.current, []
        for work in current:
            work()


class FakeTransfer:
    """A GPU whose memory is host memory.

    Attributes:
        gpu_index: Where every picture lies, until it is set otherwise.
        events: What was copied.
    """

    def __init__(self, gpu_index: int | None) -> None:
        self.gpu_index = gpu_index
        self.events: list[str] = []

    def gpu_of(self, planes: torch.Tensor) -> int | None:
        return self.gpu_index

    def host_buffer(self, shape: tuple[int, ...]) -> torch.Tensor:
        self.events.append("buffer")
        return torch.empty(shape, dtype=torch.uint8)

    def download(self, host: torch.Tensor, planes: torch.Tensor) -> None:
        self.events.append("download")
        host.copy_(planes)

    def upload(self, planes: torch.Tensor, gpu_index: int) -> torch.Tensor:
        self.events.append(f"upload to {gpu_index}")
        return planes.clone()


def _open_x264(size_hw: tuple[int, int], bf: int, qp: int) -> VideoCodecContext:
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, VideoCodecContext)
    context.height, context.width = size_hw
    context.pix_fmt = "nv12"
    context.time_base = Fraction(1, 30)
    context.framerate = Fraction(30)
    context.max_b_frames = bf
    context.thread_count = 1
    context.options = {"preset": "veryfast", "qp": str(qp), "rc-lookahead": "0"}
    context.flags |= Flags.global_header
    context.open()
    return context
