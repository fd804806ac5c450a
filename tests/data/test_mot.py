"""The text form of the MOTChallenge, read and written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from videoflow.data import Detections, Stamp, Tracks, mot_lines, read_mot
from videoflow.errors import SourceError

STAMP = Stamp("cam", 4, 0.2, (90, 160))
FORM = "frame, id, left, top, width, height, score"


def write(folder: Path, text: str) -> Path:
    path = folder / "a.txt"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("\n\n", [], id="empty lines"),
        pytest.param("3,-1,1,2,3,4,0.5\n", [3], id="one"),
        pytest.param("3,-1,1,2,3,4,0.5", [3], id="no last newline"),
        pytest.param("3.0,-1,1,2,3,4,1e-1\r\n", [3], id="floats and carriage returns"),
        pytest.param("\ufeff3,-1,1,2,3,4,0.5\n", [3], id="a mark of UTF-8"),
        pytest.param("3 -1 1 2 3 4 0.5\n", [3], id="blanks instead of commas"),
        pytest.param("9,1,0,0,1,1,1\n2,1,0,0,1,1,1\n9,2,0,0,1,1,1\n", [2, 9, 9], id="unsorted"),
    ],
)
def test_reads_rows_by_rising_frame(tmp_path: Path, text: str, frames: list[int]) -> None:
    """Rows come by frame, whatever their order in the file, and there may be none."""
    rows = read_mot(write(tmp_path, text))

    assert rows.frames.tolist() == frames
    assert rows.last_frame == max(frames, default=0)


def test_rows_of_one_frame_keep_their_order(tmp_path: Path) -> None:
    """Sorting by frame moves no row past another one of its frame."""
    text = "".join(f"{frame},{n},0,0,1,1,1\n" for n in range(20) for frame in (2, 1))

    rows = read_mot(write(tmp_path, text))

    assert rows.ids.tolist() == [*range(20), *range(20)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("1,2,3", f"got 3 values, want at least 7: {FORM}", id="too short"),
        pytest.param("1,1,0,0,1,1,1,1", "got 8 values, want 7 as in line 1", id="too long"),
        pytest.param("1,1,a,0,1,1,1", "got left 'a', want a finite number", id="word"),
        pytest.param("1,1,,0,1,1,1", "got left '', want a finite number", id="nothing"),
        pytest.param("1,1,0,0,nan,1,1", "got width 'nan', want a finite number", id="nan"),
        pytest.param("1,1,0,0,1,inf,1", "got height 'inf', want a finite number", id="inf"),
        pytest.param("0,1,0,0,1,1,1", "got frame 0, want a whole number from 1", id="frame 0"),
        pytest.param("1.5,1,0,0,1,1,1", "got frame 1.5, want a whole", id="half a frame"),
        pytest.param("1e99,1,0,0,1,1,1", r"got frame 1e\+99, want a whole", id="no int64"),
        pytest.param("1,0.5,0,0,1,1,1", "got id 0.5, want a whole number", id="half an id"),
        pytest.param("1,1,0,0,-1,1,1", "got width -1, want 0 or more pixels", id="negative"),
    ],
)
def test_a_malformed_row_is_told_with_file_and_line(
    tmp_path: Path, line: str, message: str
) -> None:
    """One error names the file, the line, what came and what is wanted."""
    path = write(tmp_path, f"5,1,0,0,1,1,1\n\n{line}\n")

    with pytest.raises(SourceError, match=f"{path}:3: {message}"):
        read_mot(path)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is not there, and one that is no text, are told by name."""
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe")

    with pytest.raises(SourceError, match=r"c\.txt: cannot be read: No such file"):
        read_mot(tmp_path / "c.txt")
    with pytest.raises(SourceError, match=r"b\.txt: got bytes that are not UTF-8"):
        read_mot(tmp_path / "b.txt")


