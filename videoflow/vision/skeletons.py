"""Which keypoints of a body are joined by bones."""

from __future__ import annotations

from typing import Final

__all__ = ["COCO_SKELETON", "Bones"]

Bones = tuple[tuple[int, int], ...]
"""Pairs of keypoint indices, from 0."""

COCO_SKELETON: Final[Bones] = (
    (15, 13),
    (13, 11),
    (16, 14),
    (14, 12),
    (11, 12),
    (5, 11),
    (6, 12),
    (5, 6),
    (5, 7),
    (6, 8),
    (7, 9),
    (8, 10),
    (1, 2),
    (0, 1),
    (0, 2),
    (1, 3),
    (2, 4),
    (3, 5),
    (4, 6),
)
"""The bones between the 17 keypoints of a person in COCO, counted from 0.

Nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles, the left one first.

Source: ``categories[0].skeleton`` of COCO 2017's ``person_keypoints_val2017.json``, which
counts from 1.
"""
