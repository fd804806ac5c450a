"""What every tracker of this folder is: one stream's memory, moved on frame by frame.

An algorithm says how tracks and detections of one look are paired and which tracks come out;
this file keeps the clock, moves the boxes on, learns from the pairs, and begins tracks. It does
so for many streams at once: ``update`` is ``update_many`` with one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videoflow.data.detections import Detections, Tracks
from videoflow.data.frame import Stamp
from videoflow.vision.boxes import F64
from videoflow.vision.kalman import BoxMotion
from videoflow.vision.trackers import table as c
from videoflow.vision.trackers.crowd import Crowd, Memory

__all__ = ["Pairs", "Rows", "Tracker", "update_many"]

Rows = NDArray[np.intp]
Pairs = tuple[Rows, Rows]
"""Which tracks and which detections belong together."""


class Tracker(ABC):
    """Follow the objects of one stream.

    Ids begin at 1 in each stream, and only confirmed tracks come out. Nothing is held back:
    what a frame shows comes out with that frame, so there is nothing to flush at the end.
    """

    _num_columns = c.NUM_COLUMNS
    _holds_size = False  # whether a track that is lost keeps its size

    def __init__(
        self, motion: BoxMotion, *, least_score: float, new_score: float, max_lost_frames: int
    ) -> None:
        self._motion = motion
        self._least_score = float(np.float32(least_score))
        self._new_score = float(np.float32(new_score))
        self._max_lost_frames = max_lost_frames
        self.reset()

    def reset(self) -> None:
        """Forget everything; ids begin at 1 again. For the start of another video."""
        self._memory = Memory(np.zeros((0, self._num_columns)))

    def update(self, detections: Detections, *, warp: F64 | None = None) -> Tracks:
        """Take the detections of the next frame.

        Args:
            detections: Of a later frame than the last one's. ``stamp.index`` may jump: tracks
                are moved on by as many frames. An index that does not rise counts as the next
                frame. Boxes that are not finite, or inside out, are passed over.
            warp: float64 ``[2, 3]``, how the camera moved the picture since the last frame:
                places in that frame to places in this one, in pixels.

        Returns:
            The confirmed tracks that are seen in this frame, by rising id; score, label,
            embeddings, masks and keypoints are those of the detection behind each.
        """
        return update_many([self], [detections], warps=[warp])[0]

    def coast(self, stamp: Stamp, *, warp: F64 | None = None) -> Tracks:
        """Pass a frame that no detector looked at.

        Args:
            stamp: Of that frame.
            warp: As in ``update``.

        Returns:
            The tracks that came out at the last look, at their predicted places, with the
            scores of that look. The frame counts towards ``max_lost_frames``.
        """
        crowd = Crowd([self._memory])
        self._advance(crowd, [stamp], [warp])
        crowd.give_back()
        shown = crowd.tracks[crowd.tracks[:, c.IS_SHOWN] > 0]
        return self._tracks_of(shown, self._motion.boxes_xyxy(c.beliefs(shown)), [stamp])[0]

    @abstractmethod
    def _pair(self, tracks: F64, boxes_xyxy: F64, found: F64) -> Pairs:
        """Say who is who in one stream.

        Args:
            tracks: ``[T, C]`` rows.
            boxes_xyxy: ``[T, 4]``, where they are expected.
            found: ``[D, 8]`` rows.
        """

    @abstractmethod
    def _settle(self, crowd: Crowd) -> None:
        """Confirm, drop, and say who ``IS_SHOWN``, when all has been seen."""

    def _advance(
        self, crowd: Crowd, stamps: Sequence[Stamp], warps: Sequence[F64 | None]
    ) -> None:
        """Move the clock and the boxes on to the frames ``stamps``."""
        steps = [m.tick(s.index) for m, s in zip(crowd.memories, stamps, strict=True)]
        tracks = crowd.tracks
        if not len(tracks):
            return
        unseen = crowd.clocks(tracks[:, c.STREAM]) - tracks[:, c.LAST_SEEN]
        crowd.keep(unseen <= self._max_lost_frames + 1)
        least, most = min(steps), max(steps)
        for step in range(most if len(crowd.tracks) else 0):
            if step < least:
                self._predict(crowd.tracks)
                continue
            is_moving = crowd.of_tracks(steps) > step
            moving = crowd.tracks[is_moving]
            self._predict(moving)
            crowd.tracks[is_moving] = moving
        if len(crowd.tracks):
            self._expect(crowd.tracks, crowd.clocks(crowd.tracks[:, c.STREAM]))
        for place, warp in zip(crowd.slices(crowd.tracks[:, c.STREAM]), warps, strict=True):
            if warp is not None:
                self._warp(crowd.tracks[place], warp)

    def _expect(self, tracks: F64, clocks: Any) -> None:
        pass

    def _predict(self, tracks: F64) -> None:
        beliefs = c.beliefs(tracks)
        if self._holds_size:
            self._motion.hold_size(beliefs, tracks[:, c.IS_LOST] > 0)
        self._motion.predict(beliefs)

    def _warp(self, tracks: F64, warp: F64) -> None:
        self._motion.warp(c.beliefs(tracks), warp)

    def _learn(self, seen: F64, found: F64, clocks: Any) -> None:
        """Let tracks take a new look, in place: one detection for each."""
        self._motion.correct(c.beliefs(seen), found[:, c.BOX])

    def _born(self, found: F64, clocks: Any) -> F64:
        """Return a new track for each detection."""
        tracks = np.zeros((len(found), self._num_columns))
        c.beliefs(tracks)[:] = self._motion.begin(found[:, c.BOX])
        tracks[:, c.SEEN] = found[:, c.FOUND]
        tracks[:, c.FIRST_SEEN] = tracks[:, c.LAST_SEEN] = clocks
        return tracks

    def _shown_boxes(self, shown: F64) -> F64:
        """Return the boxes that come out for the tracks ``shown``."""
        return self._motion.boxes_xyxy(c.beliefs(shown))

    def _see(self, crowd: Crowd, found: F64) -> None:
        """Pair, learn and begin."""
        boxes_xyxy = self._motion.boxes_xyxy(c.beliefs(crowd.tracks))
        rows: list[Rows] = []
        looks: list[Rows] = []
        places = crowd.slices(crowd.tracks[:, c.STREAM])
        found_places = crowd.slices(found[:, c.FOUND_STREAM])
        for place, found_place in zip(places, found_places, strict=True):
            i, j = self._pair(crowd.tracks[place], boxes_xyxy[place], found[found_place])
            rows.append(i + place.start)
            looks.append(j + found_place.start)
        i, j = (rows[0], looks[0]) if len(rows) == 1 else map(np.concatenate, (rows, looks))
        tracks = crowd.tracks
        seen, of_seen = tracks[i], found[j]
        clocks = crowd.clocks(of_seen[:, c.FOUND_STREAM])
        self._learn(seen, of_seen, clocks)
        seen[:, c.SEEN] = of_seen[:, c.FOUND]
        seen[:, c.LAST_SEEN] = clocks
        seen[:, c.STREAK] += 1
        seen[:, c.IS_LOST] = 0
        tracks[:, c.STREAK] = 0
        tracks[:, c.IS_LOST] = 1
        tracks[i] = seen
        is_new = found[:, c.FOUND_SCORE] >= self._new_score
        is_new[j] = False
        if is_new.any():
            newcomers = found[is_new]
            clocks = crowd.clocks(newcomers[:, c.FOUND_STREAM])
            crowd.add(self._born(newcomers, clocks))

    def _tracks_of(self, shown: F64, boxes_xyxy: F64, stamps: Sequence[Stamp]) -> list[Tracks]:
        ids = shown[:, c.ID].astype(np.int64)
        boxes = boxes_xyxy.astype(np.float32)
        scores = shown[:, c.SCORE].astype(np.float32)
        labels = shown[:, c.LABEL].astype(np.int64)
        if len(stamps) == 1:
            return [Tracks(stamps[0], ids, boxes, scores, labels)]
        ends = np.searchsorted(shown[:, c.STREAM], np.arange(len(stamps) + 1)).tolist()
        return [
            Tracks(stamp, ids[a:b], boxes[a:b], scores[a:b], labels[a:b])
            for stamp, a, b in zip(stamps, ends[:-1], ends[1:], strict=True)
        ]

    def _show(self, crowd: Crowd) -> F64:
        shown = crowd.tracks[crowd.tracks[:, c.IS_SHOWN] > 0]
        return shown[np.lexsort((shown[:, c.ID], shown[:, c.STREAM]))]


def update_many(
    trackers: Sequence[Tracker],
    detections: Sequence[Detections],
    *,
    warps: Sequence[F64 | None] | None = None,
) -> list[Tracks]:
    """Do ``tracker.update`` for one frame of each of many streams, in one go."""
    if not trackers:
        return []
    lead = trackers[0]
    stamps = [found.stamp for found in detections]
    crowd = Crowd([tracker._memory for tracker in trackers])
    for memory in crowd.memories:
        memory.num_looks += 1
    lead._advance(crowd, stamps, warps or [None] * len(trackers))
    lead._see(crowd, c.pack(detections, least_score=lead._least_score))
    lead._settle(crowd)
    shown = lead._show(crowd)
    crowd.give_back()
    return lead._tracks_of(shown, lead._shown_boxes(shown), stamps)
