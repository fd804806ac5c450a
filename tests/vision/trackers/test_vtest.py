"""The tracker on the people of ``vtest.avi``, found by a detector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.mot_scores import people_of, read_mot, score_tracks
from videoflow.data import Detections, Stamp
from videoflow.vision.trackers import ByteTrack


def test_vtest_people_keep_their_ids(test_data: Path) -> None:
    """The detections alone reach a MOTA of 59; with tracks it is more, at few id switches."""
    pytest.importorskip("trackeval")
    folder = test_data / "pets09_vtest"
    truth = read_mot(folder / "PETS09-S2L1_gt_frames1-69.txt")
    rows = np.loadtxt(folder / "PETS09-S2L1_frcnn_det.txt", delimiter=",")
    tracker = ByteTrack()

    tracks = {}
    for index in range(69):
        here = rows[rows[:, 0] == index + 1]
        boxes = np.hstack([here[:, 2:4], here[:, 2:4] + here[:, 4:6]]).astype(np.float32)
        stamp = Stamp("vtest", index, index / 10, (576, 768))
        scores, labels = here[:, 6].astype(np.float32), np.zeros(len(here), np.int64)
        tracks[index] = people_of(tracker.update(Detections(stamp, boxes, scores, labels)))

    score = score_tracks(truth, tracks)
    assert score.mota > 60
    assert score.id_switches <= 5
