"""Colour over much of a picture, in plain torch: the same code on every device.

What goes to the device is one byte for each cell, not the coloured picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from videoflow.vision.palette import RGB
from videoflow.vision.upload import upload

__all__ = ["Wash"]

_ROWS_AT_ONCE = 32


@dataclass(frozen=True, slots=True, eq=False)
class Wash:
    """A colour for each cell of a grid over the picture; with soft or hard edges.

    Attributes:
        index_map: uint8 ``[R, C]``, which colour each cell has. The first cell begins at the
            picture's upper left corner; the last ones may reach beyond its other two sides.
        rgbs: The colours, at most 256; an index beyond them is clear.
        opacities: Of each colour, 0 to 1.
        cell_px: Side of a cell. Cells of one pixel have hard edges, the colours of larger ones
            run into each other.
    """

    index_map: NDArray[np.uint8]
    rgbs: tuple[RGB, ...]
    opacities: tuple[float, ...]
    cell_px: int = 1

    def blend_into(
        self, planes: Sequence[Tensor], inks: Sequence[Callable[[RGB], NDArray[np.uint16]]]
    ) -> None:
        """Blend the colours into a picture.

        Args:
            planes: uint8 ``[h, w, c]`` on any device: RGB, or luma and halved chroma.
            inks: Of the planes, to uint16 ``[c]``.
        """
        table = np.zeros(256, np.float32)
        table[: len(self.opacities)] = self.opacities
        top, bottom, left, right = self._extent(table)
        if bottom <= top or right <= left:
            return
        cells = np.ascontiguousarray(self.index_map[top:bottom, left:right])
        on_device = upload(cells, planes[0].device).int()
        for scale, (plane, ink) in enumerate(zip(planes, inks, strict=True), start=1):
            colors = np.zeros((256, plane.shape[2] + 1), np.float32)
            for index, rgb in enumerate(self.rgbs):
                colors[index, :-1] = ink(rgb)[: plane.shape[2]]
            colors[:, :-1] *= table[:, None]
            colors[:, -1] = table
            tint = self._spread(on_device, upload(colors, plane.device), scale)
            y, x = top * self.cell_px // scale, left * self.cell_px // scale
            part = plane[y : y + tint.shape[1], x : x + tint.shape[2]]
            _blend(part.permute(2, 0, 1), tint)

    def _extent(self, table: NDArray[np.float32]) -> tuple[int, int, int, int]:
        """Return the cells around all that is not clear, and one more on each side."""
        is_shown = (table > 0)[self.index_map]
        rows = np.flatnonzero(is_shown.any(axis=1))
        columns = np.flatnonzero(is_shown.any(axis=0))
        if not len(rows):
            return 0, 0, 0, 0
        top, left = max(0, rows[0] - 1) & ~1, max(0, columns[0] - 1) & ~1
        # Even ends, so that a sample of chroma has all its four pixels.
        return int(top), int(rows[-1] + 3) & ~1, int(left), int(columns[-1] + 3) & ~1

    def _spread(self, cells: Tensor, colors: Tensor, scale: int) -> Tensor:
        """Return ink times opacity, and opacity, of each sample: float ``[c + 1, h, w]``."""
        tint = F.embedding(cells, colors).permute(2, 0, 1)  # [c + 1, R, C]
        if self.cell_px == 1:
            return tint if scale == 1 else _halved(tint)
        # One channel after the other, as pictures are: faster on a CPU.
        return F.interpolate(
            tint.contiguous().unsqueeze(0),
            scale_factor=self.cell_px / scale,
            mode="bilinear",
            recompute_scale_factor=False,
        )[0]


def _halved(tint: Tensor) -> Tensor:
    rows = tint[:, 0::2] + tint[:, 1::2]
    return (rows[..., 0::2] + rows[..., 1::2]) / 4


def _blend(target: Tensor, tint: Tensor) -> None:
    """Blend ``[c + 1, h, w]`` into ``[c, h, w]``; what is more at its ends is left out."""
    _, height, width = target.shape
    # On a CPU, what comes between then stays in the cache.
    step = _ROWS_AT_ONCE if target.device.type == "cpu" else max(1, height)
    for top in range(0, height, step):
        below = target[:, top : top + step]
        over = tint[:, top : top + below.shape[1], :width]
        below.copy_(below.float().mul_(1 - over[-1]).add_(over[:-1]).add_(0.5))
