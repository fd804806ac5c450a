"""Scores of tracks, on sequences whose scores can be worked out by hand."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from videoflow.data import MotRows
from videoflow.errors import MissingDependencyError, SourceError
from videoflow.evaluation import ClassRule, MotScore, score_mot

pytest.importorskip("trackeval")


def rows(*people: tuple[int, ...], classes: list[int] | None = None, **changed: Any) -> MotRows:
    """Make rows of (frame, id, place): boxes of different places do not touch."""
    table = np.array(people, np.int64).reshape(-1, 3)
    boxes = np.array([[100 * place, 0, 40, 80] for place in table[:, 2]], np.float64)
    scores = np.array(changed.get("scores", [1] * len(table)), np.float64)
    labels = None if classes is None else np.array(classes, np.int64)
    return MotRows(table[:, 0], table[:, 1], boxes.reshape(-1, 4), scores, labels)


TWO_FRAMES = ((1, 1, 0), (1, 2, 1), (2, 1, 0), (2, 2, 1))


@pytest.mark.parametrize(
    ("found", "want"),
    [
        pytest.param(TWO_FRAMES, (100, 100, 0, 0, 0), id="perfect"),
        pytest.param((), (0, 0, 0, 0, 4), id="nobody"),
        pytest.param(((1, 7, 0), (2, 7, 0)), (50, 66.67, 0, 0, 2), id="one of two"),
        pytest.param(
            ((1, 1, 0), (1, 2, 1), (2, 3, 0), (2, 2, 1)), (75, 75, 1, 0, 0), id="a switch"
        ),
        pytest.param((*TWO_FRAMES, (2, 5, 4)), (75, 88.89, 0, 1, 0), id="a phantom"),
        pytest.param(((1, -5, 0), (2, -5, 0)), (50, 66.67, 0, 0, 2), id="a negative id"),
    ],
)
def test_scores_by_hand(
    found: tuple[tuple[int, ...], ...], want: tuple[float, float, int, int, int]
) -> None:
    """MOTA, IDF1, switches, false positives and negatives are what the definitions say."""
    score = score_mot({"a": (rows(*TWO_FRAMES), rows(*found))})["a"]

    mota, idf1, switches, positives, negatives = want
    assert (score.mota, score.idf1) == pytest.approx((mota, idf1), abs=0.01)
    counts = (score.id_switches, score.false_positives, score.false_negatives)
    assert counts == (switches, positives, negatives)


def test_perfect_tracks_have_a_hota_of_100() -> None:
    """HOTA is a mean over thresholds, in per cent."""
    assert score_mot({"a": (rows(*TWO_FRAMES), rows(*TWO_FRAMES))})["a"].hota == 100


def test_together_counts_boxes_not_sequences() -> None:
    """A long sequence weighs more than a short one, and ids of two are not mixed."""
    one = (rows(*TWO_FRAMES), rows(*TWO_FRAMES))
    other = (rows((1, 1, 0)), rows())

    scores = score_mot({"a": one, "b": other})

    assert list(scores) == ["a", "b", "together"]
    assert scores["together"].mota == pytest.approx(80)
    assert scores["together"].false_negatives == 1


@pytest.mark.parametrize(
    ("rule", "classes", "want"),
    [
        # MOT17: the car is not scored, and who stands on the distractor is not wrong.
        pytest.param("auto", [1, 3, 8], (0, 0), id="MOT17"),
        pytest.param("auto", None, (0, 1), id="no classes"),
        pytest.param("auto", [0, 3, 8], (0, 1), id="a model's labels"),
        pytest.param("ignore", [1, 3, 8], (0, 1), id="told to ignore them"),
        pytest.param("pedestrian", [1, 3, 8], (0, 0), id="told to take pedestrians"),
    ],
)
def test_classes_of_the_truth(
    rule: ClassRule, classes: list[int] | None, want: tuple[int, int]
) -> None:
    """With MOT17's classes only pedestrians count; without, everybody does."""
    truth = rows((1, 1, 0), (1, 2, 1), (1, 3, 2), classes=classes)

    score = score_mot({"a": (truth, rows((1, 1, 0), (1, 3, 2)))}, classes=rule)["a"]

    assert (score.false_positives, score.false_negatives) == want


@pytest.mark.parametrize(
    "classes", [pytest.param([1, 1], id="classes"), pytest.param(None, id="none")]
)
def test_a_box_marked_with_0_does_not_count(classes: list[int] | None) -> None:
    """The seventh column of a truth says whether a box is scored."""
    truth = rows((1, 1, 0), (1, 2, 1), classes=classes, scores=[1, 0])

    assert score_mot({"a": (truth, rows((1, 4, 0)))})["a"] == MotScore(100, 100, 100, 0, 0, 0)


def test_an_id_that_is_there_twice() -> None:
    """The message names sequence, frame and id."""
    with pytest.raises(SourceError, match="door: got id 7 2 times in frame 2"):
        score_mot({"door": (rows(*TWO_FRAMES), rows((1, 7, 0), (2, 7, 0), (2, 7, 1)))})
    with pytest.raises(SourceError, match="door, truth: got id 1 2 times in frame 1"):
        score_mot({"door": (rows((1, 1, 0), (1, 1, 1)), rows())})


def test_tracks_of_another_class() -> None:
    """Where pedestrians are scored, tracks of cars are refused, not counted as wrong."""
    truth, cars = rows((1, 1, 0), classes=[1]), rows((1, 1, 0), classes=[3])

    with pytest.raises(SourceError, match=r"classes \[3\], want only 1"):
        score_mot({"door": (truth, cars)})


def test_without_trackeval(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not installed it is told the one line that does."""
    monkeypatch.setitem(sys.modules, "trackeval", None)

    with pytest.raises(MissingDependencyError, match=r'pip install "videoflow\[eval\]"'):
        score_mot({"a": (rows(*TWO_FRAMES), rows())})
