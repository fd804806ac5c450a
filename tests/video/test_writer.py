from __future__ import annotations

from pathlib import Path

import av
import pytest
import torch

from tests.clips import grey_of, index_of, make_frame, read_frames
from videoflow.data import ColorSpec, Frame, Stamp
from videoflow.errors import OutputError
from videoflow.video.probe import open_file
from videoflow.video.writer import VideoWriter


@pytest.mark.parametrize("layout", ["nv12", "rgb"])
def test_what_is_written_is_read_again(tmp_path: Path, layout: str) -> None:
    """Pictures, order and time survive, from either layout."""
    path = tmp_path / "out.mp4"
    writer = VideoWriter(path, num_threads=1)

    for index in range(10):
        writer.write(make_frame(index, layout=layout))
    published = writer.publish()

    frames = read_frames(path)
    assert published == path
    assert [index_of(frame) for frame in frames] == list(range(10))
    assert [frame.pts_seconds for frame in frames] == pytest.approx([i / 10 for i in range(10)])
    assert [child.name for child in tmp_path.iterdir()] == ["out.mp4"]


def test_a_browser_can_play_it(tmp_path: Path) -> None:
    """H.264 4:2:0 as avc1, with the index in front of the pictures."""
    writer = VideoWriter(tmp_path / "out.mp4", num_threads=1)

    for index in range(5):
        writer.write(make_frame(index))
    writer.publish()

    data = (tmp_path / "out.mp4").read_bytes()
    with av.open(str(tmp_path / "out.mp4")) as container:
        context = container.streams.video[0].codec_context
        described = (context.name, context.pix_fmt, context.codec_tag)
    assert described == ("h264", "yuv420p", "avc1")
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_variable_frame_rate_stays_one(tmp_path: Path, suffix: str) -> None:
    """Frames keep their distances; the first is at 0, the last is as long as the one before."""
    times = [5.0, 5.1, 5.2, 35.0, 65.0, 65.4]
    path = tmp_path / f"out{suffix}"
    writer = VideoWriter(path, num_threads=1)

    for index, pts_seconds in enumerate(times):
        writer.write(make_frame(index, pts_seconds=pts_seconds))
    writer.publish()

    read = [frame.pts_seconds for frame in read_frames(path)]
    with open_file(path, num_threads=1) as decoder:
        duration = decoder.info.duration_seconds
    assert read == pytest.approx([time - 5.0 for time in times], abs=1e-3)
    assert duration == pytest.approx(60.4 + 0.4, abs=2e-3)


def test_time_that_goes_back_goes_on(tmp_path: Path) -> None:
    """A source that began anew continues at the last distance instead of ending the file."""
    writer = VideoWriter(tmp_path / "out.mp4", num_threads=1)

    for index, pts_seconds in enumerate([0.0, 0.1, 0.2, 0.0, 0.1]):
        writer.write(make_frame(index, pts_seconds=pts_seconds))
    writer.publish()

    times = [frame.pts_seconds for frame in read_frames(tmp_path / "out.mp4")]
    assert times == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize(
    "color", [ColorSpec("bt709"), ColorSpec("bt601", is_full_range=True), ColorSpec("bt2020")]
)
def test_the_file_says_its_colours(tmp_path: Path, color: ColorSpec) -> None:
    """Matrix and range of the frames are those that a reader finds."""
    writer = VideoWriter(tmp_path / "out.mp4", num_threads=1)

    writer.write(make_frame(3, color=color))
    writer.publish()

    (frame,) = read_frames(tmp_path / "out.mp4")
    assert frame.color == color
    assert index_of(frame) == 3


