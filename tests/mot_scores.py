"""Score tracks against ground truth: MOTA and IDF1 at IoU 0.5, by TrackEval's own metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from videoflow.data import Tracks
from videoflow.vision.boxes import iou

__all__ = ["MotScore", "read_mot", "score_tracks"]

People = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Ids ``[M]`` and boxes_xyxy ``[M, 4]``."""


@dataclass(frozen=True, slots=True)
class MotScore:
    """MOTA and IDF1 in per cent, and what MOTA counts: boxes, and switches of an id."""

    mota: float
    idf1: float
    id_switches: int
    false_positives: int
    misses: int


def read_mot(path: Path) -> dict[int, People]:
    """Read MOTChallenge text: 0-based frame index to ids and boxes."""
    rows = np.loadtxt(path, delimiter=",", ndmin=2)
    frames = {}
    for frame in np.unique(rows[:, 0]).astype(int).tolist():
        here = rows[rows[:, 0] == frame]
        boxes = np.hstack([here[:, 2:4], here[:, 2:4] + here[:, 4:6]])
        frames[frame - 1] = (here[:, 1].astype(np.int64), boxes)
    return frames


def people_of(tracks: Tracks) -> People:
    """Return the ids and boxes of one frame's tracks."""
    return tracks.ids, tracks.boxes_xyxy.astype(np.float64)


def score_tracks(truth: Mapping[int, People], tracks: Mapping[int, People]) -> MotScore:
    """Score ``tracks`` on the frames that ``truth`` has.

    Args:
        truth: Frame index to who is there.
        tracks: Frame index to who was found; frames may be missing.
    """
    import trackeval

    nobody: People = (np.zeros(0, np.int64), np.zeros((0, 4)))
    pairs = [(truth[index], tracks.get(index, nobody)) for index in sorted(truth)]
    real_ids, real = _renumbered([people[0] for people, _ in pairs])
    found_ids, found = _renumbered([people[0] for _, people in pairs])
    data = {
        "gt_ids": real_ids,
        "tracker_ids": found_ids,
        "similarity_scores": [iou(there[1], seen[1]) for there, seen in pairs],
        "num_gt_ids": real,
        "num_tracker_ids": found,
        "num_gt_dets": sum(map(len, real_ids)),
        "num_tracker_dets": sum(map(len, found_ids)),
        "num_timesteps": len(pairs),
    }
    quiet = {"PRINT_CONFIG": False}
    clear = trackeval.metrics.CLEAR(quiet).eval_sequence(data)
    identity = trackeval.metrics.Identity(quiet).eval_sequence(data)
    return MotScore(
        100 * float(clear["MOTA"]),
        100 * float(identity["IDF1"]),
        int(clear["IDSW"]),
        int(clear["CLR_FP"]),
        int(clear["CLR_FN"]),
    )


def _renumbered(ids: list[NDArray[np.int64]]) -> tuple[list[NDArray[np.int64]], int]:
    known = np.unique(np.concatenate(ids))
    return [np.searchsorted(known, here) for here in ids], len(known)
