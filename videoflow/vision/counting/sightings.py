"""Which boxes of a frame count, and where those people stand."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from videoflow.data.detections import Tracks
from videoflow.errors import ShapeError
from videoflow.vision.boxes import F64, foot_points, usable

__all__ = ["Labels", "Sightings", "label_array"]

I64 = NDArray[np.int64]
Labels = Collection[int] | None


@dataclass(frozen=True, slots=True)
class Sightings:
    """The people of one frame who count, one row for each id, by rising id.

    Attributes:
        rows: int64 ``[M]``, where they stand in the tracks.
        ids: int64 ``[M]``.
        labels: int64 ``[M]``.
        feet: float64 ``[M, 2]``, foot points in pixels.
        heights: float64 ``[M]``, of their boxes.
    """

    rows: NDArray[np.intp]
    ids: I64
    labels: I64
    feet: F64
    heights: F64

    @classmethod
    def of(cls, tracks: Tracks, labels: I64 | None) -> Sightings:
        """Return who counts: confirmed, of one of ``labels`` if any, in a usable box.

        An id that comes twice is taken at the first of its rows.
        """
        is_good = usable(tracks.boxes_xyxy) & (tracks.ids >= 1)
        if labels is not None:
            is_good &= np.isin(tracks.labels, labels)
        rows = np.flatnonzero(is_good)
        rows = rows[np.argsort(tracks.ids[rows], kind="stable")]
        ids = tracks.ids[rows]
        if (ids[1:] == ids[:-1]).any():
            rows = rows[np.unique(ids, return_index=True)[1]]
            ids = tracks.ids[rows]
        boxes = tracks.boxes_xyxy[rows].astype(np.float64)
        return cls(
            rows, ids, tracks.labels[rows], foot_points(boxes), boxes[:, 3] - boxes[:, 1]
        )

    def __len__(self) -> int:
        return len(self.rows)


def label_array(labels: Labels) -> I64 | None:
    """Return class indices as ``Sightings.of`` wants them; None stands for all.

    Raises:
        ShapeError: Something else.
    """
    if labels is None:
        return None
    if not isinstance(labels, Collection) or not all(isinstance(i, Integral) for i in labels):
        raise ShapeError(
            f"got labels={labels!r}, want class indices, such as [0], or None for all",
            help="names are for who knows the model's: ObjectDetector(classes=['person'])",
        )
    return np.array(sorted(labels), np.int64)
