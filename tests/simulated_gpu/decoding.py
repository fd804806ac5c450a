"""What the simulated decoder's library asks for: packets in, planes of pictures out, by PyAV.

The library imports this module into the process that decodes; nothing else does.
"""

from __future__ import annotations

import ctypes
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from av.packet import Packet
from numpy.typing import NDArray

_CODECS = {
    0: "mpeg1video",
    1: "mpeg2video",
    2: "mpeg4",
    4: "h264",
    8: "hevc",
    9: "vp8",
    10: "vp9",
    11: "libdav1d",
}
_CHROMA_420, _CHROMA_422, _CHROMA_444 = 1, 2, 3
_END_OF_STREAM, _HAS_TIMESTAMP = 1, 2

_OPEN = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int)
_PARSE = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_longlong
)
_CLOSE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class _Hooks(ctypes.Structure):
    _fields_ = (("open", _OPEN), ("parse", _PARSE), ("close", _CLOSE))


_contexts: dict[int, Any] = {}
_library = ctypes.CDLL("libnvcuvid.so.1")
_give = _library.simulated_picture
_give.argtypes = (
    ctypes.c_void_p,
    *[ctypes.c_int] * 4,
    ctypes.c_longlong,
    ctypes.c_void_p,
)


def _open(parser: int, codec: int) -> None:
    _contexts[parser] = av.CodecContext.create(_CODECS[codec], "r")


def _parse(parser: int, address: int, num_bytes: int, flags: int, timestamp: int) -> None:
    context = _contexts[parser]
    packets: list[Any] = []
    if num_bytes:
        packet: Any = Packet(ctypes.string_at(address, num_bytes))
        packet.pts = timestamp if flags & _HAS_TIMESTAMP else None
        packets.append(packet)
    if flags & _END_OF_STREAM:
        packets.append(None)
    for packet in packets:  # None flushes
        try:
            frames = context.decode(packet)
        except FFmpegError:
            continue  # the hardware conceals what is damaged, and says nothing
        for frame in frames:
            planes, chroma, depth = _planes(frame)
            time = 0 if frame.pts is None else frame.pts
            _give(parser, frame.width, frame.height, chroma, depth, time, planes.ctypes.data)
        if packet is None:
            context.flush_buffers()


def _close(parser: int) -> None:
    del _contexts[parser]


def _planes(frame: av.VideoFrame) -> tuple[NDArray[Any], int, int]:
    """Return luma and chroma one after the other, the sampling and the bits of a sample."""
    luma, cb = frame.format.components[:2]
    depth = luma.bits
    dtype = np.dtype(np.uint8 if depth == 8 else np.uint16)
    shift = 0 if depth == 8 else 16 - depth
    planes = []
    for plane, component in zip(frame.planes, frame.format.components, strict=True):
        rows = np.frombuffer(memoryview(plane), dtype).reshape(
            -1, plane.line_size // dtype.itemsize
        )
        planes.append((rows[: component.height, : component.width] << shift).astype(dtype))
    if cb.width == luma.width:
        return np.concatenate([plane.ravel() for plane in planes]), _CHROMA_444, depth
    pairs = np.stack(planes[1:], axis=-1)
    chroma = _CHROMA_422 if cb.height == luma.height else _CHROMA_420
    return np.concatenate([planes[0].ravel(), pairs.ravel()]), chroma, depth


_hooks = _Hooks(_OPEN(_open), _PARSE(_parse), _CLOSE(_close))
_library.simulated_decoding(_hooks)
