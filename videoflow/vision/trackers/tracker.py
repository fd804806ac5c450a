"""What every tracker of this folder is: one stream's memory, moved on frame by frame.

An algorithm says how the tracks and the detections of one look are paired, and which tracks
come out; this file keeps the clock, moves the boxes on, learns from the pairs, and begins
tracks. It does so for many streams at once: ``update`` is ``update_many`` of one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videoflow.data.detections import Detections, Tracks
from videoflow.data.frame import Stamp
from videoflow.errors import ConfigError, ShapeError
from videoflow.vision.boxes import F64
from videoflow.vision.kalman import BoxMotion
from videoflow.vision.trackers import table as c
from videoflow.vision.trackers.crowd import Crowd, Memory

__all__ = ["Pairs", "Tracker", "update_many"]

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Rows of tracks and rows of detections that belong together."""


class Tracker(ABC):
    """Follow the objects of one stream.

    Ids begin at 1 in each stream and are never used again; only confirmed tracks come out.
    What a frame shows comes out with that frame: nothing is held back, so there is nothing to
    flush at the end of a stream. A stream keeps at most 4096 tracks; if there are more, those
    that were not seen for the longest time are forgotten.

    Args:
        motion: How boxes move.
        least_score: A detection at or below is none.
        new_score: Score from which a detection that nobody claims begins a track.
        max_lost_frames: For how many frames of the source a lost track can be found again.
        settings: All that the algorithm was told, by name; trackers that are updated together
            must agree in it.
    """

    _holds_size = False  # whether a track that is lost keeps its size
    _rests_newborn = False  # whether a track waits for its second look where it began

    def __init__(
        self,
        motion: BoxMotion,
        *,
        least_score: float,
        new_score: float,
        max_lost_frames: int,
        settings: dict[str, float],
    ) -> None:
        for name, value in settings.items():
            _check_setting(type(self).__name__, name, value)
        self._motion = motion
        # Scores are float32: 0.7 there is a little less than 0.7 here.
        self._least_score = float(np.float32(least_score))
        self._new_score = float(np.float32(new_score))
        self._max_lost_frames = max_lost_frames
        self._settings = settings
        self.reset()

    def reset(self) -> None:
        """Forget everything; ids begin at 1 again. For the start of another video."""
        self._memory = Memory(np.zeros((0, self._num_columns())))

    def update(self, detections: Detections, *, warp: F64 | None = None) -> Tracks:
        """Take the detections of the next frame.

        Args:
            detections: Of a later frame than the last one's. ``stamp.index`` may jump: tracks
                are moved on by as many frames. An index that does not rise (a source that
                began anew) counts as the next frame. Boxes that are not finite, or not wider
                and higher than nothing, are passed over.
            warp: float64 ``[2, 3]``, how the camera moved the picture since the last frame
                that this tracker was told of: places there to places here, in pixels.

        Returns:
            The confirmed tracks that are seen in this frame, by rising id; score, label,
            embeddings, masks and keypoints are those of the detection behind each.

        Raises:
            ShapeError: ``warp`` is not ``[2, 3]``, or not finite.
        """
        return _update([self], [detections], [warp])[0]

    def coast(self, stamp: Stamp, *, warp: F64 | None = None) -> Tracks:
        """Pass a frame that no detector looked at.

        Args:
            stamp: Of that frame.
            warp: As in ``update``.

        Returns:
            The tracks that came out at the last look, at their predicted places, with the
            scores of that look and without embeddings, masks and keypoints. The frame counts
            towards ``max_lost_frames``.
        """
        crowd = Crowd([self._memory])
        self._advance(crowd, [stamp], [warp])
        crowd.give_back()
        shown = crowd.shown()
        boxes_xyxy = self._motion.boxes_xyxy(c.beliefs(shown))
        return _tracks(shown, boxes_xyxy, [Detections.empty(stamp)])[0]

    @abstractmethod
    def _pair(self, tracks: F64, boxes_xyxy: F64, found: F64) -> Pairs:
        """Say who is who in one stream.

        Args:
            tracks: ``[T, C]`` rows of ``table``; a view.
            boxes_xyxy: ``[T, 4]``, where they are expected.
            found: ``[D, 8]`` rows of ``table``.
        """

    @abstractmethod
    def _settle(self, crowd: Crowd) -> None:
        """Confirm tracks, drop tracks, and say who ``IS_SHOWN``, when all has been seen."""

    def _num_columns(self) -> int:
        return c.NUM_COLUMNS

    def _pack(self, crowd: Crowd, detections: Sequence[Detections]) -> F64:
        return c.pack(detections, least_score=self._least_score)

    def _predict(self, tracks: F64, unseen: F64) -> None:
        """Move tracks on by one frame, in place; they are then unseen for so many."""
        beliefs = c.beliefs(tracks)
        if self._holds_size:
            is_lost = tracks[:, c.IS_LOST] > 0
            if is_lost.any():
                self._motion.hold_size(beliefs, is_lost)
        if not self._rests_newborn:
            self._motion.predict(beliefs)
            return
        newborn = (tracks[:, c.ID] == 0).nonzero()[0]
        before = beliefs[newborn]
        self._motion.predict(beliefs)
        if len(newborn):
            beliefs[newborn] = before

    def _warp(self, tracks: F64, warp: F64) -> None:
        """Move tracks of one stream as the camera moved the picture, in place."""
        self._motion.warp(c.beliefs(tracks), warp)

    def _expect(self, tracks: F64, clocks: Any) -> None:  # noqa: B027 - few need it
        """Do what is to be done once a look, when the tracks have been moved on."""

    def _learn(self, seen: F64, found: F64, clocks: Any) -> None:
        """Let tracks learn from a new look, in place: one detection for each."""
        self._motion.correct(c.beliefs(seen), found[:, c.BOX])

    def _begin(self, found: F64, clocks: Any) -> F64:
        """Return a new track for each detection."""
        tracks = np.zeros((len(found), self._num_columns()))
        c.beliefs(tracks)[:] = self._motion.begin(found[:, c.BOX])
        tracks[:, c.SEEN] = found[:, c.FOUND]
        tracks[:, c.FIRST_SEEN] = clocks
        tracks[:, c.LAST_SEEN] = clocks
        return tracks

    def _shown_boxes(self, shown: F64) -> F64:
        """Return the boxes that come out for the tracks ``shown``."""
        return self._motion.boxes_xyxy(c.beliefs(shown))

    def _advance(
        self, crowd: Crowd, stamps: Sequence[Stamp], warps: Sequence[F64 | None]
    ) -> None:
        """Move the clocks and the boxes on to the frames ``stamps``."""
        before = [memory.clock for memory in crowd.memories]
        steps = [m.tick(stamp.index) for m, stamp in zip(crowd.memories, stamps, strict=True)]
        crowd.forget(self._max_lost_frames)
        if not len(crowd.tracks):
            return
        streams = crowd.tracks[:, c.STREAM]
        unseen = crowd.of_rows(before, streams) - crowd.tracks[:, c.LAST_SEEN]
        least, most = min(steps), max(steps)
        for step in range(most):
            unseen += 1
            if step < least:
                self._predict(crowd.tracks, unseen)
                continue
            is_moving = crowd.of_rows(steps, streams) > step
            moving = crowd.tracks[is_moving]
            self._predict(moving, unseen[is_moving])
            crowd.tracks[is_moving] = moving
        for place, warp in zip(crowd.slices(streams), warps, strict=True):
            if warp is not None:
                self._warp(crowd.tracks[place], _checked_warp(warp))

    def _see(self, crowd: Crowd, found: F64) -> None:
        """Pair tracks with detections, learn from the pairs, begin what is new."""
        self._expect(crowd.tracks, crowd.clocks(crowd.tracks[:, c.STREAM]))
        i, j = self._pairs(crowd, found)
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
            new = found[is_new]
            crowd.add(self._begin(new, crowd.clocks(new[:, c.FOUND_STREAM])))

    def _pairs(self, crowd: Crowd, found: F64) -> Pairs:
        boxes_xyxy = self._motion.boxes_xyxy(c.beliefs(crowd.tracks))
        if len(crowd.memories) == 1:
            return self._pair(crowd.tracks, boxes_xyxy, found)
        tracks, looks = [], []
        places = crowd.slices(crowd.tracks[:, c.STREAM])
        found_places = crowd.slices(found[:, c.FOUND_STREAM])
        for place, at in zip(places, found_places, strict=True):
            i, j = self._pair(crowd.tracks[place], boxes_xyxy[place], found[at])
            tracks.append(i + place.start)
            looks.append(j + at.start)
        return np.concatenate(tracks), np.concatenate(looks)


