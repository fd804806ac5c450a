"""BoT-SORT: ByteTrack with width and height in the filter, camera motion, and appearance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from videoflow.data.detections import Detections
from videoflow.errors import ShapeError
from videoflow.vision.boxes import F64
from videoflow.vision.kalman import SidesMotion
from videoflow.vision.trackers import table as c
from videoflow.vision.trackers.crowd import Crowd
from videoflow.vision.trackers.strength import (
    WEAK_SCORE,
    Gates,
    pair_known,
    pair_others,
    settle,
    whole_pixel_iou,
)
from videoflow.vision.trackers.tracker import Pairs, Tracker

__all__ = ["BotSort"]

_LEAST_IOU = 0.5  # of two boxes for their appearance to count
_INERTIA = 0.9  # of a track's appearance
_NUM_FOUND = 8  # columns of a detection before its embedding


class BotSort(Tracker):
    """Follow the objects of one stream by overlap, camera motion and appearance.

    As ``ByteTrack``, with width and height in the filter. Hand in ``warp`` for a moving camera.
    Where detections have embeddings, a strong box that overlaps a track by half or more and
    looks like it is as near as its looks are: the cost is the lesser of 1 - IoU x score and
    half the cosine distance. A track's appearance is a running mean, so it costs one vector.

    Args:
        track_threshold: Score above which a detection is strong, 0 to 1.
        new_track_threshold: Score from which a strong detection that nobody claims begins a
            track, 0 to 1.
        max_cost: Gate of the first match, 0 to 1.
        max_lost_frames: For how many frames of the source a lost track can be found again.
        max_appearance_cost: Half the cosine distance above which two do not look alike, 0 to 1.

    Raises:
        ConfigError: A value out of range.

    Source: Aharon, Orfaig and Bobrovsky, *BoT-SORT: robust associations multi-pedestrian
    tracking*, 2022; constants as in the authors' code for MOT17.
    """

    _holds_size = True
    _rests_newborn = True

    def __init__(
        self,
        *,
        track_threshold: float = 0.6,
        new_track_threshold: float = 0.7,
        max_cost: float = 0.8,
        max_lost_frames: int = 30,
        max_appearance_cost: float = 0.25,
    ) -> None:
        super().__init__(
            SidesMotion(),
            least_score=WEAK_SCORE,
            new_score=new_track_threshold,
            max_lost_frames=max_lost_frames,
            settings={
                "track_threshold": track_threshold,
                "new_track_threshold": new_track_threshold,
                "max_cost": max_cost,
                "max_lost_frames": max_lost_frames,
                "max_appearance_cost": max_appearance_cost,
            },
        )
        self._max_appearance_cost = max_appearance_cost
        strong_score = float(np.float32(track_threshold))
        self._gates = Gates(strong_score, strong_score, known=1 - max_cost)

    def _pack(self, crowd: Crowd, detections: Sequence[Detections]) -> F64:
        """Put embeddings of length 1 behind the rows, zeros where there are none."""
        found = super()._pack(crowd, detections)
        known = crowd.tracks.shape[1] - c.NUM_COLUMNS
        given = [of.embeddings for of in detections if of.embeddings is not None and len(of)]
        sizes = {known, *(array.shape[1] for array in given)} - {0}
        if len(sizes) > 1:
            raise ShapeError(
                f"BotSort: got embeddings of {sorted(sizes)} numbers, want one length",
                help="reset() the tracker before another model's embeddings",
            )
        if not sizes:
            return found
        (size,) = sizes
        if not known:
            crowd.widen(size)
        looks = np.zeros((len(found), size))
        streams = found[:, c.FOUND_STREAM]
        for of, place in zip(detections, crowd.slices(streams), strict=True):
            if of.embeddings is not None:
                looks[place] = of.embeddings[found[place, c.FOUND_SOURCE].astype(np.intp)]
        return np.concatenate([found, _unit(looks)], axis=1)

    def _pair(self, tracks: F64, boxes_xyxy: F64, found: F64) -> Pairs:
        overlap = whole_pixel_iou(boxes_xyxy, found[:, c.BOX])
        is_alike = tracks[:, c.LABEL, None] == found[:, c.FOUND_LABEL]
        overlap *= is_alike
        likeness = overlap * found[:, c.FOUND_SCORE]
        if found.shape[1] > _NUM_FOUND:
            looks = tracks[:, c.NUM_COLUMNS :] @ found[:, _NUM_FOUND:].T
            cost = (1 - looks) / 2
            is_near = (overlap >= _LEAST_IOU) & (cost <= self._max_appearance_cost)
            likeness = np.where(is_near, np.maximum(likeness, 1 - cost), likeness)
        known = pair_known(tracks, found, likeness, self._gates)
        return pair_others(
            tracks, found, known, likeness=likeness, overlap=overlap, gates=self._gates
        )

    def _learn(self, seen: F64, found: F64, clocks: Any) -> None:
        super()._learn(seen, found, clocks)
        if found.shape[1] == _NUM_FOUND:
            return
        old, new = seen[:, c.NUM_COLUMNS :], found[:, _NUM_FOUND:]
        is_weak = found[:, c.FOUND_SCORE] <= self._gates.strong_score
        is_fresh = ~old.any(axis=1)
        # A weak box is somebody half hidden: what it looks like is not to be learned.
        share = np.where(is_fresh, 0.0, _INERTIA)
        share[is_weak | ~new.any(axis=1)] = 1.0
        seen[:, c.NUM_COLUMNS :] = _unit(share[:, None] * old + (1 - share)[:, None] * new)

    def _begin(self, found: F64, clocks: Any) -> F64:
        tracks = super()._begin(found, clocks)
        return np.concatenate([tracks, found[:, _NUM_FOUND:]], axis=1)

    def _settle(self, crowd: Crowd) -> None:
        settle(crowd, self._motion, whole_pixel_iou)


def _unit(vectors: F64) -> F64:
    vectors = np.nan_to_num(vectors, posinf=0.0, neginf=0.0)
    length = np.sqrt(np.square(vectors).sum(axis=1, keepdims=True))
    units: F64 = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return units
