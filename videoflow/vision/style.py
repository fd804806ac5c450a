"""How an annotated picture looks: what a user may change of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from videoflow.errors import GraphError

__all__ = ["ColorBy", "LabelPart", "SpeedUnit", "Style"]

ColorBy = Literal["id", "class"]
"""What gives a thing its colour."""
LabelPart = Literal["class", "id", "score", "speed", "dwell"]
"""What a label may tell of a thing."""
SpeedUnit = Literal["m/s", "km/h", "mph"]
"""The units in which speeds are written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What annotators look like; every field has a default.

    Attributes:
        color_by: Whether tracks are coloured by their id or by their class. Detections, which
            have no id, are coloured by their class.
        track_label: What stands on the plate of a track, in this order. What is not known is
            left out: the class where the annotator has no names, ``speed`` without ``Speeds``,
            ``dwell`` (in a zone) without ``ZoneCounts``. Empty: no plate.
        detection_label: The same for detections.
        speed_unit: Of the speeds on the plates.
        trail_seconds: For how long the way that a track came is shown; 0 for no trail.
        flash_seconds: For how long a line is bright after a crossing, and a zone after
            somebody came or went.
        mask_opacity: Of the pixels of an object, 0 to 1.
        zone_opacity: Of the inside of a zone, 0 to 1.
        heat_opacity: Of the hottest cell of a heat map, 0 to 1.
        segmentation_opacity: Of the classes of a segmentation, 0 to 1.
        clear_classes: Classes of a segmentation that are not coloured.
        min_keypoint_score: Keypoints below it are not drawn, and no bone that ends in one.
        skeleton: Pairs of keypoint indices to join; None for the COCO skeleton where there are
            17 keypoints, and for no bones where there are not.
        scale: How much larger strokes and letters are than usual. They grow with the picture
            by themselves.

    Raises:
        GraphError: A number out of range, or a word that there is not.
    """

    # In a config, a field that there is not is an error.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    color_by: ColorBy = "id"
    track_label: tuple[LabelPart, ...] = ("class", "id", "speed", "dwell")
    detection_label: tuple[LabelPart, ...] = ("class", "score")
    speed_unit: SpeedUnit = "m/s"
    trail_seconds: float = 0.0
    flash_seconds: float = 0.4
    mask_opacity: float = 0.45
    zone_opacity: float = 0.16
    heat_opacity: float = 0.65
    segmentation_opacity: float = 0.5
    clear_classes: tuple[int, ...] = (0, 255)
    min_keypoint_score: float = 0.3
    skeleton: tuple[tuple[int, int], ...] | None = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        self._check_words("color_by", (self.color_by,), get_args(ColorBy))
        self._check_words("speed_unit", (self.speed_unit,), get_args(SpeedUnit))
        for field in ("track_label", "detection_label"):
            self._check_words(field, getattr(self, field), get_args(LabelPart))
        for name in ("mask", "zone", "heat", "segmentation"):
            self._check(f"{name}_opacity", low=0, high=1)
        self._check("trail_seconds", low=0)
        self._check("flash_seconds", low=0)
        self._check("scale", low=0.1, high=10)

    def _check_words(self, field: str, got: Sequence[str], known: Sequence[str]) -> None:
        if isinstance(got, str) or not all(word in known for word in got):
            value = getattr(self, field)
            raise GraphError(f"Style: got {field}={value!r}, want of {', '.join(known)}")

    def _check(self, field: str, *, low: float, high: float = float("inf")) -> None:
        value = getattr(self, field)
        if not low <= value <= high:
            want = f">= {low}" if high == float("inf") else f"{low} to {high}"
            raise GraphError(f"Style: got {field}={value!r}, want {want}")
