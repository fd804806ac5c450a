from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.clips import index_of, write_clip
from tests.nvdec_source import Opener, on_cpu
from tests.nvdec_stub import FakeLibrary

EXACT = [
    "av1_video.mkv",
    "bt601_limited_range.mp4",
    "bt709_full_range.mp4",
    "discard_first_keyframe.mp4",
    "h265_video.mp4",
    "nasa_13013.mp4",
    "test_non_zero_start.mp4",
    "testsrc2_mpeg4.avi",
    "testsrc2_vp9.webm",
]
CONVERTED = [
    "h264_10bits.mp4",
    "nasa_13013_hdr.mp4",
    "testsrc2_12bit_hdr.mp4",
    "testsrc2_444_10bit_hevc.mp4",
    "testsrc2_odd_height_444.mp4",
    "testsrc2_odd_height_and_width_444_10bit.mp4",
    "testsrc2_odd_height_vp9.mp4",
    "testsrc2_odd_width_mpeg2.mp4",
    "testsrc2_odd_width_vp9_10bit.mp4",
]


@pytest.fixture
def library() -> FakeLibrary:
    return FakeLibrary()


@pytest.fixture
def opener(library: FakeLibrary) -> Opener:
    return Opener(library)


@pytest.mark.parametrize("name", EXACT)
def test_frames_are_those_of_the_cpu(test_data: Path, opener: Opener, name: str) -> None:
    """8-bit 4:2:0 of an even size: every byte, time, colour and the count are the same."""
    path = test_data / "decode" / name

    frames, loss = opener.read(path, at_most=40)

    want = on_cpu(path, at_most=40)
    assert opener.notes == []
    assert loss is None or len(frames) == 40
    assert len(frames) == len(want)
    assert [f.stamp for f in frames] == [f.stamp for f in want]
    assert {(f.layout, f.color) for f in frames} == {(f.layout, f.color) for f in want}
    # MPEG-4 leaves the rounding of its transform to the decoder, and the file names FFmpeg's.
    limit = 0.1 if name == "testsrc2_mpeg4.avi" else 0
    for frame, reference in zip(frames, want, strict=True):
        assert float((frame.buffer.float() - reference.buffer.float()).abs().mean()) <= limit


@pytest.mark.parametrize("name", CONVERTED)
def test_what_is_no_nv12_becomes_rgb_as_on_the_cpu(
    test_data: Path, opener: Opener, name: str
) -> None:
    """10 and 12 bit, 4:4:4 and odd sizes are RGB, in the mean 1.5 levels from the CPU's."""
    path = test_data / "decode" / name

    frames, _ = opener.read(path, at_most=5)

    want = on_cpu(path, at_most=5)
    assert opener.notes == []
    assert len(frames) == len(want) == 5
    for frame, reference in zip(frames, want, strict=True):
        assert frame.layout == reference.layout == "rgb"
        assert frame.stamp == reference.stamp
        difference = (frame.buffer.float() - reference.buffer.float()).abs()
        assert float(difference.mean()) <= 1.5


def test_a_folder_of_one_kind_keeps_its_session(
    tmp_path: Path, library: FakeLibrary, opener: Opener
) -> None:
    """Files of one codec and size share a session, and each delivers all its frames."""
    clips = [write_clip(tmp_path / f"{i}.mp4", num_frames=5) for i in range(3)]

    shown = [[index_of(frame) for frame in opener.read(clip)[0]] for clip in clips]

    assert shown == [[0, 1, 2, 3, 4]] * 3
    assert (opener.sessions.num_made, opener.sessions.num_reused) == (1, 2)


def test_the_driver_is_asked_once_for_each_kind(
    tmp_path: Path, library: FakeLibrary, opener: Opener
) -> None:
    """The question costs a CUDA context, so its answer is kept."""
    clip = write_clip(tmp_path / "clip.mp4")

    for _ in range(3):
        opener.read(clip)

    assert library.num_questions == 1


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_video_stands_as_on_the_cpu(
    tmp_path: Path, opener: Opener, turns: int, turned_clip: Callable[[int], Path]
) -> None:
    """A recording that a phone stored lying is turned on the GPU as on the CPU."""
    path = turned_clip(turns)

    frames, _ = opener.read(path)

    want = on_cpu(path)
    assert [f.size_hw for f in frames] == [(64, 48) if turns % 2 else (48, 64)] * len(want)
    assert all(torch.equal(a.buffer, b.buffer) for a, b in zip(frames, want, strict=True))


@pytest.fixture
def turned_clip(tmp_path: Path) -> Callable[[int], Path]:
    import av

    def write(turns: int) -> Path:
        path = tmp_path / "turned.mp4"
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream("libx264", rate=10)
            stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
            stream.set_display_rotation(90 * turns)
            for index in range(4):
                picture = torch.zeros((48, 64, 3), dtype=torch.uint8)
                picture[:, : 10 + 4 * index] = 200
                picture[:10, :, 1] = 90
                frame = av.VideoFrame.from_ndarray(picture.numpy(), "rgb24")
                container.mux(stream.encode(frame.reformat(format="yuv420p")))
            container.mux(stream.encode(None))
        return path

    return write
