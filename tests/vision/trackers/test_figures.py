"""The trackers score as their papers' own code does, on detections that were published."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.mot_scores import MotScore, people_of, read_mot, score_tracks
from videoflow.data import Detections, Stamp
from videoflow.vision.trackers import MotionTrack, Sort, Tracker


@pytest.fixture
def mot17(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Return the benchmark as a module."""
    pytest.importorskip("trackeval")
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3] / "benchmarks"))
    yield import_module("mot17")
    del sys.modules["mot17"]


@pytest.mark.parametrize(
    ("name", "with_warps", "hota", "mota", "idf1"),
    [
        pytest.param("bytetrack", False, 68.72, 78.33, 80.83, id="bytetrack"),
        pytest.param("ocsort", False, 67.54, 75.25, 79.12, id="ocsort"),
        pytest.param("sort", False, 67.61, 75.35, 78.99, id="sort"),
        pytest.param("motiontrack", False, 69.5, 79.1, 81.6, id="motiontrack"),
        pytest.param("motiontrack", True, 69.5, 79.1, 81.6, id="motiontrack, warps"),
        pytest.param("botsort", True, 69.0, 78.5, 81.2, id="botsort, warps"),
    ],
)
def test_mot17_val_half(  # one row is one published, or measured, line of figures
    test_data: Path,
    mot17: ModuleType,
    name: str,
    with_warps: bool,
    hota: float,
    mota: float,
    idf1: float,
) -> None:
    """On four sequences together, no score is below that of the authors' own code."""
    scores, _ = mot17.evaluate(test_data, mot17.TRACKERS[name], with_warps=with_warps)

    together = scores["together"]
    assert round(together.hota, 2) >= hota
    assert round(together.mota, 2) >= mota
    assert round(together.idf1, 2) >= idf1


def mot15(folder: Path, tracker: Tracker) -> MotScore:
    """Track and score a whole sequence of MOT15, all rows of the truth at IoU 0.5."""
    truth = read_mot(folder / "gt.txt")
    rows = np.loadtxt(folder / "det_frcnn.txt", delimiter=",")
    tracks = {}
    for index in range(int(rows[:, 0].max())):
        here = rows[rows[:, 0] == index + 1]
        boxes = np.hstack([here[:, 2:4], here[:, 2:4] + here[:, 4:6]]).astype(np.float32)
        stamp = Stamp("tud", index, index / 25, (480, 640))
        scores, labels = here[:, 6].astype(np.float32), np.zeros(len(here), np.int64)
        tracks[index] = people_of(tracker.update(Detections(stamp, boxes, scores, labels)))
    return score_tracks(truth, tracks)


@pytest.mark.parametrize(
    ("name", "mota"),
    [
        pytest.param("TUD-Campus", 62.7, id="campus"),
        pytest.param("TUD-Stadtmitte", 71.7, id="stadtmitte"),
    ],
)
def test_sort_as_published(test_data: Path, name: str, mota: float) -> None:
    """With the original settings SORT scores what its authors' code scores on MOT15."""
    pytest.importorskip("trackeval")
    tracker = Sort(track_threshold=0, max_lost_frames=1, min_hits=3, min_iou=0.3)

    score = mot15(test_data / "mot15" / name, tracker)

    assert round(score.mota, 1) == mota
    if name == "TUD-Campus":
        assert (score.false_positives, score.false_negatives, score.id_switches) == (15, 113, 6)


@pytest.mark.parametrize(
    ("name", "mota"),
    [
        pytest.param("TUD-Campus", 62.7, id="campus"),
        pytest.param("TUD-Stadtmitte", 71.7, id="stadtmitte"),
    ],
)
def test_the_recommended_tracker_elsewhere(test_data: Path, name: str, mota: float) -> None:
    """On sequences and a detector that it was not made with, it is no worse than SORT."""
    pytest.importorskip("trackeval")

    assert mot15(test_data / "mot15" / name, MotionTrack()).mota >= mota
