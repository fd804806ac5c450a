"""What the simulated encoder's library asks for: pictures in, H.264 out, by PyAV's libx264.

The library imports this module into the process that encodes; nothing else does.
"""

from __future__ import annotations

import atexit
import ctypes
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

_CONSTANT_QP = 0
_INFINITE = 0xFFFFFFFF
_SEI, _SPS, _PPS = 6, 7, 8  # kinds of NAL units


class _Settings(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint32)
        for name in (
            *("width", "height", "keyframe_interval", "num_b_frames", "rate_mode"),
            *("qp_p", "qp_b", "qp_i", "bits_per_second", "rate_num", "rate_den"),
        )
    )


_OPEN = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(_Settings))
_ENCODE = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_int
)
_CALL = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class _Hooks(ctypes.Structure):
    _fields_ = (("open", _OPEN), ("encode", _ENCODE), ("flush", _CALL), ("close", _CALL))


_contexts: dict[int, VideoCodecContext] = {}
_library = ctypes.CDLL("libnvidia-encode.so.1")
_library.simulated_encoding.argtypes = (_Hooks,)
_give_headers = _library.simulated_headers
_give_headers.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t)
_give_packet = _library.simulated_packet
_give_packet.argtypes = (
    ctypes.c_void_p,
    ctypes.c_uint64,
    ctypes.c_char_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
)


def _open(session: int, pointer: Any) -> None:
    settings = pointer.contents
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height = settings.width, settings.height
    context.pix_fmt = "nv12"
    context.framerate = Fraction(settings.rate_num, settings.rate_den)
    context.time_base = 1 / context.framerate
    context.max_b_frames = settings.num_b_frames
    context.thread_count = 1
    context.options = _options(settings)
    if settings.rate_mode != _CONSTANT_QP:
        context.bit_rate = settings.bits_per_second or 2_000_000
    context.flags |= Flags.global_header
    context.open()
    _contexts[session] = context
    headers = _units(bytes(context.extradata or b""), kinds=(_SPS, _PPS))
    _give_headers(session, headers, len(headers))


def _options(settings: Any) -> dict[str, str]:
    """Return what has libx264 do what was asked for and nothing else: no picture of its own."""
    interval = settings.keyframe_interval
    options = {
        "preset": "ultrafast",
        "g": str(1 << 30 if interval == _INFINITE else interval),
        "forced-idr": "1",
        "sc_threshold": "0",
        "rc-lookahead": "0",
        "b_strategy": "0",
        "x264-params": "keyint_min=1:mbtree=0:b-pyramid=0",
    }
    if settings.rate_mode == _CONSTANT_QP:  # x264 takes P's, and the others' as factors of it
        options["qp"] = str(max(settings.qp_p, 1))  # 0 is another profile: lossless
        factors = (settings.qp_p - settings.qp_i, settings.qp_b - settings.qp_p)
        ip, pb = (2 ** (difference / 6) for difference in factors)
        options["x264-params"] += f":ipratio={ip}:pbratio={pb}"
    return options


def _encode(session: int, address: int, number: int, is_forced: int) -> None:
    context = _contexts[session]
    height, width = context.height, context.width
    data = ctypes.string_at(address, height * width * 3 // 2)
    planes = np.frombuffer(data, np.uint8).reshape(-1, width)
    picture = av.VideoFrame.from_ndarray(planes, format="nv12")
    picture.pts, picture.time_base = number, context.time_base
    picture.pict_type = PictureType.I if is_forced else PictureType.NONE
    _give(session, context, picture)


def _flush(session: int) -> None:
    _give(session, _contexts[session], None)


def _give(session: int, context: VideoCodecContext, picture: av.VideoFrame | None) -> None:
    for packet in context.encode(picture):
        bits = _units(bytes(packet))
        _give_packet(
            session, packet.pts, bits, len(bits), packet.is_keyframe, packet.is_disposable
        )


def _close(session: int) -> None:
    del _contexts[session]


def _units(data: bytes, kinds: tuple[int, ...] = ()) -> bytes:
    """Return the NAL units of these kinds, or all; never what x264 writes about itself."""
    units = data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")[1:]
    wanted = (u for u in units if u[0] & 31 != _SEI and (not kinds or u[0] & 31 in kinds))
    return b"".join(b"\0\0\0\1" + unit for unit in wanted)


_hooks = _Hooks(_OPEN(_open), _ENCODE(_encode), _CALL(_flush), _CALL(_close))
_library.simulated_encoding(_hooks)
# An encoder that is left open outlives this module.
atexit.register(_library.simulated_encoding, _Hooks())
