"""OC-SORT: SORT that trusts what was seen more than what was predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from videoflow.vision.assignment import best_pairs
from videoflow.vision.boxes import F64, iou
from videoflow.vision.kalman import AreaMotion
from videoflow.vision.trackers import table as c
from videoflow.vision.trackers.crowd import Crowd
from videoflow.vision.trackers.sort import show_streaks
from videoflow.vision.trackers.tracker import Pairs, Tracker

__all__ = ["OcSort"]

_LAST_BOX = slice(c.NUM_COLUMNS, c.NUM_COLUMNS + 4)
_EARLIER_BOX = slice(c.NUM_COLUMNS + 4, c.NUM_COLUMNS + 8)
_DIRECTION = slice(c.NUM_COLUMNS + 8, c.NUM_COLUMNS + 10)
_FROZEN = slice(c.NUM_COLUMNS + 10, c.NUM_COLUMNS + 30)
_HISTORY = c.NUM_COLUMNS + 30
GATED = False


class OcSort(Tracker):
    """Follow the objects of one stream."""

    def __init__(
        self,
        *,
        track_threshold: float = 0.6,
        min_iou: float = 0.3,
        max_lost_frames: int = 30,
        min_hits: int = 3,
        momentum_weight: float = 0.2,
        momentum_frames: int = 3,
    ) -> None:
        self._num_columns = _HISTORY + 5 * momentum_frames
        super().__init__(
            AreaMotion(),
            least_score=track_threshold,
            new_score=0.0,
            max_lost_frames=max_lost_frames,
        )
        self._min_iou = min_iou
        self._min_hits = min_hits
        self._momentum_weight = momentum_weight
        self._momentum_frames = momentum_frames

    def _predict(self, tracks: F64) -> None:
        super()._predict(tracks)

    def _expect(self, tracks: F64, clocks: Any) -> None:
        """Save what a replay will begin with, and where the track was some frames ago."""
        num = self._momentum_frames
        history = tracks[:, _HISTORY:].reshape(len(tracks), num, 5)
        when = history[:, :, 4]
        now = np.asarray(clocks)[..., None]
        order = np.where(when >= now - num, when, 1e15 - when)
        k = order.argmin(axis=1)
        tracks[:, _EARLIER_BOX] = history[np.arange(len(tracks)), k, :4]
        is_fresh = tracks[:, c.LAST_SEEN] == clocks - 1
        tracks[:, _FROZEN] = np.where(
            is_fresh[:, None], tracks[:, c.BELIEF], tracks[:, _FROZEN]
        )

    def _pair(self, tracks: F64, boxes_xyxy: F64, found: F64) -> Pairs:
        overlap = iou(boxes_xyxy, found[:, c.BOX])
        is_same = tracks[:, c.LABEL, None] == found[:, c.FOUND_LABEL]
        overlap *= is_same
        is_near = overlap > self._min_iou
        if not is_near.size:
            return is_near.nonzero()
        if is_near.sum(axis=0).max() <= 1 and is_near.sum(axis=1).max() <= 1:
            i, j = is_near.nonzero()
        elif GATED:
            gain = np.where(is_near, overlap - self._min_iou, 0)
            gain += is_near * np.maximum(self._momentum(tracks, found), -0.2)
            i, j = best_pairs(gain, least=0)
        else:
            likeness = overlap + self._momentum(tracks, found)
            i, j = linear_sum_assignment(likeness, maximize=True)
            is_pair = overlap[i, j] >= self._min_iou
            i, j = i[is_pair], j[is_pair]
        if len(i) < len(tracks) and len(j) < len(found):
            is_left = np.ones(len(tracks), np.bool_)
            is_left[i] = False
            is_free = np.ones(len(found), np.bool_)
            is_free[j] = False
            t, d = is_left.nonzero()[0], is_free.nonzero()[0]
            overlap = iou(tracks[t, _LAST_BOX], found[d, c.BOX]) * is_same[np.ix_(t, d)]
            if overlap.max() > self._min_iou:
                k, m = linear_sum_assignment(overlap, maximize=True)
                is_pair = overlap[k, m] >= self._min_iou
                i = np.concatenate([i, t[k[is_pair]]])
                j = np.concatenate([j, d[m[is_pair]]])
        return i, j

    def _momentum(self, tracks: F64, found: F64) -> F64:
        boxes = tracks[:, _EARLIER_BOX]
        before = (boxes[:, :2] + boxes[:, 2:]) / 2
        after = (found[:, :2] + found[:, 2:4]) / 2
        dx = after[:, 0] - before[:, :1]
        dy = after[:, 1] - before[:, 1:]
        cosine = tracks[:, _DIRECTION][:, :1] * dx + tracks[:, _DIRECTION][:, 1:] * dy
        cosine /= np.hypot(dx, dy) + 1e-6
        angle = np.arcsin(np.clip(cosine, -1, 1))
        is_known = boxes[:, 2:3] > boxes[:, :1]
        return angle * (self._momentum_weight / np.pi) * is_known * found[:, c.FOUND_SCORE]

    def _learn(self, seen: F64, found: F64, clocks: Any) -> None:
        is_known = seen[:, _LAST_BOX.stop - 2] > seen[:, _LAST_BOX.start]
        gaps = clocks - seen[:, c.LAST_SEEN]
        back = (is_known & (gaps > 1)).nonzero()[0]
        if len(back):
            again = seen[back]
            self._replay(again, found[back], gaps[back])
            seen[back] = again
        super()._learn(seen, found, clocks)
        earlier = seen[:, _EARLIER_BOX]
        way = found[:, :2] + found[:, 2:4] - earlier[:, :2] - earlier[:, 2:]
        way /= 2
        way /= np.hypot(way[:, :1], way[:, 1:]) + 1e-6
        seen[:, _DIRECTION] = np.where(is_known[:, None], way, 0.0)
        seen[:, _LAST_BOX] = found[:, c.BOX]
        slot = np.asarray(clocks, np.intp) % self._momentum_frames
        at = _HISTORY + 5 * slot
        rows = np.arange(len(seen))
        for k in range(4):
            seen[rows, at + k] = found[:, k]
        seen[rows, at + 4] = clocks

    def _replay(self, seen: F64, found: F64, gaps: F64) -> None:
        """Walk again, in a straight line, where nobody looked."""

        def sides(boxes: F64) -> F64:
            return np.hstack([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]])

        start = sides(seen[:, _LAST_BOX])
        step = (sides(found[:, c.BOX]) - start) / gaps[:, None]
        seen[:, c.BELIEF] = seen[:, _FROZEN]
        for k in range(1, int(gaps.max()) + 1):
            rows = (gaps >= k).nonzero()[0]
            now = seen[rows]
            if k > 1:
                self._motion.predict(c.beliefs(now))
            here = start[rows] + k * step[rows]
            half = here[:, 2:] / 2
            self._motion.correct(
                c.beliefs(now), np.hstack([here[:, :2] - half, here[:, :2] + half])
            )
            seen[rows] = now

    def _born(self, found: F64, clocks: Any) -> F64:
        tracks = super()._born(found, clocks)
        tracks[:, _HISTORY + 4 :: 5] = -1e15
        return tracks

    def _shown_boxes(self, shown: F64) -> F64:
        boxes = shown[:, _LAST_BOX]
        is_known = boxes[:, 2:3] > boxes[:, :1]
        if is_known.all():
            return boxes
        return np.where(is_known, boxes, super()._shown_boxes(shown))

    def _settle(self, crowd: Crowd) -> None:
        show_streaks(crowd, self._min_hits)
