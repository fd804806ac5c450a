"""OC-SORT: SORT that trusts what was seen more than what was predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from videoflow.vision.assignment import pair_all_then_refuse
from videoflow.vision.boxes import F64, iou
from videoflow.vision.kalman import AreaMotion, picture_scale
from videoflow.vision.trackers import table as c
from videoflow.vision.trackers.crowd import Crowd
from videoflow.vision.trackers.sort import show_streaks
from videoflow.vision.trackers.tracker import Pairs, Tracker

__all__ = ["OcSort"]

# The algorithm's own columns of a track.
_LAST_BOX = slice(c.NUM_COLUMNS, c.NUM_COLUMNS + 4)  # zeros until its second look
_EARLIER_BOX = slice(c.NUM_COLUMNS + 4, c.NUM_COLUMNS + 8)  # some frames before this one
_DIRECTION = slice(c.NUM_COLUMNS + 8, c.NUM_COLUMNS + 10)  # unit vector (x, y)
_FROZEN = slice(c.NUM_COLUMNS + 10, c.NUM_COLUMNS + 30)  # belief one frame after it was seen
_HISTORY = c.NUM_COLUMNS + 30  # a ring of (box, clock), [momentum_frames, 5]
_NEVER = -1e15


class OcSort(Tracker):
    """Follow the objects of one stream by overlap and heading.

    Three things beside SORT. *Momentum*: of two tracks that overlap a box, the one that was
    heading there is preferred. *Recovery*: what is left over is matched again with the boxes
    where tracks were last seen, as people stop. *Replay*: when a track is found again, its
    filter walks the gap once more along a straight line between the two looks, so that what it
    made up meanwhile is forgotten. The boxes that come out are those of the detector.

    Tracks are confirmed as in ``Sort``. Reproduces the authors' figures to the last digit.
    Boxes of different classes never belong to one track.

    Args:
        track_threshold: Score above which a detection counts, 0 to 1.
        min_iou: Least overlap of a track and a detection, 0 to 1.
        max_lost_frames: For how many frames of the source a lost track can be found again.
        min_hits: After how many more looks a new track comes out.
        momentum_weight: How much heading counts beside IoU, 0 to 1.
        momentum_frames: Over how many frames of the source a heading is measured, at least 1.

    Raises:
        ConfigError: A value out of range.

    Source: Cao et al., *Observation-centric SORT: rethinking SORT for robust multi-object
    tracking*, CVPR 2023.
    """

    def __init__(  # noqa: PLR0913 - the paper's own, all by name
        self,
        *,
        track_threshold: float = 0.6,
        min_iou: float = 0.3,
        max_lost_frames: int = 30,
        min_hits: int = 3,
        momentum_weight: float = 0.2,
        momentum_frames: int = 3,
    ) -> None:
        self._min_iou = min_iou
        self._min_hits = min_hits
        self._momentum_weight = momentum_weight
        self._momentum_frames = momentum_frames
        super().__init__(
            AreaMotion(),
            least_score=track_threshold,
            new_score=0.0,
            max_lost_frames=max_lost_frames,
            settings={
                "track_threshold": track_threshold,
                "min_iou": min_iou,
                "max_lost_frames": max_lost_frames,
                "min_hits": min_hits,
                "momentum_weight": momentum_weight,
                "momentum_frames": momentum_frames,
            },
        )

    def _num_columns(self) -> int:
        return _HISTORY + 5 * self._momentum_frames

    def _predict(self, tracks: F64, unseen: F64) -> None:
        super()._predict(tracks, unseen)
        is_fresh = unseen == 1
        if is_fresh.all():
            tracks[:, _FROZEN] = tracks[:, c.BELIEF]
        else:
            tracks[is_fresh, _FROZEN] = tracks[is_fresh, c.BELIEF]

    def _warp(self, tracks: F64, warp: F64) -> None:
        super()._warp(tracks, warp)
        self._motion.warp(tracks[:, _FROZEN].reshape(-1, 5, 4), warp)
        history = tracks[:, _HISTORY:].reshape(len(tracks), self._momentum_frames, 5)  # a view
        remembered = history[:, :, :4]
        for boxes_xyxy in (tracks[:, None, _LAST_BOX], remembered):
            boxes_xyxy[:] = _boxes(_warped(_centres_and_sides(boxes_xyxy), warp))

    def _expect(self, tracks: F64, clocks: Any) -> None:
        """Look up where each track was ``momentum_frames`` ago, or soon after."""
        num = self._momentum_frames
        history = tracks[:, _HISTORY:].reshape(len(tracks), num, 5)
        when = history[:, :, 4]
        is_recent = when >= np.asarray(clocks)[..., None] - num
        # The oldest of the recent ones; if there is none, the newest of all.
        place = np.where(is_recent, when, -_NEVER - when).argmin(axis=1)
        tracks[:, _EARLIER_BOX] = history[np.arange(len(tracks)), place, :4]

    def _pair(self, tracks: F64, boxes_xyxy: F64, found: F64) -> Pairs:
        is_alike = tracks[:, c.LABEL, None] == found[:, c.FOUND_LABEL]
        overlap = iou(boxes_xyxy, found[:, c.BOX])
        overlap *= is_alike
        is_near = overlap > self._min_iou
        if _is_unique(is_near):
            i, j = is_near.nonzero()
        else:
            likeness = overlap + self._momentum(tracks, found)
            i, j = pair_all_then_refuse(likeness, overlap, min_iou=self._min_iou)
        if len(i) == len(tracks) or len(j) == len(found):
            return i, j
        left, free = _others(len(tracks), i), _others(len(found), j)
        overlap = iou(tracks[left, _LAST_BOX], found[free, c.BOX])
        overlap *= is_alike[left[:, None], free]
        again, back = pair_all_then_refuse(overlap, overlap, min_iou=self._min_iou)
        return np.concatenate([i, left[again]]), np.concatenate([j, free[back]])

    def _momentum(self, tracks: F64, found: F64) -> F64:
        """Return what a box gains by lying where a track was heading, ``[T, D]``."""
        before, heading = tracks[:, _EARLIER_BOX], tracks[:, _DIRECTION]
        after = found[:, c.BOX]
        way = (after[:, :2] + after[:, 2:]).T[:, None] / 2  # [2, 1, D]
        way = way - (before[:, :2] + before[:, 2:]).T[:, :, None] / 2  # [2, T, D]
        length = np.sqrt(np.square(way).sum(axis=0)) + 1e-6
        cosine = (way * heading.T[:, :, None]).sum(axis=0) / length
        angle = np.arcsin(np.clip(cosine, -1.0, 1.0))  # pi / 2 straight ahead
        gain: F64 = angle * (self._momentum_weight / np.pi * found[:, c.FOUND_SCORE])
        return gain

    def _learn(self, seen: F64, found: F64, clocks: Any) -> None:
        is_known = _is_known(seen)
        gaps = clocks - seen[:, c.LAST_SEEN]
        back = (is_known & (gaps > 1)).nonzero()[0]
        if len(back):
            again = seen[back]
            self._replay(again, found[back], gaps[back])
            seen[back] = again
        super()._learn(seen, found, clocks)
        boxes_xyxy, before = found[:, c.BOX], seen[:, _EARLIER_BOX]
        way = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:] - before[:, :2] - before[:, 2:]) / 2
        way /= np.sqrt(np.square(way).sum(axis=1, keepdims=True)) + 1e-6
        seen[:, _DIRECTION] = way * is_known[:, None]
        seen[:, _LAST_BOX] = boxes_xyxy
        self._note(seen, boxes_xyxy, clocks)

    def _note(self, seen: F64, boxes_xyxy: F64, clocks: Any) -> None:
        """Write the look into the ring."""
        rows = np.arange(len(seen))
        place = np.broadcast_to(np.asarray(clocks, np.intp) % self._momentum_frames, len(seen))
        history = seen[:, _HISTORY:].reshape(len(seen), self._momentum_frames, 5)  # a view
        history[rows, place, :4] = boxes_xyxy
        history[rows, place, 4] = clocks

    def _replay(self, seen: F64, found: F64, gaps: F64) -> None:
        """Walk the frames between two looks again, as if seen on a straight line."""
        start = _centres_and_sides(seen[:, _LAST_BOX])
        step = (_centres_and_sides(found[:, c.BOX]) - start) / gaps[:, None]
        seen[:, c.BELIEF] = seen[:, _FROZEN]
        for number in range(1, int(gaps.max()) + 1):
            rows = (gaps >= number).nonzero()[0]
            walking = c.beliefs(seen[rows])  # a copy
            if number > 1:
                self._motion.predict(walking)
            self._motion.correct(walking, _boxes(start[rows] + number * step[rows]))
            seen[rows, c.BELIEF] = walking.reshape(-1, 20)

    def _begin(self, found: F64, clocks: Any) -> F64:
        tracks = super()._begin(found, clocks)
        tracks[:, _HISTORY + 4 :: 5] = _NEVER
        return tracks

    def _shown_boxes(self, shown: F64) -> F64:
        is_known = _is_known(shown)
        if is_known.all():
            return shown[:, _LAST_BOX]
        return np.where(is_known[:, None], shown[:, _LAST_BOX], super()._shown_boxes(shown))

    def _settle(self, crowd: Crowd) -> None:
        show_streaks(crowd, min_hits=self._min_hits)


def _is_known(tracks: F64) -> NDArray[np.bool_]:
    is_known: NDArray[np.bool_] = tracks[:, _LAST_BOX.stop - 1] > tracks[:, _LAST_BOX.start + 1]
    return is_known


def _is_unique(is_near: NDArray[np.bool_]) -> bool:
    """Say whether no row and no column is near to two."""
    num = np.count_nonzero(is_near)
    rows, columns = is_near.any(axis=1), is_near.any(axis=0)
    return bool(num == np.count_nonzero(rows) == np.count_nonzero(columns))


def _others(num: int, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    is_other = np.ones(num, np.bool_)
    is_other[rows] = False
    return is_other.nonzero()[0]


def _centres_and_sides(boxes_xyxy: F64) -> F64:
    low, high = boxes_xyxy[..., :2], boxes_xyxy[..., 2:]
    return np.concatenate([(low + high) / 2, high - low], axis=-1)


def _boxes(centres_and_sides: F64) -> F64:
    centres, half = centres_and_sides[..., :2], centres_and_sides[..., 2:] / 2
    return np.concatenate([centres - half, centres + half], axis=-1)


def _warped(centres_and_sides: F64, warp: F64) -> F64:
    centres = centres_and_sides[..., :2] @ warp[:, :2].T + warp[:, 2]
    sides = centres_and_sides[..., 2:] * picture_scale(warp)
    return np.concatenate([centres, sides], axis=-1)
