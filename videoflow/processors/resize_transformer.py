"""Brings each frame to one size."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Unpack

from videoflow.core.node import NodeOptions, ProcessorNode
from videoflow.data.frame import Frame
from videoflow.errors import GraphError

__all__ = ["ResizeTransformer"]


class ResizeTransformer(ProcessorNode):
    """Resizes each frame; what follows counts pixels of the new size.

    Detectors resize by themselves; this is for pictures that are written or sent. The ratio
    of the sides is not kept. NV12 stays NV12 where the new size is even, else it becomes RGB.
    Bilinear, with a filter as wide as the step where it shrinks, so that nothing flickers.

    Args:
        size_hw: Height and width to reach, in pixels.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A side below 1.
    """

    makes_frames: ClassVar[bool] = True
    preload: ClassVar[tuple[str, ...]] = ("torch",)

    def __init__(self, size_hw: tuple[int, int], **options: Unpack[NodeOptions]) -> None:
        super().__init__(**options)
        if min(size_hw) < 1:
            raise GraphError(f"{self.name!r}: got size_hw={size_hw}, want both sides >= 1")
        self._size_hw = size_hw

    def process(self, *inputs: Frame) -> Frame:
        """Return the frame in the new size; a frame that has it goes on as it is."""
        from videoflow.data.planes import resize_nv12, resize_rgb  # torch: only for who runs

        (frame,) = inputs
        height, width = self._size_hw
        if frame.size_hw == self._size_hw:
            return frame
        stamp = replace(frame.stamp, size_hw=self._size_hw)
        if frame.layout == "nv12" and height % 2 == 0 and width % 2 == 0:
            buffer = self.slot_tensor((height * 3 // 2, width))
            buffer.copy_(resize_nv12(frame.pixels.unsqueeze(0), self._size_hw)[0])
            return Frame(buffer, stamp, "nv12", frame.color)
        buffer = self.slot_tensor((height, width, 3)).permute(2, 0, 1)
        buffer.copy_(resize_rgb(frame.rgb().unsqueeze(0), self._size_hw)[0])
        return Frame(buffer, stamp, "rgb", frame.color)
