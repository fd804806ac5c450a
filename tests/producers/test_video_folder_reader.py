from __future__ import annotations

from pathlib import Path

import pytest

from tests.clips import index_of, write_clip
from tests.producers.test_video_file_reader import frames_of
from videoflow.errors import SourceError
from videoflow.producers import VideoFolderReader


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "week"
    folder.mkdir()
    write_clip(folder / "10.mp4", num_frames=2, fps=5, size_hw=(96, 128))
    write_clip(folder / "2.mp4", num_frames=3, fps=10, timestamps=[4.0, 4.1, 4.2])
    (folder / "notes.txt").touch()
    return folder


def test_a_folder_is_one_stream(folder: Path) -> None:
    """Files in natural order; index and time run on; the first keeps its own start."""
    reader = VideoFolderReader(folder)
    reader.check()
    num_items = reader.num_items
    reader.open()

    frames = frames_of(reader)

    assert num_items == len(frames) == 5
    assert [index_of(frame) for frame in frames] == [0, 1, 2, 0, 1]
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.stream for frame in frames] == ["week"] * 5
    assert [frame.size_hw for frame in frames] == [(48, 64)] * 3 + [(96, 128)] * 2
    times = [frame.pts_seconds for frame in frames]
    start = times[0]
    assert times == pytest.approx([start, start + 0.1, start + 0.2, start + 0.4, start + 0.6])
    reader.close()


def test_a_looped_folder_begins_again(folder: Path) -> None:
    """After the last file comes the first."""
    reader = VideoFolderReader(folder, loop=True)
    reader.open()

    frames = frames_of(reader, at_most=8)

    assert [index_of(frame) for frame in frames] == [0, 1, 2, 0, 1, 0, 1, 2]
    assert reader.num_items is None
    reader.close()


def test_a_bad_file_in_the_folder_is_refused_before_the_flow_starts(folder: Path) -> None:
    """The check looks at every file and names the bad one."""
    (folder / "3.mp4").touch()

    with pytest.raises(SourceError, match=r"3\.mp4: got an empty file"):
        VideoFolderReader(folder).check()


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """A folder without videos says which endings it was searched for."""
    with pytest.raises(SourceError, match="got no file that ends in"):
        VideoFolderReader(tmp_path).check()
