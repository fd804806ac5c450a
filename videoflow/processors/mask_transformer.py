"""Hides a part of each frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Unpack

from videoflow.core.node import NodeOptions, ProcessorNode
from videoflow.data.frame import Frame
from videoflow.errors import GraphError, ShapeError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["MaskTransformer"]


class MaskTransformer(ProcessorNode):
    """Paints over what is inside, or outside, a region of each frame.

    To hide what must not be seen, or what a detector shall not look at. The layout stays.
    NV12 has one colour for 2 x 2 pixels: where one of them is hidden the colour of all four
    goes, so that nothing of what is hidden shows.

    Args:
        region: Corners ``(x, y)`` of a polygon in pixels, at least three, or a bool
            ``[H, W]`` tensor of the frames' size. A pixel is inside a polygon when its middle
            is (even-odd rule).
        hide: Which side of the region is painted over.
        fill_rgb: With which colour, 0 to 255.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A polygon of fewer than three corners, or an unknown side.
    """

    makes_frames: ClassVar[bool] = True
    preload: ClassVar[tuple[str, ...]] = ("torch",)

    def __init__(
        self,
        region: Sequence[tuple[float, float]] | Tensor,
        *,
        hide: Literal["inside", "outside"] = "outside",
        fill_rgb: tuple[int, int, int] = (0, 0, 0),
        **options: Unpack[NodeOptions],
    ) -> None:
        super().__init__(**options)
        if isinstance(region, Sequence) and len(region) < 3:
            raise GraphError(
                f"{self.name!r}: got a region of {len(region)} corners, want at least 3"
            )
        if hide not in ("inside", "outside"):
            raise GraphError(f"{self.name!r}: got hide={hide!r}, want 'inside' or 'outside'")
        self._region = region
        self._hide = hide
        self._fill_rgb = fill_rgb
        self._hidden: Tensor | None = None  # bool [H, W], for the size seen last

    def process(self, *inputs: Frame) -> Frame:
        """Return the frame with the region hidden.

        Raises:
            ShapeError: The region is a tensor of another size than the frame.
        """
        (frame,) = inputs
        hidden = self._find_hidden(frame)
        if frame.layout == "rgb":
            buffer = self.slot_tensor((*frame.size_hw, 3)).permute(2, 0, 1)
            buffer.copy_(frame.pixels)
            for channel, value in zip(buffer, self._fill_rgb, strict=True):
                channel.masked_fill_(hidden, value)
        else:
            buffer = self.slot_tensor(tuple(frame.pixels.shape))
            buffer.copy_(frame.pixels)
            self._fill_nv12(buffer, hidden, frame)
        return Frame(buffer, frame.stamp, frame.layout, frame.color)

    def _fill_nv12(self, buffer: Tensor, hidden: Tensor, frame: Frame) -> None:
        from videoflow.data.color import split_nv12, ycbcr_coefficients  # torch

        luma, chroma = split_nv12(buffer.unsqueeze(0))
        matrix, offsets = ycbcr_coefficients(frame.color)
        fill = [
            round(sum(w * v for w, v in zip(row, self._fill_rgb, strict=True)) + offset)
            for row, offset in zip(matrix, offsets, strict=True)
        ]
        height, width = frame.size_hw
        hidden_pairs = hidden.view(height // 2, 2, width // 2, 2).any(3).any(1)
        luma[0, 0].masked_fill_(hidden, fill[0])
        chroma[0, 0].masked_fill_(hidden_pairs, fill[1])
        chroma[0, 1].masked_fill_(hidden_pairs, fill[2])

    def _find_hidden(self, frame: Frame) -> Tensor:
        if self._hidden is None or self._hidden.shape != frame.size_hw:
            if isinstance(self._region, Sequence):
                inside = _rasterise(self._region, frame.size_hw)
            elif tuple(self._region.shape) == frame.size_hw:
                inside = self._region.bool()
            else:
                raise ShapeError(
                    f"{self.name!r}, stream {frame.stream!r}, frame {frame.index}: got a "
                    f"picture of (H, W) {frame.size_hw}, want {tuple(self._region.shape)}, "
                    "the size of the region",
                    help="give the region as a polygon, or resize the frames first",
                )
            self._hidden = (inside if self._hide == "inside" else ~inside).contiguous()
        self._hidden = self._hidden.to(frame.pixels.device)
        return self._hidden


def _rasterise(corners: Sequence[tuple[float, float]], size_hw: tuple[int, int]) -> Tensor:
    """Return bool ``[H, W]``: the middle of the pixel is inside, by the even-odd rule."""
    import torch

    height, width = size_hw
    y = torch.arange(height).view(-1, 1) + 0.5
    x = torch.arange(width).view(1, -1) + 0.5
    inside = torch.zeros(size_hw, dtype=torch.bool)
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if y0 == y1:
            continue
        # A ray to the right crosses the edge where it spans the row and lies right of x.
        spans = (y0 <= y) != (y1 <= y)
        inside ^= spans & (x0 + (y - y0) * ((x1 - x0) / (y1 - y0)) > x)
    return inside