def update_many(
    trackers: Sequence[Tracker],
    detections: Sequence[Detections],
    *,
    warps: Sequence[F64 | None] | None = None,
) -> list[Tracks]:
    """Update the trackers of many streams in one go.

    The result is that of ``tracker.update(found)`` for one after another, to the bit; but
    boxes of all streams are moved on together, which is faster. A stream that has no frame now
    is left out of the call.

    Args:
        trackers: One for each stream, of one kind and with the same settings.
        detections: Of one frame of each stream, in the same order.
        warps: As in ``update``, one for each stream, or None for no camera motion at all.

    Returns:
        The tracks of each frame, in the same order.

    Raises:
        ShapeError: Not as many detections or warps as trackers; trackers that differ in kind
            or settings; a tracker that comes twice.
    """
    warps = [None] * len(trackers) if warps is None else warps
    if not len(trackers) == len(detections) == len(warps):
        raise ShapeError(
            f"update_many: got {len(trackers)} trackers, {len(detections)} detections and "
            f"{len(warps)} warps, want as many of each"
        )
    if not trackers:
        return []
    lead = trackers[0]
    for tracker in trackers:
        if type(tracker) is not type(lead) or tracker._settings != lead._settings:
            raise ShapeError(
                f"update_many: got {tracker!r} beside {lead!r}, want one kind, same settings",
                help="call update_many once for each kind",
            )
    if len({id(tracker) for tracker in trackers}) < len(trackers):
        raise ShapeError("update_many: got a tracker twice, want one frame of each stream")
    return _update(trackers, detections, warps)


