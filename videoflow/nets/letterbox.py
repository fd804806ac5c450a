"""How a picture is fitted into a network's input, and boxes back into the picture. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from videoflow.errors import ShapeError

__all__ = ["FitRule", "Letterbox"]

FitRule = Literal["long_side", "short_side", "stretch"]
"""How a picture is scaled to a size; see ``InputContract``."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A picture scaled into the upper left corner of a padded input.

    Attributes:
        source_hw: Height and width of the picture in pixels.
        content_hw: Of the scaled picture, within one pixel of the source's proportions.
        input_hw: Of the input, multiples of the stride.
    """

    source_hw: tuple[int, int]
    content_hw: tuple[int, int]
    input_hw: tuple[int, int]

    @classmethod
    def fit(
        cls,
        source_hw: tuple[int, int],
        *,
        input_size: int | tuple[int, int],
        stride: int = 1,
        rule: FitRule = "long_side",
        max_size: int | None = None,
    ) -> Letterbox:
        """Scale the picture by ``rule`` and pad only to the stride.

        Args:
            source_hw: Height and width of the picture in pixels.
            input_size: Of a side, in pixels; or height and width of the input.
            stride: Height and width of the input are multiples of it, unless they are given.
            rule: Which side becomes ``input_size``: the longer, the shorter, or both. Into a
                given height and width, ``long_side`` scales as far as the picture fits.
            max_size: With ``short_side``: what the longer side does not exceed, in pixels.

        Raises:
            ShapeError: A picture without pixels.

        Example:
            >>> Letterbox.fit((576, 768), input_size=416, stride=32)
            Letterbox(source_hw=(576, 768), content_hw=(312, 416), input_hw=(320, 416))
            >>> Letterbox.fit((576, 768), input_size=(416, 416))
            Letterbox(source_hw=(576, 768), content_hw=(312, 416), input_hw=(416, 416))
        """
        if min(source_hw) < 1:
            raise ShapeError(
                f"letterbox: got a picture of {source_hw[1]} x {source_hw[0]} pixels, "
                "want at least 1 x 1"
            )
        is_fixed = isinstance(input_size, tuple)
        bounds = input_size if isinstance(input_size, tuple) else (input_size, input_size)
        if rule == "stretch":
            content = bounds
        elif rule == "short_side":
            content = _fit_short_side(source_hw, min(bounds), max_size)
        else:
            scale = min(bound / side for bound, side in zip(bounds, source_hw, strict=True))
            content = (round(source_hw[0] * scale), round(source_hw[1] * scale))
        height, width = max(1, content[0]), max(1, content[1])
        padded_height, padded_width = (-(-side // stride) * stride for side in (height, width))
        return cls(
            source_hw, (height, width), bounds if is_fixed else (padded_height, padded_width)
        )

    @property
    def scale_xy(self) -> NDArray[np.float32]:
        """Pixels of the picture for one of the input, float32 ``[2]``.

        The two axes have scales of their own, because ``content_hw`` is rounded.
        """
        return np.array(self._scales, np.float32)

    def to_source(self, boxes_xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map boxes from the input to the picture.

        Args:
            boxes_xyxy: float32 ``[M, 4]``, pixels of the input.

        Returns:
            float32 ``[M, 4]``, pixels of the picture.
        """
        return boxes_xyxy * np.array(self._scales * 2, np.float32)

    @property
    def _scales(self) -> tuple[float, float]:
        (height, width), (content_height, content_width) = self.source_hw, self.content_hw
        return width / content_width, height / content_height


def _fit_short_side(
    source_hw: tuple[int, int], size: int, max_size: int | None
) -> tuple[int, int]:
    """Return the size of the scaled picture, with the roundings of torchvision 0.29.

    Its detection models multiply and cut, its segmentation models (which have no
    ``max_size``) divide whole numbers; each then gets the size it was trained with.
    """
    short, long = min(source_hw), max(source_hw)
    if max_size is None:
        return size * source_hw[0] // short, size * source_hw[1] // short
    scale = min(size / short, max_size / long)
    return math.floor(source_hw[0] * scale), math.floor(source_hw[1] * scale)
