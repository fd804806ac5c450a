"""What a detector and a tracker say about one frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from videoflow.data.frame import Stamp
from videoflow.data.masks import Masks
from videoflow.errors import ShapeError

__all__ = ["Detections", "Tracks"]

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]

_EXTRAS = ("embeddings", "masks", "keypoints")


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Boxes that a detector found in one frame, best first or in the detector's own order.

    Small, so it travels as NumPy arrays whatever the device of the model.

    Attributes:
        stamp: Which frame of which stream.
        boxes_xyxy: float32 ``[M, 4]``, left, top, right, bottom in pixels of the source
            frame; may reach outside the picture.
        scores: float32 ``[M]``, 0 to 1.
        labels: int64 ``[M]``, class index in the model's label list.
        embeddings: float32 ``[M, D]`` or None.
        masks: Which pixels belong to each object, or None.
        keypoints: float32 ``[M, K, 3]`` (x, y in pixels, score) or None.

    Raises:
        ShapeError: The arrays do not fit each other.
    """

    stamp: Stamp
    boxes_xyxy: F32
    scores: F32
    labels: I64
    embeddings: F32 | None = None
    masks: Masks | None = field(default=None, repr=False)
    keypoints: F32 | None = None

    def __post_init__(self) -> None:
        num = len(self.boxes_xyxy)
        _check("boxes_xyxy", self.boxes_xyxy, np.float32, (num, 4))
        _check("scores", self.scores, np.float32, (num,))
        _check("labels", self.labels, np.int64, (num,))
        _check_extras(self, num)

    def __len__(self) -> int:
        return len(self.boxes_xyxy)

    @classmethod
    def empty(cls, stamp: Stamp) -> Self:
        """Return no detections for the frame ``stamp``."""
        return cls(
            stamp, np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)
        )

    def __getitem__(self, rows: Any) -> Detections:
        """Return the rows that a mask, a slice or an index array picks.

        Raises:
            ShapeError: The number of a single row.
        """
        _refuse_number(rows)
        return Detections(
            self.stamp,
            self.boxes_xyxy[rows],
            self.scores[rows],
            self.labels[rows],
            **_extras(self, rows),
        )

    def extras(self, rows: Any) -> dict[str, Any]:
        """Return embeddings, masks and keypoints of some rows, by name; None where none are.

        Args:
            rows: A mask, a slice or an index array.
        """
        return _extras(self, rows)

    def __repr__(self) -> str:
        return f"Detections({self.stamp.stream!r}, index={self.stamp.index}, M={len(self)})"


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """Confirmed tracks that are seen in one frame.

    Attributes:
        stamp: Which frame of which stream.
        ids: int64 ``[M]``, from 1 in each stream, never used again.
        boxes_xyxy: float32 ``[M, 4]``, pixels of the source frame.
        scores: float32 ``[M]``, of the detection behind the box.
        labels: int64 ``[M]``.
        embeddings: As in ``Detections``: of the detection behind each box, or None where there
            are none, or where the frame was passed without a look.
        masks: The same.
        keypoints: The same.

    Raises:
        ShapeError: The arrays do not fit each other.
    """

    stamp: Stamp
    ids: I64
    boxes_xyxy: F32
    scores: F32
    labels: I64
    embeddings: F32 | None = None
    masks: Masks | None = field(default=None, repr=False)
    keypoints: F32 | None = None

    def __post_init__(self) -> None:
        num = len(self.ids)
        _check("ids", self.ids, np.int64, (num,))
        _check("boxes_xyxy", self.boxes_xyxy, np.float32, (num, 4))
        _check("scores", self.scores, np.float32, (num,))
        _check("labels", self.labels, np.int64, (num,))
        _check_extras(self, num)

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def empty(cls, stamp: Stamp) -> Self:
        """Return no tracks for the frame ``stamp``."""
        none = Detections.empty(stamp)
        return cls(stamp, np.zeros(0, np.int64), none.boxes_xyxy, none.scores, none.labels)

    def __getitem__(self, rows: Any) -> Tracks:
        """Return the rows that a mask, a slice or an index array picks.

        Raises:
            ShapeError: The number of a single row.
        """
        _refuse_number(rows)
        return Tracks(
            self.stamp,
            self.ids[rows],
            self.boxes_xyxy[rows],
            self.scores[rows],
            self.labels[rows],
            **_extras(self, rows),
        )

    def __repr__(self) -> str:
        return (
            f"Tracks({self.stamp.stream!r}, index={self.stamp.index}, ids={self.ids.tolist()})"
        )


def _check(name: str, array: NDArray[Any], dtype: type, shape: tuple[int, ...]) -> None:
    if array.dtype != dtype or array.shape != shape:
        raise ShapeError(
            f"{name}: got {array.dtype} {list(array.shape)}, "
            f"want {np.dtype(dtype)} {list(shape)}"
        )


def _refuse_number(rows: Any) -> None:
    """Refuse what would take a dimension away; a ``for`` over the boxes asks that way."""
    if isinstance(rows, Integral):
        raise ShapeError(
            f"got the row {rows}, want a mask, a slice or an index array",
            help=f"[{rows}:{rows + 1}] or [[{rows}]] for one row; boxes_xyxy, scores and "
            "labels are arrays to go through; who wants several frames wants a list of them",
        )


def _extras(of: Detections | Tracks, rows: Any) -> dict[str, Any]:
    values = {name: getattr(of, name) for name in _EXTRAS}
    return {name: None if value is None else value[rows] for name, value in values.items()}


def _check_extras(of: Detections | Tracks, num: int) -> None:
    for name in _EXTRAS:
        extra = getattr(of, name)
        if extra is not None and len(extra) != num:
            raise ShapeError(f"{name}: got {len(extra)} rows, want {num}, one for each box")
    if of.embeddings is not None:
        _check("embeddings", of.embeddings, np.float32, (num, *of.embeddings.shape[1:2]))
    if of.keypoints is not None:
        _check("keypoints", of.keypoints, np.float32, (num, *of.keypoints.shape[1:2], 3))