def _update(
    trackers: Sequence[Tracker],
    detections: Sequence[Detections],
    warps: Sequence[F64 | None],
) -> list[Tracks]:
    lead = trackers[0]
    crowd = Crowd([tracker._memory for tracker in trackers])
    lead._advance(crowd, [found.stamp for found in detections], warps)
    for memory in crowd.memories:
        memory.num_looks += 1
    lead._see(crowd, lead._pack(crowd, detections))
    lead._settle(crowd)
    crowd.give_back()
    shown = crowd.shown()
    return _tracks(shown, lead._shown_boxes(shown), detections)


def _tracks(shown: F64, boxes_xyxy: F64, detections: Sequence[Detections]) -> list[Tracks]:
    """Return rows as the tracks of each frame."""
    ids = shown[:, c.ID].astype(np.int64)
    boxes = boxes_xyxy.astype(np.float32)
    scores = shown[:, c.SCORE].astype(np.float32)
    labels = shown[:, c.LABEL].astype(np.int64)
    sources = shown[:, c.SOURCE].astype(np.intp)
    if len(detections) == 1:
        extras = _extras(detections[0], sources)
        return [Tracks(detections[0].stamp, ids, boxes, scores, labels, **extras)]
    ends = np.searchsorted(shown[:, c.STREAM], np.arange(len(detections) + 1)).tolist()
    return [
        Tracks(
            found.stamp,
            ids[a:b],
            boxes[a:b],
            scores[a:b],
            labels[a:b],
            **_extras(found, sources[a:b]),
        )
        for found, a, b in zip(detections, ends[:-1], ends[1:], strict=True)
    ]


def _extras(found: Detections, rows: NDArray[np.intp]) -> dict[str, Any]:
    # A frame without any detection has no rows to pick: also one that nobody looked at.
    return found.extras(rows) if len(found) else {}


def _checked_warp(warp: F64) -> F64:
    warp = np.asarray(warp, np.float64)
    if warp.shape != (2, 3) or not np.isfinite(warp).all():
        raise ShapeError(f"warp: got {warp.tolist()}, want finite float64 [2, 3]")
    return warp


def _check_setting(kind: str, name: str, value: float) -> None:
    if name.endswith(("_frames", "_hits")):
        least = 1 if name == "momentum_frames" else 0  # a direction has two ends
        if not value >= least:
            raise ConfigError(f"{kind}: got {name}={value!r}, want an int >= {least}")
    elif not 0 <= value <= 1:
        raise ConfigError(f"{kind}: got {name}={value!r}, want 0 to 1")
