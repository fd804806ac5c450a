"""Samples that wait on the host to be blended into a picture on a device.

The picture is cut into tiles of 16 x 16 pixels; of the overlay only the tiles that were drawn
on travel: 704 bytes each for NV12, 1,024 for RGB, and 8 for where they go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["OverlayTiles"]

U8 = NDArray[np.uint8]

_SIDE = 16


class OverlayTiles:
    """Transparent planes with a note of where they were drawn on.

    Each plane has one channel more than the picture's: how much of what lies below still
    shows, 255 for all.

    Args:
        size_hw: Of the picture.
        num_channels: Of the picture's planes; the second plane has half the resolution.
    """

    def __init__(self, size_hw: tuple[int, int], num_channels: tuple[int, ...]) -> None:
        rows, columns = (-(-size // _SIDE) for size in size_hw)
        self._is_touched = np.zeros((rows, columns), np.bool_)
        self._tiled: list[U8] = []
        self.planes: list[U8] = []
        for scale, channels in enumerate(num_channels, start=1):
            side = _SIDE // scale
            # Channel by channel, as pictures are: blending is three times as fast.
            whole = np.zeros((channels + 1, rows * side, columns * side), np.uint8)
            whole[-1] = 255
            self._tiled.append(whole.reshape(channels + 1, rows, side, columns, side))
            inside = whole[:, : size_hw[0] // scale, : size_hw[1] // scale]
            self.planes.append(inside.transpose(1, 2, 0))

    def touch(self, rows: slice, columns: slice) -> None:
        """Note that a rectangle of pixels within the picture is drawn on."""
        self._is_touched[
            rows.start // _SIDE : (rows.stop - 1) // _SIDE + 1,
            columns.start // _SIDE : (columns.stop - 1) // _SIDE + 1,
        ] = True

    def touch_at(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> None:
        """Note that single pixels within the picture are drawn on."""
        self._is_touched[rows // _SIDE, columns // _SIDE] = True

    def lift_onto(self, targets: list[Tensor]) -> None:
        """Blend what was drawn into the planes of a picture on any device, and clear it here.

        Args:
            targets: uint8 ``[h, w, c]``.
        """
        from videoflow.vision.upload import upload  # torch: only for pixels on a device

        at = np.argwhere(self._is_touched)
        if not len(at):
            return
        device = targets[0].device
        drawn = [tiled[:, at[:, 0], :, at[:, 1]] for tiled in self._tiled]  # [T, c + 1, s, s]
        packed = upload(
            np.concatenate([tiles.reshape(len(at), -1) for tiles in drawn], 1), device
        )
        corners = upload(at.astype(np.int32), device).long()
        ends = np.cumsum([tiles[0].size for tiles in drawn]).tolist()
        for target, tiles, end in zip(targets, drawn, ends, strict=True):
            part = packed[:, end - tiles[0].size : end]
            _blend(target, part.reshape(tiles.shape), corners)
        self._clear(at)

    def _clear(self, at: NDArray[np.intp]) -> None:
        for tiled in self._tiled:
            tiled[:-1, at[:, 0], :, at[:, 1]] = 0
            tiled[-1, at[:, 0], :, at[:, 1]] = 255
        self._is_touched[at[:, 0], at[:, 1]] = False


def _blend(target: Tensor, tiles: Tensor, corners: Tensor) -> None:
    """Blend ``[T, c + 1, s, s]`` into ``[h, w, c]`` at ``[T, 2]``, counted in tiles."""
    import torch

    side = tiles.shape[-1]
    steps = torch.arange(side, device=tiles.device)
    top, left = corners[:, :1] * side, corners[:, 1:] * side  # [T, 1]
    # Tiles at the rim reach beyond it: there the last sample is written again, to itself.
    y = (top + steps).clamp_(max=target.shape[0] - 1)  # [T, s]
    x = (left + steps).clamp_(max=target.shape[1] - 1)
    number = torch.arange(len(tiles), device=tiles.device)[:, None, None]
    over = tiles[number, :, (y - top)[:, :, None], (x - left)[:, None, :]].int()
    below = target[y[:, :, None], x[:, None, :]].int()  # [T, s, s, c]
    mixed = (below * over[..., -1:] + 127) // 255 + over[..., :-1]
    target[y[:, :, None], x[:, None, :]] = mixed.to(torch.uint8)
