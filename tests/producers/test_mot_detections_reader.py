"""A file of detections as a stream."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from videoflow.data import Detections
from videoflow.errors import FlowStateError, GraphError, SourceError
from videoflow.producers import MotDetectionsReader

TEXT = "5,-1,50,20,30,40.5,0.5\n2,-1,1,2,3,4,0.9\n2,7,5,6,7,8,0.8\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "door.txt"
    path.write_text(TEXT)
    return path


def read_all(reader: MotDetectionsReader) -> list[Detections]:
    reader.check()
    reader.open()
    found = []
    while True:
        try:
            found.append(reader.next())
        except StopIteration:
            reader.close()
            return found


@pytest.mark.parametrize(
    ("options", "counts"),
    [
        pytest.param({}, [0, 2, 0, 0, 1], id="all"),
        pytest.param({"first_frame": 2}, [2, 0, 0, 1], id="from"),
        pytest.param({"last_frame": 3}, [0, 2, 0], id="to"),
        pytest.param({"first_frame": 2, "last_frame": 2}, [2], id="one"),
        pytest.param({"first_frame": 5, "last_frame": 7}, [1, 0, 0], id="beyond the end"),
        pytest.param({"first_frame": 8, "last_frame": 9}, [0, 0], id="none of them"),
    ],
)
def test_every_frame_of_the_range_comes(
    path: Path, options: dict[str, Any], counts: list[int]
) -> None:
    """Frames without rows come too, in order, with an index from 0."""
    reader = MotDetectionsReader(path, fps=10, **options)

    frames = read_all(reader)

    assert [len(found) for found in frames] == counts
    assert [found.stamp.index for found in frames] == list(range(len(counts)))
    assert [found.stamp.pts_seconds for found in frames] == [i / 10 for i in range(len(counts))]
    assert MotDetectionsReader(path, **options).num_items == len(counts)


def test_boxes_scores_and_stream(path: Path) -> None:
    """Boxes are corners in pixels; the picture holds them all; the file names the stream."""
    found = read_all(MotDetectionsReader(path))[1]

    assert found.boxes_xyxy.tolist() == [[1, 2, 4, 6], [5, 6, 12, 14]]
    assert found.scores.tolist() == pytest.approx([0.9, 0.8])
    assert found.labels.tolist() == [0, 0]
    assert (found.stamp.stream, found.stamp.size_hw) == ("door", (61, 80))


def test_size_and_stream_may_be_said(path: Path) -> None:
    """Who knows the picture's size and the camera's name says so."""
    (found,) = read_all(MotDetectionsReader(path, last_frame=1, stream="a", size_hw=(9, 8)))

    assert (found.stamp.stream, found.stamp.size_hw) == ("a", (9, 8))


def test_it_can_be_read_again(path: Path) -> None:
    """A second run begins with the first frame."""
    reader = MotDetectionsReader(path)

    assert len(read_all(reader)) == len(read_all(reader)) == 5


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        pytest.param(
            "", {}, "got 0 rows, the last of frame 0, want one of frame 1", id="empty"
        ),
        pytest.param(TEXT, {"first_frame": 6}, "the last of frame 5, want one of", id="range"),
        pytest.param("1,2,3", {}, ":1: got 3 values", id="malformed"),
    ],
)
def test_what_cannot_be_read_is_refused_before_the_start(
    tmp_path: Path, text: str, options: dict[str, Any], message: str
) -> None:
    """check() tells what is wrong with the file, and nobody knows how many frames it has."""
    path = tmp_path / "a.txt"
    path.write_text(text)
    reader = MotDetectionsReader(path, **options)

    with pytest.raises(SourceError, match=message):
        reader.check()
    assert reader.num_items is None


def test_an_empty_file_is_frames_without_anybody(tmp_path: Path) -> None:
    """With last_frame said, no row at all is an answer too."""
    (tmp_path / "a.txt").write_text("")

    frames = read_all(MotDetectionsReader(tmp_path / "a.txt", last_frame=2))

    assert [len(found) for found in frames] == [0, 0]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"first_frame": 0}, id="frame 0"),
        pytest.param({"first_frame": 3, "last_frame": 2}, id="backwards"),
        pytest.param({"fps": 0}, id="no rate"),
        pytest.param({"size_hw": (0, 5)}, id="no picture"),
    ],
)
def test_senseless_options_are_refused(options: dict[str, Any]) -> None:
    """A value that makes no sense is refused where it is written."""
    with pytest.raises(GraphError):
        MotDetectionsReader("a.txt", **options)


def test_next_wants_an_open_reader(path: Path) -> None:
    """Before open() there is nothing to read."""
    with pytest.raises(FlowStateError, match="not open"):
        MotDetectionsReader(path).next()
