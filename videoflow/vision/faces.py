"""Where the faces of people are, so that none of them is missed.

Where it is not known exactly, more is covered rather than less: a region is for hiding, not for
recognising. Pure: time is handed in.
"""

from __future__ import annotations

import math
from typing import Final, Literal

import numpy as np

from videoflow.data.detections import Detections, Tracks
from videoflow.vision.assignment import best_pairs
from videoflow.vision.boxes import F64, Boxes, iou, usable

__all__ = ["FaceMemory", "FaceRegion", "face_regions", "heads_of_boxes"]

FaceRegion = Literal["auto", "head", "box"]
"""Which part of a person's box is taken for the face; see ``face_regions``."""

_NUM_COCO_KEYPOINTS: Final = 17
_HEAD: Final = slice(0, 5)  # nose, eyes, ears
_SHOULDERS: Final = (5, 6)
_LEAST_KEYPOINT_SCORE: Final = 0.2

# A standing person is seven to eight heads high; who sits or is near has a larger share.
# Source: for the eighth, any drawing school; the rest is margin.
_HEAD_OF_HEIGHT: Final = 0.3
_HEAD_OF_WIDTH: Final = 0.75

# Half a side of the square around a head: of what is seen of it, of the shoulders' distance
# (about 0.38 m, and a head is 0.24 m high), and of the box's height.
_REACH_OF_HEAD: Final = 1.5
_REACH_OF_SHOULDERS: Final = 0.45
_REACH_OF_BOX: Final = 0.08

_LEAST_OVERLAP: Final = 0.1


def face_regions(
    people: Detections | Tracks, *, region: FaceRegion = "auto", margin: float = 0.1
) -> F64:
    """Return where the faces of detections or tracks are, at most one region for each.

    Args:
        people: People, with or without keypoints; or faces.
        region: ``box``: the boxes are faces. ``head``: the upper part of each box. ``auto``: a
            square around nose, eyes and ears where there are COCO's 17 keypoints and one of
            these five has a score of 0.2, else the upper part of the box.
        margin: What is added on each side, as a share of the region's side.

    Returns:
        float64 ``[K, 4]``, may reach outside the picture. What is no box and has no keypoints
        either is left out.
    """
    boxes = _finite(people.boxes_xyxy)
    regions = boxes if region == "box" else heads_of_boxes(boxes)
    keypoints = people.keypoints
    if region == "auto" and keypoints is not None and keypoints.shape[1] == _NUM_COCO_KEYPOINTS:
        seen = _heads_of_keypoints(_finite(keypoints), boxes)
        regions = np.where(usable(seen)[:, None], seen, regions)
    return _grown(regions[usable(regions)], margin)


def heads_of_boxes(boxes_xyxy: Boxes) -> F64:
    """Return the part of each person's box that has the head in it.

    The upper 30 % of the height, or 75 % of the width where that is more (people who sit, or
    of whom only the upper half is seen); the whole box where it is wider than high (who lies
    has the head on either side). The rest is whatever it was.

    Args:
        boxes_xyxy: float ``[M, 4]``.
    """
    left, top, right, bottom = boxes_xyxy.T
    width, height = right - left, bottom - top
    part = np.maximum(_HEAD_OF_HEIGHT * height, _HEAD_OF_WIDTH * width)
    lower = np.where(width > height, bottom, top + np.minimum(part, height))
    return np.stack([left, top, right, lower], axis=1)


class FaceMemory:
    """What is known of one stream's faces: it does not forget one that was missed once.

    A face that a look no longer finds stays for ``hold_seconds``; on frames that nobody looked
    at, all stay. Since nobody knows where they went, their regions grow until then. Before the
    first look, and when the picture has changed its size, nothing is known: the whole picture
    is one region. A frame whose time is no
    finite number counts as at the time of the one before.

    Args:
        hold_seconds: See above.
        growth_per_second: By what share of its side a region grows on each side.
    """

    def __init__(self, *, hold_seconds: float = 0.5, growth_per_second: float = 3.0) -> None:
        self._hold_seconds = hold_seconds
        self._growth_per_second = growth_per_second
        self._regions: F64 | None = None
        self._size_hw: tuple[int, int] | None = None
        self._seen_seconds: F64 = np.zeros(0)
        self._now_seconds = 0.0

    def update(
        self, found_xyxy: Boxes | None, *, now_seconds: float, size_hw: tuple[int, int]
    ) -> F64:
        """Return the regions to hide in the frame of ``now_seconds``.

        Args:
            found_xyxy: float ``[M, 4]``, the faces of this frame; None where nobody looked.
            now_seconds: Its presentation time.
            size_hw: Of the picture.

        Returns:
            float64 ``[K, 4]``.
        """
        if math.isfinite(now_seconds):
            self._now_seconds = now_seconds
        if self._size_hw != size_hw:
            self._regions, self._seen_seconds = None, np.zeros(0)
            self._size_hw = size_hw
        if found_xyxy is not None:
            self._look(found_xyxy.astype(np.float64))
        if self._regions is None:
            return np.array([[0.0, 0.0, size_hw[1], size_hw[0]]])
        ages = np.clip(self._now_seconds - self._seen_seconds, 0.0, self._hold_seconds)
        return _grown(self._regions, (self._growth_per_second * ages)[:, None])

    def _look(self, found: F64) -> None:
        now = self._now_seconds
        kept, times = np.zeros((0, 4)), np.zeros(0)
        if self._regions is not None:
            # A file that is played again starts at zero: what was seen later is not older.
            is_young = np.abs(now - self._seen_seconds) <= self._hold_seconds
            _, again = best_pairs(iou(found, self._regions), least=_LEAST_OVERLAP)
            is_young[again] = False
            kept, times = self._regions[is_young], self._seen_seconds[is_young]
        self._regions = np.vstack([found, kept])
        self._seen_seconds = np.concatenate([np.full(len(found), now), times])


def _finite(numbers: Boxes) -> F64:
    """Return float64 with NaN for what is not finite: inf - inf would warn."""
    return np.where(np.isfinite(numbers), numbers, np.nan).astype(np.float64)


def _heads_of_keypoints(keypoints: F64, boxes: F64) -> F64:
    """Return a square around each head, NaN where none of it is seen.

    Args:
        keypoints: float64 ``[M, 17, 3]``, COCO's order; x, y and score.
        boxes: float64 ``[M, 4]``.
    """
    is_seen = np.isfinite(keypoints).all(axis=2) & (keypoints[..., 2] >= _LEAST_KEYPOINT_SCORE)
    heads = np.full((len(boxes), 4), np.nan)
    for head, box, points, seen in zip(heads, boxes, keypoints[..., :2], is_seen, strict=True):
        parts = points[_HEAD][seen[_HEAD]]
        if not len(parts):
            continue
        low, high = parts.min(axis=0), parts.max(axis=0)
        reaches = [_REACH_OF_HEAD * np.hypot(*(high - low)), _REACH_OF_BOX * (box[3] - box[1])]
        if seen[list(_SHOULDERS)].all():
            left, right = points[list(_SHOULDERS)]
            reaches.append(_REACH_OF_SHOULDERS * np.hypot(*(left - right)))
        middle, reach = (low + high) / 2, np.nanmax(reaches)
        head[:2], head[2:] = middle - reach, middle + reach
    return heads


def _grown(regions: F64, share: float | F64) -> F64:
    """Move each side outwards by a share of the distance to the other side."""
    sides = regions[:, 2:] - regions[:, :2]
    grown: F64 = np.hstack([regions[:, :2] - share * sides, regions[:, 2:] + share * sides])
    return grown
