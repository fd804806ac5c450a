"""Strong boxes first, weak boxes second: what ByteTrack and its heirs share.

A weak box alone is noise, but a weak box where a known person is expected is that person, half
hidden. So strong boxes are matched first, to all known tracks, and weak boxes then, to the
tracks that are left and were just seen. A newborn track has a second look at what strong boxes
nobody claims, or is forgotten.

Source: Zhang et al., *ByteTrack: multi-object tracking by associating every detection box*,
ECCV 2022, algorithm 1, and the authors' code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videoflow.vision.assignment import best_pairs
from videoflow.vision.boxes import F64, iou
from videoflow.vision.kalman import BoxMotion
from videoflow.vision.trackers import table as c
from videoflow.vision.trackers.crowd import Crowd
from videoflow.vision.trackers.tracker import Pairs

__all__ = [
    "WEAK_SCORE",
    "Gates",
    "pair_known",
    "pair_others",
    "settle",
    "whole_pixel_iou",
    "whole_pixels",
]

WEAK_SCORE = 0.1  # a detection at or below is no detection
_TWIN_IOU = 0.85  # a lost and a seen track that overlap more are one person
_PIXEL = np.array([0.0, 0.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True)
class Gates:
    """What a pair must exceed.

    Attributes:
        strong_score: A score above is strong.
        weak_score: A score below is weak.
        known: Least likeness of a strong box and a known track.
        weak: Least overlap of a weak box and a known track.
        newborn: Least likeness of a strong box and a newborn track.
        weak_finds_lost: Whether a weak box may be a track that was lost before this look.
    """

    strong_score: float
    weak_score: float
    known: float
    weak: float = 0.5
    newborn: float = 0.3
    weak_finds_lost: bool = False


def whole_pixels(boxes_xyxy: F64) -> F64:
    """Return boxes that hold the last row and column of pixels which they touch.

    The authors count so; it is kinder to small boxes, and worth 0.2 HOTA on MOT17.
    """
    whole: F64 = boxes_xyxy + _PIXEL
    return whole


def whole_pixel_iou(boxes_xyxy: F64, others_xyxy: F64) -> F64:
    """Return ``iou`` of the ``whole_pixels`` of boxes."""
    return iou(whole_pixels(boxes_xyxy), whole_pixels(others_xyxy))


def pair_known(tracks: F64, found: F64, likeness: F64, gates: Gates) -> Pairs:
    """Pair strong boxes with known tracks, seen or lost."""
    is_strong = found[:, c.FOUND_SCORE] > gates.strong_score
    is_known = tracks[:, c.ID] > 0
    return best_pairs(likeness * np.logical_and.outer(is_known, is_strong), least=gates.known)


def pair_others(  # noqa: PLR0913 - what ``pair_known`` takes, its result and the gates
    tracks: F64, found: F64, pairs: Pairs, *, likeness: F64, overlap: F64, gates: Gates
) -> Pairs:
    """Add to ``pairs`` those of weak boxes, and those of newborn tracks."""
    is_known = tracks[:, c.ID] > 0
    is_open = (
        is_known.copy() if gates.weak_finds_lost else is_known & (tracks[:, c.IS_LOST] == 0)
    )
    is_open[pairs[0]] = False
    is_free = found[:, c.FOUND_SCORE] > gates.strong_score
    is_weak = found[:, c.FOUND_SCORE] < gates.weak_score
    is_free[pairs[1]] = False
    weak = _pair_among(overlap, is_open, is_weak, least=gates.weak)
    newborn = _pair_among(likeness, ~is_known, is_free, least=gates.newborn)
    parts = [part for part in (pairs, weak, newborn) if part]
    if len(parts) == 1:
        return pairs
    return (
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
    )


def _pair_among(
    likeness: F64, is_row: NDArray[np.bool_], is_column: NDArray[np.bool_], *, least: float
) -> Pairs | None:
    rows, columns = is_row.nonzero()[0], is_column.nonzero()[0]
    if not len(rows) or not len(columns):
        return None
    i, j = best_pairs(likeness[rows[:, None], columns], least=least)
    return rows[i], columns[j]


def settle(crowd: Crowd, motion: BoxMotion, likeness: Callable[[F64, F64], F64]) -> None:
    """Confirm a track at its second look, or in the stream's first; show who is seen."""
    is_newborn = crowd.tracks[:, c.ID] == 0
    if is_newborn.any():
        crowd.keep(~is_newborn | (crowd.tracks[:, c.IS_LOST] == 0))
        tracks = crowd.tracks
        is_first = crowd.of_tracks([memory.num_looks == 1 for memory in crowd.memories])
        crowd.confirm((tracks[:, c.ID] == 0) & ((tracks[:, c.STREAK] > 0) | is_first))
    is_lost = crowd.tracks[:, c.IS_LOST] > 0
    if is_lost.any():
        crowd.keep(~_is_twin(crowd, is_lost, motion, likeness))
    tracks = crowd.tracks
    tracks[:, c.IS_SHOWN] = (tracks[:, c.IS_LOST] == 0) & (tracks[:, c.ID] > 0)


def _is_twin(
    crowd: Crowd,
    is_lost: NDArray[np.bool_],
    motion: BoxMotion,
    overlap: Callable[[F64, F64], F64],
) -> NDArray[np.bool_]:
    """Where a lost and a seen track lie on each other, say which has less history."""
    tracks = crowd.tracks
    boxes_xyxy = motion.boxes_xyxy(c.beliefs(tracks))
    life = tracks[:, c.LAST_SEEN] - tracks[:, c.FIRST_SEEN]
    is_twin = np.zeros(len(tracks), np.bool_)
    for place in crowd.slices(tracks[:, c.STREAM]):
        lost = is_lost[place].nonzero()[0] + place.start
        if not len(lost):
            continue
        seen = (~is_lost[place]).nonzero()[0] + place.start
        is_alike = overlap(boxes_xyxy[seen], boxes_xyxy[lost]) > _TWIN_IOU
        if not is_alike.any():
            continue
        is_alike &= tracks[seen, c.LABEL, None] == tracks[lost, c.LABEL]
        i, j = is_alike.nonzero()
        is_lost_younger = life[seen[i]] > life[lost[j]]
        is_twin[np.where(is_lost_younger, lost[j], seen[i])] = True
    return is_twin
