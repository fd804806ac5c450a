"""Where in a coded stream the pictures may change their size, depth or colour.

A decoder on a GPU that meets a new sequence header scales the new pictures to the old size
and says nothing. So the headers are watched, and another one begins a new sequence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

__all__ = ["MAX_HEADER_BYTES", "sequence_header"]

MAX_HEADER_BYTES: Final = 16
"""A key frame of VP8 or VP9 has its header in these first bytes."""

_START_CODE = re.compile(rb"\x00\x00\x01")
# Type of the NAL unit with the sequence parameters. Source: ITU-T H.264, table 7-1; H.265, 7-1.
_H264_SPS = 7
_HEVC_SPS = 33
_VP9_SYNC_CODE = f"{0x498342:024b}"


def sequence_header(codec: str, *, packet: bytes, extradata: bytes | None) -> bytes | None:
    """Return what in a packet tells the size and the depth of what follows, or None.

    Args:
        codec: FFmpeg's name of it.
        packet: Its first ``MAX_HEADER_BYTES``.
        extradata: The parameter sets in the packet, or None where it has none.
    """
    if codec == "vp8":
        return _vp8_header(packet)
    if codec == "vp9":
        return _vp9_header(packet)
    if not extradata:
        return None
    if codec == "h264":
        return _nal_units(extradata, lambda first: first & 0x1F == _H264_SPS)
    if codec == "hevc":
        return _nal_units(extradata, lambda first: first >> 1 & 0x3F == _HEVC_SPS)
    return extradata


def _nal_units(data: bytes, is_wanted: Callable[[int], bool]) -> bytes | None:
    """Return the wanted units; what else stands beside them changes with every picture."""
    units = [unit.rstrip(b"\0") for unit in _START_CODE.split(data)[1:]]
    wanted = [unit for unit in units if unit and is_wanted(unit[0])]
    return b"".join(wanted) or None


def _vp8_header(packet: bytes) -> bytes | None:
    """Return width and height of a key frame. Source: RFC 6386, section 9.1."""
    is_key_frame = len(packet) >= 10 and not packet[0] & 1
    return packet[6:10] if is_key_frame and packet[3:6] == b"\x9d\x01\x2a" else None


def _vp9_header(packet: bytes) -> bytes | None:
    """Return profile, colour and size of a key frame.

    Source: VP9 bitstream and decoding process specification 0.6, section 6.2.
    """
    bits = "".join(f"{byte:08b}" for byte in packet)
    profile = int(bits[3:4] + bits[2:3] or "0", 2)
    at = 5 if profile == 3 else 4  # a reserved bit
    is_key_frame = bits[:2] == "10" and bits[at : at + 2] == "00"
    sync = at + 4  # behind show_existing_frame, frame_type, show_frame, error_resilient_mode
    if not is_key_frame or bits[sync : sync + 24] != _VP9_SYNC_CODE:
        return None
    end = sync + 24 + (1 if profile >= 2 else 0) + 3  # bit depth, colour space
    is_rgb = bits[end - 3 : end] == "111"
    if profile in (1, 3):
        end += 1 if is_rgb else 4  # range, subsampling, a reserved bit
    else:
        end += 0 if is_rgb else 1  # range
    return bits[sync + 24 : end + 32].encode()  # and 16 bits each for width and height
