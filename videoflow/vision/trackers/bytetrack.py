"""ByteTrack: associate every detection box, also the weak ones."""

from __future__ import annotations

import numpy as np

from videoflow.vision.assignment import best_pairs
from videoflow.vision.boxes import Boxes, F64, iou
from videoflow.vision.kalman import AspectMotion
from videoflow.vision.trackers import table as c
from videoflow.vision.trackers.crowd import Crowd
from videoflow.vision.trackers.tracker import Pairs, Tracker

__all__ = ["ByteTrack"]

_WEAK_SCORE = 0.1
_WEAK_MAX_COST = 0.5
_NEWBORN_MAX_COST = 0.7
_TWIN_IOU = 0.85
_MOTION = AspectMotion()


NEWBORN_RESTS = True


class ByteTrack(Tracker):
    """Follow the objects of one stream."""

    _holds_size = True

    def __init__(
        self,
        *,
        track_threshold: float = 0.6,
        new_track_threshold: float = 0.7,
        max_cost: float = 0.9,
        max_lost_frames: int = 30,
    ) -> None:
        super().__init__(
            AspectMotion(),
            least_score=_WEAK_SCORE,
            new_score=new_track_threshold,
            max_lost_frames=max_lost_frames,
        )
        self._track_threshold = float(np.float32(track_threshold))
        self._max_cost = max_cost

    def _predict(self, tracks: F64) -> None:
        beliefs = c.beliefs(tracks)
        beliefs[(tracks[:, c.IS_LOST] > 0), 1, 3] = 0.0
        is_newborn = tracks[:, c.ID] == 0
        before = beliefs[is_newborn]
        self._motion.predict(beliefs)
        if NEWBORN_RESTS:
            beliefs[is_newborn] = before

    def _pair(self, tracks: F64, boxes_xyxy: F64, found: F64) -> Pairs:
        overlap = _overlap(boxes_xyxy, found[:, c.BOX])
        overlap *= tracks[:, c.LABEL, None] == found[:, c.FOUND_LABEL]
        scores = found[:, c.FOUND_SCORE]
        is_strong = scores > self._track_threshold
        is_known = tracks[:, c.ID] > 0
        likeness = overlap * scores
        i, j = best_pairs(likeness * (is_known[:, None] & is_strong), least=1 - self._max_cost)
        is_left = tracks[:, c.IS_LOST] == 0
        is_left[i] = False
        t, d = (is_left & is_known).nonzero()[0], (~is_strong).nonzero()[0]
        if len(t) and len(d):
            k, l = best_pairs(overlap[np.ix_(t, d)], least=1 - _WEAK_MAX_COST)
            i, j = np.concatenate([i, t[k]]), np.concatenate([j, d[l]])
        t = (~is_known).nonzero()[0]
        if len(t):
            is_strong[j] = False
            d = is_strong.nonzero()[0]
            k, l = best_pairs(likeness[np.ix_(t, d)], least=1 - _NEWBORN_MAX_COST)
            i, j = np.concatenate([i, t[k]]), np.concatenate([j, d[l]])
        return i, j

    def _settle(self, crowd: Crowd) -> None:
        settle(crowd)


def settle(crowd: Crowd) -> None:
    tracks = crowd.tracks
    is_newborn = tracks[:, c.ID] == 0
    if is_newborn.any():
        crowd.keep(~is_newborn | (tracks[:, c.IS_LOST] == 0))
        tracks = crowd.tracks
        is_old = tracks[:, c.LAST_SEEN] > tracks[:, c.FIRST_SEEN]
        is_first = crowd.of_tracks([memory.num_looks == 1 for memory in crowd.memories])
        crowd.confirm((tracks[:, c.ID] == 0) & (is_old | is_first))
    drop_twins(crowd)
    tracks = crowd.tracks
    tracks[:, c.IS_SHOWN] = (tracks[:, c.IS_LOST] == 0) & (tracks[:, c.ID] > 0)


def drop_twins(crowd: Crowd) -> None:
    """Where a lost and a seen track lie on each other, keep the one with more history."""
    tracks = crowd.tracks
    is_lost = tracks[:, c.IS_LOST] > 0
    if not is_lost.any():
        return
    is_kept = np.ones(len(tracks), np.bool_)
    life = tracks[:, c.LAST_SEEN] - tracks[:, c.FIRST_SEEN]
    for place in crowd.slices(tracks[:, c.STREAM]):
        lost = is_lost[place].nonzero()[0] + place.start
        if not len(lost):
            continue
        seen = (~is_lost[place]).nonzero()[0] + place.start
        boxes = _MOTION.boxes_xyxy(c.beliefs(tracks))
        is_twin = _overlap(boxes[seen], boxes[lost]) > _TWIN_IOU
        is_twin &= tracks[seen, None, c.LABEL] == tracks[lost, c.LABEL]
        i, j = is_twin.nonzero()
        is_younger = life[seen[i]] > life[lost[j]]
        is_kept[np.where(is_younger, lost[j], seen[i])] = False
    crowd.keep(is_kept)


def _overlap(boxes_xyxy: Boxes, others_xyxy: Boxes) -> F64:
    pixel = np.array([0, 0, 1, 1])
    return iou(boxes_xyxy + pixel, others_xyxy + pixel)
