from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clips import index_of, write_clip
from videoflow.core.node import ProducerNode
from videoflow.data import Frame
from videoflow.errors import FlowStateError, GraphError, SourceError
from videoflow.producers import VideoFileReader, VideofileReader
from videoflow.video.pace import Pacer


def frames_of(reader: ProducerNode, *, at_most: int | None = None) -> list[Frame]:
    """Return what an open reader sends."""

    def read() -> Iterator[Frame]:
        while True:
            try:
                yield reader.next()
            except StopIteration:
                return

    return [frame for frame, _ in zip(read(), range(at_most or 10**6), strict=False)]


def test_a_file_is_a_stream_of_frames(tmp_path: Path) -> None:
    """Every frame in order, as NV12, with stream, index and time; then the end, for good."""
    reader = VideoFileReader(write_clip(tmp_path / "door.mp4", num_frames=8, fps=10))
    reader.check()
    num_items = reader.num_items
    reader.open()

    frames = frames_of(reader)

    assert num_items == len(frames) == 8
    assert [index_of(frame) for frame in frames] == [frame.index for frame in frames]
    assert [frame.pts_seconds for frame in frames] == pytest.approx([i / 10 for i in range(8)])
    assert {(frame.stream, frame.layout, frame.size_hw) for frame in frames} == {
        ("door", "nv12", (48, 64))
    }
    with pytest.raises(StopIteration):
        reader.next()
    reader.close()


@pytest.mark.parametrize(
    ("size_hw", "codec", "pix_fmt", "num_bytes"),
    [
        pytest.param((48, 64), "libx264", "yuv420p", 48 * 64 * 3 // 2, id="nv12"),
        pytest.param((48, 64), "libx264", "yuv444p", 48 * 64 * 3, id="rgb"),
        pytest.param((49, 65), "libx264", "yuv444p", 49 * 65 * 3, id="odd"),
    ],
)
def test_the_plan_knows_how_large_a_frame_is(
    tmp_path: Path, size_hw: tuple[int, int], codec: str, pix_fmt: str, num_bytes: int
) -> None:
    """As large as the frames that come; nobody knows it of a file that is not there."""
    path = write_clip(tmp_path / "a.mp4", size_hw=size_hw, codec=codec, pix_fmt=pix_fmt)
    reader = VideoFileReader(path)
    reader.open()

    frame = reader.next()
    reader.close()

    assert reader.item_bytes == num_bytes == frame.buffer.numel()
    assert VideoFileReader(tmp_path / "nowhere.mp4").item_bytes is None


def test_a_reader_travels_to_its_worker(tmp_path: Path) -> None:
    """It is picklable after its check and holds nothing open before its open."""
    reader = VideoFileReader(write_clip(tmp_path / "door.mp4"), stream="entrance")
    reader.check()

    copy = pickle.loads(pickle.dumps(reader))
    copy.open()

    assert copy.next().stream == "entrance"
    copy.close()


def test_a_looped_file_runs_on(tmp_path: Path) -> None:
    """Index and time go on at the frame rate, and nobody knows how many frames will come."""
    path = write_clip(tmp_path / "door.mp4", num_frames=4, fps=10)
    reader = VideoFileReader(path, loop=True)
    reader.open()

    frames = frames_of(reader, at_most=10)

    assert [index_of(frame) for frame in frames] == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
    assert [frame.index for frame in frames] == list(range(10))
    assert [frame.pts_seconds for frame in frames] == pytest.approx([i / 10 for i in range(10)])
    assert reader.num_items is None
    reader.close()


def test_realtime_is_the_recordings_own_speed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader in real time waits for each frame before it sends it."""
    due: list[float] = []
    monkeypatch.setattr(Pacer, "wait_until", lambda _, pts_seconds: due.append(pts_seconds))
    path = write_clip(tmp_path / "door.mp4", num_frames=6, fps=10)
    reader = VideoFileReader(path, realtime=True)
    reader.open()

    frames = frames_of(reader)

    assert due == [frame.pts_seconds for frame in frames]
    assert len(due) == 6
    reader.close()


def test_a_truncated_file_is_noted_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What decodes is delivered, and the report says what was lost, once, though it loops."""
    whole = write_clip(
        tmp_path / "door.avi",
        num_frames=30,
        codec="mjpeg",
        pix_fmt="yuvj420p",
        size_hw=(240, 320),
    )
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    reader = VideoFileReader(whole, loop=True)
    notes: list[str] = []
    monkeypatch.setattr(VideoFileReader, "note", lambda _, text: notes.append(text))
    reader.check()
    reader.open()

    frames = frames_of(reader, at_most=60)

    assert len(frames) == 60
    assert len(notes) == 1
    assert "door.avi" in notes[0]
    assert "of 30 announced frames" in notes[0]
    reader.close()


def test_a_missing_file_is_refused_before_the_flow_starts(tmp_path: Path) -> None:
    """The check names the file; without it, the first frame does."""
    reader = VideoFileReader(tmp_path / "door.mp4")

    with pytest.raises(SourceError, match=r"door\.mp4: got no such file"):
        reader.check()
    reader.open()
    with pytest.raises(SourceError, match=r"door\.mp4: got no such file"):
        reader.next()
    assert reader.num_items is None


@pytest.mark.parametrize("device", ["cuda:99", "cuda:100"])
def test_a_gpu_that_is_not_there_is_refused_before_the_flow_starts(
    tmp_path: Path, device: str
) -> None:
    """Who names a GPU gets it or an error."""
    reader = VideoFileReader(write_clip(tmp_path / "door.mp4"), device=device)

    with pytest.raises(GraphError, match=f"got '{device}'"):
        reader.check()


def test_a_reader_that_is_not_open_says_so(tmp_path: Path) -> None:
    """Reading before open is an error of order, not of the source."""
    with pytest.raises(FlowStateError, match="is not open"):
        VideoFileReader(tmp_path / "door.mp4").next()


def test_the_old_spelling_is_the_same_class() -> None:
    """``VideofileReader`` is an alias."""
    assert VideofileReader is VideoFileReader
