"""ByteTrack: associate every detection box, also the weak ones.

A weak box alone is noise, but a weak box where a known person is expected is that person,
half hidden. So strong boxes are matched first, to all tracks, and weak boxes then, to the
tracks that are left and were just seen.

Source: Zhang et al., *ByteTrack: multi-object tracking by associating every detection box*,
ECCV 2022, algorithm 1; constants as in the authors' code for MOT17. Unlike there, an id is
given when a track is confirmed, so that ids have no holes; frames may be missing; and boxes
of different classes never belong to one track.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videoflow.data.detections import Detections, Tracks
from videoflow.data.frame import Stamp
from videoflow.vision.assignment import assign
from videoflow.vision.boxes import F64, Boxes, iou, usable
from videoflow.vision.trackers.table import TrackTable

__all__ = ["ByteTrack"]

_WEAK_SCORE = 0.1  # a detection below is no detection
_WEAK_MAX_COST = 0.5  # 1 - IoU; weak boxes carry no score to lean on, so the gate is closer
_NEWBORN_MAX_COST = 0.7  # 1 - IoU x score, for a track's second look
_TWIN_IOU = 0.85  # a lost and a seen track that overlap more are one person

Rows = NDArray[np.intp]


class ByteTrack:
    """Follow the objects of one stream.

    A track is confirmed when it is seen in two looks running (in the stream's first frame at
    once), and only confirmed tracks come out. One that is not seen for a while keeps its
    place and its id for ``max_lost_frames``, and comes out again when it is found.

    Args:
        track_threshold: Score above which a detection is strong, 0 to 1.
        new_track_threshold: Score from which a strong detection that nobody claims begins a
            track, 0 to 1.
        max_cost: Gate of the first match, on 1 - IoU x score, 0 to 1.
        max_lost_frames: For how many frames of the source a lost track can be found again.
    """

    def __init__(
        self,
        *,
        track_threshold: float = 0.6,
        new_track_threshold: float = 0.7,
        max_cost: float = 0.9,
        max_lost_frames: int = 30,
    ) -> None:
        self._track_threshold = track_threshold
        self._new_track_threshold = new_track_threshold
        self._max_cost = max_cost
        self._max_lost_frames = max_lost_frames
        self.reset()

    def reset(self) -> None:
        """Forget everything; ids begin at 1 again. For the start of another video."""
        self._table = TrackTable.empty()
        self._num_ids = 0
        self._clock = 0  # frames of the source since the first
        self._last_index: int | None = None

    def update(self, detections: Detections) -> Tracks:
        """Take the detections of the next frame.

        Args:
            detections: Of a later frame than the last one's. ``stamp.index`` may jump: tracks
                are moved on by as many frames. Boxes that are not finite, or inside out, are
                passed over.

        Returns:
            The confirmed tracks that are seen in this frame, by rising id; a box is the
            filter's belief, its score and label are the detection's.
        """
        is_first = self._last_index is None
        self._advance(detections.stamp.index)
        found = detections[usable(detections.boxes_xyxy)]
        strong = np.flatnonzero(found.scores > self._track_threshold)
        is_weak = (found.scores > _WEAK_SCORE) & (found.scores <= self._track_threshold)
        weak = np.flatnonzero(is_weak)

        table = self._table
        known = np.flatnonzero(table.ids > 0)
        newborn = np.flatnonzero(table.ids == 0)
        known, strong = self._match(
            known, found, strong, max_cost=self._max_cost, by_score=True
        )
        seen_last = known[~table.is_lost[known]]
        missed, _ = self._match(seen_last, found, weak, max_cost=_WEAK_MAX_COST, by_score=False)
        stillborn, strong = self._match(
            newborn, found, strong, max_cost=_NEWBORN_MAX_COST, by_score=True
        )
        table.is_lost[missed] = True
        table.drop(stillborn)
        self._begin(found, strong)
        self._confirm(everything=is_first)
        self._drop_twins()
        return self._visible(detections.stamp)

    def coast(self, stamp: Stamp) -> Tracks:
        """Pass a frame that no detector looked at.

        Args:
            stamp: Of that frame.

        Returns:
            The tracks that were seen in the last look, at their predicted places, with the
            score of that look. The frame counts towards ``max_lost_frames``.
        """
        if self._last_index is not None:
            self._advance(stamp.index)
        return self._visible(stamp)

    def _advance(self, index: int) -> None:
        # An index that does not rise (a source that began anew) counts as the next frame.
        steps = 0 if self._last_index is None else max(1, index - self._last_index)
        self._last_index = index
        self._clock += steps
        table = self._table
        unseen = self._clock - table.last_seen
        table.drop(np.flatnonzero(unseen > self._max_lost_frames + 1))
        for _ in range(steps if len(table) else 0):
            table.motion.hold_height(table.is_lost)
            table.motion.predict()

    def _match(
        self, tracks: Rows, found: Detections, boxes: Rows, *, max_cost: float, by_score: bool
    ) -> tuple[Rows, Rows]:
        """Pair rows of the table with rows of ``found``; return those that are left over."""
        if not len(tracks) or not len(boxes):
            return tracks, boxes
        table = self._table
        likeness = _overlap(table.motion.pick(tracks).boxes_xyxy(), found.boxes_xyxy[boxes])
        if by_score:
            likeness = likeness * found.scores[boxes]
        is_other = table.labels[tracks][:, None] != found.labels[boxes]
        i, j = assign(np.where(is_other, np.inf, 1 - likeness), max_cost=max_cost)
        table.see(tracks[i], found[boxes[j]], clock=self._clock)
        return np.delete(tracks, i), np.delete(boxes, j)

    def _begin(self, found: Detections, strong: Rows) -> None:
        sure = strong[found.scores[strong] >= self._new_track_threshold]
        if len(sure):
            self._table.begin(found[sure], clock=self._clock)

    def _confirm(self, *, everything: bool) -> None:
        table = self._table
        is_old = table.last_seen > table.first_seen
        rows = np.flatnonzero((table.ids == 0) & (is_old | everything))
        table.ids[rows] = self._num_ids + 1 + np.arange(len(rows))
        self._num_ids += len(rows)

    def _drop_twins(self) -> None:
        """Where a lost and a seen track lie on each other, keep the one with more history."""
        table = self._table
        lost, seen = np.flatnonzero(table.is_lost), np.flatnonzero(~table.is_lost)
        if not len(lost) or not len(seen):
            return
        boxes = table.motion.boxes_xyxy()
        is_alike = table.labels[seen][:, None] == table.labels[lost]
        i, j = np.nonzero(is_alike & (_overlap(boxes[seen], boxes[lost]) > _TWIN_IOU))
        life = table.last_seen - table.first_seen
        is_lost_younger = life[seen[i]] > life[lost[j]]
        table.drop(np.where(is_lost_younger, lost[j], seen[i]))

    def _visible(self, stamp: Stamp) -> Tracks:
        table = self._table
        rows = np.flatnonzero((table.ids > 0) & ~table.is_lost)
        rows = rows[np.argsort(table.ids[rows])]
        boxes = table.motion.pick(rows).boxes_xyxy().astype(np.float32)
        return Tracks(stamp, table.ids[rows], boxes, table.scores[rows], table.labels[rows])


def _overlap(boxes_xyxy: Boxes, others_xyxy: Boxes) -> F64:
    # The authors count the pixels that a box touches, its last row and column included; that
    # is kinder to small boxes, and worth 0.2 HOTA on MOT17.
    pixel = np.array([0, 0, 1, 1])
    return iou(boxes_xyxy + pixel, others_xyxy + pixel)
