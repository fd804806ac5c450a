"""People counted in a real video, scored against ground truth, and the same every time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.clips import cut_clip
from tests.mot_scores import read_mot, score_tracks
from videoflow.app.config import read_config
from videoflow.app.shipped import find_config

NUM_FRAMES = 795
NUM_REPEATED = 240


def count(
    source: Path, out: Path, num_frames: int, placement: str = "auto", **inputs: str
) -> tuple[str, str]:
    """Count people in a video; return the texts of tracks and counts."""
    settings = {"source": str(source), "out": str(out), "device": "cpu", **inputs}
    config = read_config(find_config("count_people"), settings)
    report = config.build(placement=placement).run().join(600)
    assert report.streams[0].num_delivered == num_frames
    assert (out / "annotated.mp4").stat().st_size > 100_000
    return (out / "tracks.txt").read_text(), (out / "counts.jsonl").read_text()


@pytest.mark.slow
def test_tracks_score(test_data: Path, weights: Path, tmp_path: Path) -> None:
    """Over the whole sample video MOTA is at least 74, IDF1 at least 77."""
    count(test_data / "video" / "vtest.avi", tmp_path, NUM_FRAMES)

    truth = read_mot(test_data / "pets09_vtest" / "PETS09-S2L1_gt_frames1-69.txt")
    score = score_tracks(truth, read_mot(tmp_path / "tracks.txt"))
    assert score.mota >= 74
    assert score.idf1 >= 77


@pytest.mark.slow
def test_tracks_repeat(test_data: Path, weights: Path, tmp_path: Path) -> None:
    """Placement and batch size change nothing.

    The placements give the same bytes; another batch size the same ids and counts, and boxes
    within 0.1 pixels.
    """
    part = tmp_path / "part.avi"
    cut_clip(test_data / "video" / "vtest.avi", part, num_frames=NUM_REPEATED)

    tracks, counts = count(part, tmp_path / "auto", NUM_REPEATED)
    others = [
        count(part, tmp_path / placement, NUM_REPEATED, placement)
        for placement in ("process", "fused")
    ]
    other_tracks, other_counts = count(part, tmp_path / "three", NUM_REPEATED, batch="3")

    assert others == [(tracks, counts)] * 2
    assert counts == other_counts != ""
    one, other = (
        np.loadtxt(text.splitlines(), delimiter=",") for text in (tracks, other_tracks)
    )
    np.testing.assert_array_equal(one[:, :2], other[:, :2])
    assert np.abs(one[:, 2:6] - other[:, 2:6]).max() <= 0.1