@pytest.mark.parametrize("size_hw", [(48, 64), (50, 64), (46, 66), (2, 2)], ids=str)
def test_colours_stay_where_they_are(tmp_path: Path, size_hw: tuple[int, int]) -> None:
    """Chroma belongs to its rows in every even height, a multiple of four or not."""
    height, width = size_hw
    planes = torch.full((height * 3 // 2, width), 120, dtype=torch.uint8)
    planes[height:] = torch.linspace(60, 200, height // 2)[:, None].byte()
    writer = VideoWriter(tmp_path / "out.mp4", num_threads=1, crf=5)

    writer.write(Frame(planes, Stamp("door", 0, 0.0, size_hw)))
    writer.publish()

    (frame,) = read_frames(tmp_path / "out.mp4")
    assert frame.size_hw == size_hw
    assert (frame.buffer.int() - planes.int()).abs().max() < 12


def test_an_odd_size_grows_by_its_border(tmp_path: Path) -> None:
    """47 x 63 becomes 48 x 64 by repeating the last row and column."""
    writer = VideoWriter(tmp_path / "out.mp4", num_threads=1)

    writer.write(make_frame(4, size_hw=(47, 63), layout="rgb"))
    writer.publish()

    (frame,) = read_frames(tmp_path / "out.mp4")
    assert frame.size_hw == (48, 64)
    assert (frame.rgb().float() - grey_of(4)).abs().max() < 4


@pytest.mark.parametrize("size_hw", [(96, 64), (48, 128), (24, 32), (47, 63)])
def test_a_later_size_is_fitted_into_the_first(
    tmp_path: Path, size_hw: tuple[int, int]
) -> None:
    """The whole later picture is there, centred on black, and a remark says so once."""
    remarks: list[str] = []
    writer = VideoWriter(tmp_path / "out.mp4", num_threads=1, report=remarks.append, crf=10)
    layout = "rgb" if size_hw[0] % 2 else "nv12"

    writer.write(make_frame(8))
    for index in (8, 9):
        writer.write(make_frame(index, size_hw=size_hw, layout=layout))
    writer.publish()

    fitted = read_frames(tmp_path / "out.mp4")[1].rgb().float().mean(0)
    bright = (fitted > 100).float()
    scale = min(48 / size_hw[0], 64 / size_hw[1])
    assert bright.sum() == pytest.approx(size_hw[0] * size_hw[1] * scale**2, rel=0.1)
    assert bool(bright[24, 32])
    assert len(remarks) == (0 if layout == "rgb" else 1)


def test_colours_of_another_kind_are_converted(tmp_path: Path) -> None:
    """Frames of another matrix or range look the same in the file of the first."""
    writer = VideoWriter(tmp_path / "out.mp4", num_threads=1)

    writer.write(make_frame(0))
    writer.write(make_frame(1, color=ColorSpec("bt709", is_full_range=True)))
    writer.publish()

    assert [index_of(frame) for frame in read_frames(tmp_path / "out.mp4")] == [0, 1]


def test_an_older_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    """Neither writing nor giving up touches what is there; only publish replaces it."""
    path = tmp_path / "out.mp4"
    path.write_bytes(b"older")

    given_up = VideoWriter(path, num_threads=1)
    given_up.write(make_frame(0))
    during = path.read_bytes()
    given_up.abort()
    given_up.abort()
    after_abort = path.read_bytes()
    writer = VideoWriter(path, num_threads=1)
    writer.write(make_frame(0))
    writer.publish()

    assert (during, after_abort) == (b"older", b"older")
    assert len(read_frames(path)) == 1
    assert [child.name for child in tmp_path.iterdir()] == ["out.mp4"]


def test_no_frame_is_no_file(tmp_path: Path) -> None:
    """Without a frame nothing is published, and an older file stays."""
    (tmp_path / "out.mp4").write_bytes(b"older")

    published = VideoWriter(tmp_path / "out.mp4", num_threads=1).publish()

    assert published is None
    assert (tmp_path / "out.mp4").read_bytes() == b"older"


def test_memory_may_be_used_again(tmp_path: Path) -> None:
    """The encoder has copied a frame when write returns, though it looks ahead."""
    buffer = torch.empty(72, 64, dtype=torch.uint8)
    writer = VideoWriter(tmp_path / "out.mp4", num_threads=2)

    for index in range(10):
        frame = make_frame(index)
        buffer.copy_(frame.buffer)
        writer.write(Frame(buffer, frame.stamp))
        buffer.fill_(255)
    writer.publish()

    assert [index_of(frame) for frame in read_frames(tmp_path / "out.mp4")] == list(range(10))


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    """The error names the endings that there are."""
    with pytest.raises(OutputError, match=r"got the ending '\.gif', want one of \.mp4"):
        VideoWriter(tmp_path / "out.gif")


def test_a_folder_that_went_away_is_an_output_error(tmp_path: Path) -> None:
    """What the system says reaches the user with the file's name."""
    writer = VideoWriter(tmp_path / "gone" / "out.mp4", num_threads=1)

    with pytest.raises(OutputError, match=r"out\.mp4.*cannot be written: No such file"):
        writer.write(make_frame(0))
    assert list(tmp_path.iterdir()) == []
