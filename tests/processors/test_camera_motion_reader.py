"""Camera motion looked up for each frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from videoflow.data import Detections, Stamp
from videoflow.errors import GraphError, SourceError
from videoflow.processors import CameraMotionReader


def found(index: int) -> Detections:
    return Detections.empty(Stamp("cam", index, index / 10, (90, 160)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Frame i of five moves the picture i pixels to the right."""
    path = tmp_path / "gmc.txt"
    path.write_text("".join(f"{i} 1 0 {i} 0 1 0\n" for i in range(5)))
    return path


def shifts(node: CameraMotionReader, indices: list[int]) -> list[float]:
    node.check()
    node.open()
    state = node.make_state("cam")
    motions = [node.process(state, found(index)) for index in indices]
    assert [motion.stamp.index for motion in motions if motion] == indices
    return [float(motion.warp[0, 2]) for motion in motions if motion]


@pytest.mark.parametrize(
    ("indices", "want"),
    [
        pytest.param([], [], id="empty"),
        pytest.param([3], [0], id="nothing before the first"),
        pytest.param([0, 1, 2], [0, 1, 2], id="every frame"),
        pytest.param([0, 3, 4], [0, 1 + 2 + 3, 4], id="frames were dropped"),
        pytest.param([2, 2, 1], [0, 0, 0], id="an index that does not rise"),
    ],
)
def test_motion_since_the_frame_before(
    path: Path, indices: list[int], want: list[float]
) -> None:
    """Each frame gets all motion since the one that came before it in the stream."""
    assert shifts(CameraMotionReader(path), indices) == want


def test_a_stream_may_begin_in_the_middle(path: Path) -> None:
    """first_frame says which frame of the file, counted from 1, is index 0."""
    assert shifts(CameraMotionReader(path, first_frame=4), [0, 1]) == [0, 4]


def test_without_a_file_nothing_is_known() -> None:
    """None comes out for every frame, also for one that nobody looked at."""
    node = CameraMotionReader(None)
    node.check()
    node.open()
    state = node.make_state("cam")

    assert [node.process(state, found(0)), node.process(state, None)] == [None, None]


def test_a_file_that_ends_too_early(path: Path) -> None:
    """A frame beyond the file is an error that says how long the file is."""
    node = CameraMotionReader(path)
    node.open()

    with pytest.raises(SourceError, match="got 5 frames, want frame 6"):
        node.process(node.make_state("cam"), found(5))


def test_what_is_wrong_is_told_before_the_start(tmp_path: Path) -> None:
    """A missing file and a frame 0 are refused early."""
    with pytest.raises(SourceError, match="cannot be read"):
        CameraMotionReader(tmp_path / "none.txt").check()
    with pytest.raises(GraphError, match="first_frame=0"):
        CameraMotionReader(None, first_frame=0)


def test_reads_the_authors_files(test_data: Path) -> None:
    """A camera on a stand hardly moves, one in a hand does."""
    node = CameraMotionReader(test_data / "mot17" / "MOT17-10" / "gmc.txt", first_frame=329)

    moved = np.abs(shifts(node, list(range(326))))

    assert moved.max() > 5
