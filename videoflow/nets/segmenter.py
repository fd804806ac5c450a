"""The segmenter: frames in, the class of every pixel out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from videoflow.data.frame import Frame, Stamp
from videoflow.data.segmentation import Segmentation
from videoflow.nets.frame_calls import FrameModel
from videoflow.nets.letterbox import Letterbox
from videoflow.nets.preprocess import InputBatch

__all__ = ["Segmenter"]


@dataclass(frozen=True, slots=True, eq=False)
class Segmenter(FrameModel[Segmentation]):
    """A network that names the class of every pixel, with all around it.

    Attributes:
        network: From float ``[N, 3, H, W]``, as ``contract`` says (and without padding), to a
            logit for each of at most 256 classes, float ``[N, C, H, W]``; on ``device``, in
            evaluation mode.
    """

    network: Callable[[Tensor], Tensor] = field(repr=False)

    def segment(self, frames: Sequence[Frame]) -> list[Segmentation]:
        """Return the class of every pixel of each frame, in the order of the frames.

        A pixel of the frame has the class of the nearest one of the network's picture. Blocks
        until the results are in host memory.

        Args:
            frames: Any number, sizes and layouts; only read during the call.

        Raises:
            ShapeError: A frame without pixels.
            LeaseError: A frame that was used after its time.
        """
        return self.begin(frames)()

    def _compute(self, batch: InputBatch) -> Tensor:
        return self.network(batch.images).argmax(dim=1, keepdim=True).to(torch.uint8)

    def _read(
        self, output: Tensor, stamps: Sequence[Stamp], letterboxes: Sequence[Letterbox]
    ) -> list[Segmentation]:
        return [
            Segmentation(stamp, _nearest(part, stamp.size_hw).numpy())
            for part, stamp in zip(output, stamps, strict=True)
        ]


def _nearest(class_map: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """Stretch uint8 ``[1, h, w]`` to ``[H, W]``."""
    return F.interpolate(class_map.unsqueeze(0), size_hw, mode="nearest-exact")[0, 0]
