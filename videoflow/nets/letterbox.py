"""How a picture is fitted into a network's input, and boxes back into the picture. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videoflow.errors import ShapeError

__all__ = ["Letterbox"]


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
        keeps_proportions: bool = True,
    ) -> Letterbox:
        """Scale the picture into the input's size.

        Args:
            source_hw: Height and width of the picture in pixels.
            input_size: Height and width of the input; or its longest side, and then it is
                padded only to the stride.
            stride: Height and width of an input are multiples of it, unless both are given.
            keeps_proportions: Pad instead of filling the input.

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
        scale = min(bound / side for bound, side in zip(bounds, source_hw, strict=True))
        height, width = (max(1, round(side * scale)) for side in source_hw)
        if not keeps_proportions:
            height, width = bounds
        padded_height, padded_width = (-(-side // stride) * stride for side in (height, width))
        return cls(
            source_hw, (height, width), bounds if is_fixed else (padded_height, padded_width)
        )

    def to_source(self, boxes_xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map boxes from the input to the picture.

        The two axes have scales of their own, because ``content_hw`` is rounded.

        Args:
            boxes_xyxy: float32 ``[M, 4]``, pixels of the input.

        Returns:
            float32 ``[M, 4]``, pixels of the picture.
        """
        y, x = (
            source / content
            for source, content in zip(self.source_hw, self.content_hw, strict=True)
        )
        return boxes_xyxy * np.array([x, y, x, y], np.float32)
