from __future__ import annotations

import pytest

from videoflow.video.sequence_header import sequence_header

H264_SPS, H264_OTHER_SPS, H264_PPS = b"\x67\x64\x00\x0a", b"\x67\x64\x00\x1f", b"\x68\xee"
HEVC_VPS, HEVC_SPS, HEVC_PPS = b"\x40\x01\x0c", b"\x42\x01\x01", b"\x44\x01\xc1"
VP8_KEY = b"\x10\x02\x00\x9d\x01\x2a\x40\x00\x30\x00\xff\xff"


def annexb(*units: bytes) -> bytes:
    return b"".join(b"\0\0\0\1" + unit for unit in units)


@pytest.mark.parametrize(
    ("codec", "one", "other", "is_same"),
    [
        pytest.param(
            "h264", annexb(H264_SPS, H264_PPS), annexb(H264_SPS, b"\x68\x00"), True, id="pps"
        ),
        pytest.param(
            "h264", annexb(H264_SPS), annexb(H264_OTHER_SPS), False, id="h264-sequence"
        ),
        pytest.param(
            "h264", annexb(H264_SPS), b"\0\0\1" + H264_SPS, True, id="short-start-code"
        ),
        pytest.param(
            "hevc",
            annexb(HEVC_VPS, HEVC_SPS, HEVC_PPS),
            annexb(HEVC_SPS),
            True,
            id="hevc-around",
        ),
        pytest.param("hevc", annexb(HEVC_SPS), annexb(HEVC_SPS + b"\2"), False, id="hevc"),
        pytest.param("mpeg2video", b"\0\0\1\xb3\1", b"\0\0\1\xb3\2", False, id="mpeg2"),
    ],
)
def test_only_another_sequence_is_another_header(
    codec: str, one: bytes, other: bytes, is_same: bool
) -> None:
    """Parameters of single pictures may change at will; those of the sequence may not."""
    headers = [sequence_header(codec, packet=b"", extradata=data) for data in (one, other)]

    assert None not in headers
    assert (headers[0] == headers[1]) is is_same


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1", "mpeg4", "vp8", "vp9", "mjpeg"])
@pytest.mark.parametrize("extradata", [None, b""], ids=["none", "empty"])
def test_a_packet_without_parameters_has_no_header(codec: str, extradata: bytes | None) -> None:
    """What follows is as before."""
    assert sequence_header(codec, packet=b"", extradata=extradata) is None
    assert sequence_header(codec, packet=bytes(16), extradata=extradata) is None


def test_h264_without_a_sequence_has_no_header() -> None:
    """A packet that only brings parameters of pictures begins nothing."""
    assert sequence_header("h264", packet=b"", extradata=annexb(H264_PPS)) is None


def test_a_key_frame_of_vp8_tells_its_size() -> None:
    """64 x 48, from the bytes behind the start code; other frames tell nothing."""
    header = sequence_header("vp8", packet=VP8_KEY, extradata=None)

    assert header == (64).to_bytes(2, "little") + (48).to_bytes(2, "little")
    inter = bytes([VP8_KEY[0] | 1]) + VP8_KEY[1:]
    assert sequence_header("vp8", packet=inter, extradata=None) is None


# The first bytes of key frames of 64 x 48, as libvpx writes them.
VP9_KEYS = {
    "profile-0": "82 49 83 42 00 03 f0 02 f6",
    "profile-0-hidden": "80 49 83 42 00 03 f0 02 f6",
    "profile-0-larger": "82 49 83 42 00 07 f0 05 f6",
}


@pytest.mark.parametrize(
    ("name", "is_same"),
    [("profile-0", True), ("profile-0-hidden", True), ("profile-0-larger", False)],
)
def test_a_key_frame_of_vp9_tells_its_size(name: str, is_same: bool) -> None:
    """Size and colour count; whether the frame is shown does not."""
    keys = {key: bytes.fromhex(text) + bytes(7) for key, text in VP9_KEYS.items()}

    first = sequence_header("vp9", packet=keys["profile-0"], extradata=None)
    other = sequence_header("vp9", packet=keys[name], extradata=None)

    assert first is not None
    assert first[-32:] == f"{63:016b}{47:016b}".encode()
    assert (first == other) is is_same


def test_an_inter_frame_of_vp9_tells_nothing() -> None:
    """Its second byte is no start code."""
    inter = bytes.fromhex("86 00 40 92 f0 a1") + bytes(10)

    assert sequence_header("vp9", packet=inter, extradata=None) is None
