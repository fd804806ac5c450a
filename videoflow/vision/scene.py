"""What is known of one stream's picture when it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from videoflow.data.detections import Detections, Tracks
from videoflow.data.frame import Stamp
from videoflow.vision.palette import RGB, track_rgb
from videoflow.vision.places import Places
from videoflow.vision.style import Style

__all__ = ["Objects", "Scene"]

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True, eq=False)
class Objects:
    """Detections or tracks that can be drawn: those whose box lies in the picture.

    Attributes:
        of: Where they are from, without the others.
        rgbs: The colour of each.
    """

    of: Detections | Tracks
    rgbs: tuple[RGB, ...]


class Scene:
    """The last word of each input of an annotator, for one stream.

    Attributes:
        stamp: Of the frame that is drawn.
        style: How to draw.
        labels: Names of the classes; may be empty.
        objects: What was found or is followed.
        places: Where texts are in this picture, to be kept clear by others.
    """

    stamp: Stamp
    places: Places

    def __init__(self, style: Style, labels: Sequence[str] = ()) -> None:
        self.style = style
        self.labels = tuple(labels)
        self.objects: list[Objects] = []
        self._words: list[Any] = []
        self._new: list[Any] = []

    def take(self, stamp: Stamp, inputs: Sequence[Any]) -> None:
        """Hear what is known of a frame.

        Args:
            stamp: Of the frame.
            inputs: One for each input of the annotator, always in the same order; None leaves
                the last word of that input standing.
        """
        self.stamp = stamp
        self.places = Places(stamp.size_hw)
        words = self._words or [None] * len(inputs)
        self._new = [word for word in inputs if word is not None]
        self._words = [
            old if new is None else new for old, new in zip(words, inputs, strict=True)
        ]
        if self._new or not self.objects:
            people: list[Detections | Tracks] = [*self.of(Tracks), *self.of(Detections)]
            self.objects = [self._drawable(one) for one in people]

    @property
    def now_seconds(self) -> float:
        """Presentation time of the frame."""
        return self.stamp.pts_seconds

    def of(self, kind: type[Kind]) -> list[Kind]:
        """Return the last word of each input that speaks of ``kind``."""
        return [word for word in self._words if isinstance(word, kind)]

    def new(self, kind: type[Kind]) -> list[Kind]:
        """Return what came with this very frame."""
        return [word for word in self._new if isinstance(word, kind)]

    def class_name(self, label: int) -> str:
        """Return the name of a class, ``""`` without names, its number beyond them."""
        if not self.labels:
            return ""
        return self.labels[label] if 0 <= label < len(self.labels) else str(label)

    def _drawable(self, of: Detections | Tracks) -> Objects:
        height, width = of.stamp.size_hw
        left, top, right, bottom = of.boxes_xyxy.T
        is_seen = np.isfinite(of.boxes_xyxy).all(axis=1)
        is_seen &= (left < np.minimum(right, width)) & (top < np.minimum(bottom, height))
        is_seen &= (right > 0) & (bottom > 0)
        of = of if is_seen.all() else of[is_seen]
        keys: NDArray[np.int64] = of.labels
        if isinstance(of, Tracks) and self.style.color_by == "id":
            keys = of.ids
        return Objects(of, tuple(track_rgb(key) for key in keys.tolist()))
