"""People counted in a real video, scored against ground truth, and the same every time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.mot_scores import read_mot, score_tracks
from videoflow.app.config import read_config
from videoflow.app.shipped import find_config


def count(
    test_data: Path, out: Path, placement: str = "auto", **inputs: str
) -> tuple[str, str]:
    """Count people in the sample video; return the texts of tracks and counts."""
    settings = {
        "source": str(test_data / "video" / "vtest.avi"),
        "out": str(out),
        "device": "cpu",
        **inputs,
    }
    config = read_config(find_config("count_people"), settings)
    report = config.build(placement=placement).run().join(300)
    assert report.streams[0].num_delivered == 795
    assert (out / "annotated.mp4").stat().st_size > 100_000
    return (out / "tracks.txt").read_text(), (out / "counts.jsonl").read_text()


@pytest.mark.slow
def test_tracks_score_and_repeat(test_data: Path, weights: Path, tmp_path: Path) -> None:
    """MOTA is at least 74, IDF1 at least 77; placement and batch size change nothing.

    The placements give the same bytes; another batch size the same ids and counts, and boxes
    within 0.1 pixels.
    """
    tracks, counts = count(test_data, tmp_path / "auto")

    truth = read_mot(test_data / "pets09_vtest" / "PETS09-S2L1_gt_frames1-69.txt")
    score = score_tracks(truth, read_mot(tmp_path / "auto" / "tracks.txt"))
    assert score.mota >= 74
    assert score.idf1 >= 77
    for placement in ("process", "fused"):
        assert count(test_data, tmp_path / placement, placement) == (tracks, counts)
    other_tracks, other_counts = count(test_data, tmp_path / "three", batch="3")
    assert counts == other_counts
    one, other = (
        np.loadtxt(text.splitlines(), delimiter=",") for text in (tracks, other_tracks)
    )
    np.testing.assert_array_equal(one[:, :2], other[:, :2])
    assert np.abs(one[:, 2:6] - other[:, 2:6]).max() <= 0.1
