"""Cuts a part out of each frame."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Unpack

from videoflow.core.node import NodeOptions, ProcessorNode
from videoflow.data.frame import Frame
from videoflow.errors import GraphError, ShapeError

__all__ = ["CropTransformer"]


class CropTransformer(ProcessorNode):
    """Cuts the same box out of each frame; what follows counts pixels from the box's corner.

    NV12 stays NV12: it has one colour for 2 x 2 pixels, so that the box grows outward to even
    pixels. RGB is cut as asked. What of the box is outside the picture is left out.

    Args:
        box_xyxy: Left, top, right, bottom in pixels; right and bottom are the first outside.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: The box is empty or begins below 0.
    """

    makes_frames: ClassVar[bool] = True
    preload: ClassVar[tuple[str, ...]] = ("torch",)

    def __init__(
        self, box_xyxy: tuple[int, int, int, int], **options: Unpack[NodeOptions]
    ) -> None:
        super().__init__(**options)
        left, top, right, bottom = box_xyxy
        if not (0 <= left < right and 0 <= top < bottom):
            raise GraphError(
                f"{self.name!r}: got box_xyxy={box_xyxy}, want 0 <= left < right and "
                "0 <= top < bottom"
            )
        self._box_xyxy = box_xyxy

    def process(self, *inputs: Frame) -> Frame:
        """Return the part of a frame, in the same layout.

        Raises:
            ShapeError: The box lies outside the picture.
        """
        (frame,) = inputs
        left, top, right, bottom = self._clip(frame)
        size_hw = (bottom - top, right - left)
        stamp = replace(frame.stamp, size_hw=size_hw)
        if frame.layout == "rgb":
            buffer = self.slot_tensor((*size_hw, 3)).permute(2, 0, 1)
            buffer.copy_(frame.pixels[:, top:bottom, left:right])
        else:
            height = frame.size_hw[0]
            buffer = self.slot_tensor((size_hw[0] * 3 // 2, size_hw[1]))
            buffer[: size_hw[0]] = frame.pixels[top:bottom, left:right]
            chroma_rows = slice(height + top // 2, height + bottom // 2)
            buffer[size_hw[0] :] = frame.pixels[chroma_rows, left:right]
        return Frame(buffer, stamp, frame.layout, frame.color)

    def _clip(self, frame: Frame) -> tuple[int, int, int, int]:
        height, width = frame.size_hw
        left, top, right, bottom = self._box_xyxy
        if left >= width or top >= height:
            raise ShapeError(
                f"{self.name!r}, stream {frame.stream!r}, frame {frame.index}: got a picture "
                f"of {width} x {height}, want one that reaches into the box {self._box_xyxy}"
            )
        if frame.layout == "nv12":  # (1, 1, 4, 4) -> (0, 0, 4, 4)
            left, top = left // 2 * 2, top // 2 * 2
            right, bottom = -(-right // 2) * 2, -(-bottom // 2) * 2
        return left, top, min(right, width), min(bottom, height)
