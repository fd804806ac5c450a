"""Detections and tracks as those of the library ``supervision``, and back; the door to it.

Boxes, scores, labels, ids and masks have their places there. Embeddings and keypoints travel
in ``data`` under their names, and the stamp in ``metadata``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from videoflow.data.detections import Detections, Tracks
from videoflow.data.frame import Stamp
from videoflow.data.masks import Masks
from videoflow.errors import MissingDependencyError, ShapeError

if TYPE_CHECKING:
    import supervision

__all__ = ["detections_from_supervision", "to_supervision", "tracks_from_supervision"]

_STAMP = ("stream", "index", "pts_seconds", "size_hw")
_IN_DATA = ("embeddings", "keypoints")


def to_supervision(
    people: Detections | Tracks, *, class_names: Sequence[str] | Mapping[int, str] | None = None
) -> supervision.Detections:
    """Return boxes as ``supervision.Detections``.

    Masks become whole pictures, bool ``[M, H, W]``.

    Args:
        people: Of one frame.
        class_names: What each label is called; goes into ``data["class_name"]``, from where
            the library's annotators take it; a label without a name is called by its number.

    Raises:
        MissingDependencyError: supervision is not installed.
    """
    try:
        import supervision as sv
    except ImportError as error:
        raise MissingDependencyError(
            "supervision.Detections needs supervision, which is not installed",
            help='pip install "videoflow[supervision]"',
        ) from error
    data: dict[str, Any] = {
        name: extra for name in _IN_DATA if (extra := getattr(people, name)) is not None
    }
    if class_names is not None:
        known = class_names if isinstance(class_names, Mapping) else range(len(class_names))
        names = [
            class_names[label] if label in known else str(label)
            for label in people.labels.tolist()
        ]
        data["class_name"] = np.array(names, dtype=str)
    return sv.Detections(
        xyxy=people.boxes_xyxy,
        mask=None if people.masks is None else people.masks.dense(),
        confidence=people.scores,
        class_id=people.labels,
        tracker_id=people.ids if isinstance(people, Tracks) else None,
        data=data,
        metadata={name: getattr(people.stamp, name) for name in _STAMP},
    )


def detections_from_supervision(
    found: supervision.Detections, *, stamp: Stamp | None = None
) -> Detections:
    """Return ``supervision.Detections`` as detections; ids are left behind.

    Args:
        found: Without ``confidence`` the scores are 1, without ``class_id`` the labels are 0.
        stamp: Which frame they belong to; None for the one that ``to_supervision`` put in.

    Raises:
        ShapeError: No stamp is given and none was put in.
    """
    num = len(found.xyxy)
    scores = np.ones(num) if found.confidence is None else found.confidence
    labels = np.zeros(num) if found.class_id is None else found.class_id
    extras: dict[str, Any] = {
        name: np.asarray(found.data[name], np.float32)
        for name in _IN_DATA
        if name in found.data
    }
    if found.mask is not None:
        extras["masks"] = Masks.from_dense(np.asarray(found.mask, np.bool_))
    return Detections(
        stamp or _stamp_in(found),
        np.asarray(found.xyxy, np.float32).reshape(num, 4),
        np.asarray(scores, np.float32),
        np.asarray(labels, np.int64),
        **extras,
    )


def tracks_from_supervision(
    found: supervision.Detections, *, stamp: Stamp | None = None
) -> Tracks:
    """Return ``supervision.Detections`` with ``tracker_id`` as tracks.

    Args:
        found: As for ``detections_from_supervision``.
        stamp: The same.

    Raises:
        ShapeError: There are boxes without ids, or no stamp.
    """
    people = detections_from_supervision(found, stamp=stamp)
    if found.tracker_id is None and len(people):
        raise ShapeError(
            f"tracker_id: got None for {len(people)} boxes, want an id for each",
            help="detections_from_supervision takes boxes without ids",
        )
    ids = np.zeros(0) if found.tracker_id is None else found.tracker_id
    return Tracks(
        people.stamp,
        np.asarray(ids, np.int64),
        people.boxes_xyxy,
        people.scores,
        people.labels,
        people.embeddings,
        people.masks,
        people.keypoints,
    )


def _stamp_in(found: supervision.Detections) -> Stamp:
    if not all(name in found.metadata for name in _STAMP):
        raise ShapeError(
            f"metadata: got {sorted(found.metadata)}, want {', '.join(_STAMP)}",
            help="say which frame it is: stamp=Stamp(...)",
        )
    return Stamp(*(found.metadata[name] for name in _STAMP))
