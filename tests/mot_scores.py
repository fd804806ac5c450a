"""Score tracks that are in memory against ground truth, on the frames that the truth has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from videoflow.data import MotRows, Tracks
from videoflow.data import read_mot as read_rows
from videoflow.evaluation import MotScore, score_mot

__all__ = ["MotScore", "people_of", "read_mot", "score_tracks"]

People = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Ids ``[M]`` and boxes_xyxy ``[M, 4]``."""


def read_mot(path: Path) -> dict[int, People]:
    """Read MOTChallenge text: 0-based frame index to ids and boxes."""
    rows = read_rows(path)
    boxes = rows.boxes_xywh.copy()
    boxes[:, 2:] += boxes[:, :2]
    return {
        frame - 1: (rows.ids[rows.frames == frame], boxes[rows.frames == frame])
        for frame in np.unique(rows.frames).tolist()
    }


def people_of(tracks: Tracks) -> People:
    """Return the ids and boxes of one frame's tracks."""
    return tracks.ids, tracks.boxes_xyxy.astype(np.float64)


def score_tracks(truth: Mapping[int, People], tracks: Mapping[int, People]) -> MotScore:
    """Score ``tracks`` on the frames that ``truth`` has.

    Args:
        truth: Frame index to who is there.
        tracks: Frame index to who was found; frames may be missing.
    """
    pair = (_rows(truth, truth), _rows(tracks, truth))
    return score_mot({"pair": pair})["pair"]


def _rows(people: Mapping[int, People], truth: Mapping[int, People]) -> MotRows:
    nobody: People = (np.zeros(0, np.int64), np.zeros((0, 4)))
    frames = [people.get(index, nobody) for index in sorted(truth)]
    numbers = np.repeat(np.arange(1, len(frames) + 1), [len(ids) for ids, _ in frames])
    boxes = np.concatenate([boxes for _, boxes in frames])
    boxes[:, 2:] -= boxes[:, :2]
    ids = np.concatenate([ids for ids, _ in frames])
    return MotRows(numbers, ids, boxes, np.ones(len(ids)))