@pytest.mark.parametrize(
    ("ends", "classes"),
    [
        pytest.param(("", ""), None, id="nothing"),
        pytest.param((",-1,-1,-1", ",-1,-1,-1"), None, id="MOT15"),
        pytest.param((",4.48,5.5,0", ",3.0,1.2,0"), None, id="places in the world"),
        pytest.param((",1,0.86", ",7,1"), [1, 7], id="MOT17"),
        pytest.param((",0", ",79"), [0, 79], id="a model's labels"),
    ],
)
def test_the_eighth_column_may_be_a_class(
    tmp_path: Path, ends: tuple[str, str], classes: list[int] | None
) -> None:
    """Whole numbers from 0 in all rows are classes; -1 and places in the world are none."""
    rows = read_mot(write(tmp_path, "".join(f"1,1,0,0,1,1,1{end}\n" for end in ends)))

    assert (None if rows.classes is None else rows.classes.tolist()) == classes
    labels = rows.detections(1, STAMP).labels.tolist()
    assert labels == (classes or [0, 0])


def test_a_range_is_renumbered_from_1(tmp_path: Path) -> None:
    """Both ends of a range belong to it; its first frame becomes frame 1."""
    rows = read_mot(write(tmp_path, "".join(f"{n},{n},0,0,1,1,1\n" for n in (1, 3, 4, 6))))

    part = rows.between(3, 5)

    assert part.frames.tolist() == [1, 2]
    assert part.ids.tolist() == [3, 4]
    assert len(rows.between(7, 9)) == 0


def boxes() -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.array([[1.25, 2, 4, 8.5], [-3, 0.5, 10, 90]], np.float32)


def test_tracks_survive_being_written_and_read(tmp_path: Path) -> None:
    """What is written is read back, to two decimals of a pixel and four of a score."""
    scores = np.array([0.5, 0.98765], np.float32)
    tracks = Tracks(STAMP, np.array([7, 9]), boxes(), scores, np.zeros(2, np.int64))

    again = read_mot(write(tmp_path, mot_lines(tracks))).tracks(5, STAMP)

    assert again.ids.tolist() == [7, 9]
    np.testing.assert_allclose(again.boxes_xyxy, tracks.boxes_xyxy, atol=0.0101)
    np.testing.assert_allclose(again.scores, scores, atol=5.1e-5)


def test_detections_have_the_id_minus_1() -> None:
    """A box without an id is written as the form wants it; no boxes are no lines."""
    found = Detections(STAMP, boxes(), np.ones(2, np.float32), np.zeros(2, np.int64))

    assert mot_lines(found).splitlines()[0] == "5,-1,1.25,2.00,2.75,6.50,1.0000,-1,-1,-1"
    assert mot_lines(Detections.empty(STAMP)) == ""


def test_reads_real_files(test_data: Path) -> None:
    """Ground truth of MOT15 and MOT17 and detections have the rows that they have."""
    truth = read_mot(test_data / "mot17" / "MOT17-02" / "gt.txt")
    older = read_mot(test_data / "mot15" / "TUD-Stadtmitte" / "gt.txt")
    found = read_mot(test_data / "mot17" / "MOT17-02" / "det_yolox_x.txt")

    assert (truth.last_frame, older.last_frame, found.last_frame) == (600, 179, 600)
    assert truth.classes is not None
    assert sorted(set(truth.classes.tolist())) == [1, 2, 4, 7, 8, 9]
    assert older.classes is None
    assert found.classes is None


def test_boxes_beyond_all_pictures_are_refused(tmp_path: Path) -> None:
    """A number that no float32 holds is a broken file, with its line."""
    path = tmp_path / "det.txt"
    path.write_text("1,-1,1,1,5,5,0.9\n2,-1,1e300,1,5,5,0.9\n")

    with pytest.raises(
        SourceError, match=r"det.txt:2: got left 1e\+300, want less than 1e\+09"
    ):
        read_mot(path)


def test_what_is_no_box_is_not_written(tmp_path: Path) -> None:
    """A file of detections can be read again whatever the detector said."""
    nan, inf = np.nan, np.inf
    boxes = [[1, 2, 4, 8], [nan, 2, 4, 8], [0, 0, inf, 9], [5, 5, 4, 9], [7, 7, 7, 7]]
    found = Detections(
        Stamp("cam", 0, 0.0, (48, 64)),
        np.array(boxes, np.float32),
        np.full(5, 0.5, np.float32),
        np.zeros(5, np.int64),
    )
    path = tmp_path / "det.txt"

    path.write_text(mot_lines(found))

    assert read_mot(path).boxes_xywh.tolist() == [[1, 2, 3, 6], [7, 7, 0, 0]]
