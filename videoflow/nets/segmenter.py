"""The segmenter: frames in, the class of every pixel out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from videoflow.data.frame import Frame, Stamp
from videoflow.data.segmentation import Segmentation
from videoflow.nets.card import InputContract
from videoflow.nets.frame_calls import begin_frames
from videoflow.nets.letterbox import Letterbox
from videoflow.nets.preprocess import Fill, InputBatch, fill_plain
from videoflow.nets.stages import HostStages, Stages

__all__ = ["Segmenter"]


@dataclass(frozen=True, slots=True, eq=False)
class Segmenter:
    """A network that names the class of every pixel, with all around it.

    Attributes:
        network: From float ``[N, 3, H, W]``, as ``contract`` says, to a logit for each class,
            float ``[N, C, H, W]``; on ``device``, in evaluation mode.
        labels: Class names, at most 256.
        contract: What the network wants; without padding.
        input_size: In place of the contract's ``size``, in pixels.
        device: Where the network is.
        dtype: Floating point type of the network.
        stages: How its calls run on the device.
        fill: How frames become inputs there.
    """

    network: Callable[[Tensor], Tensor] = field(repr=False)
    labels: tuple[str, ...] = field(repr=False)
    contract: InputContract = field(repr=False)
    input_size: int | tuple[int, int]
    device: torch.device
    dtype: torch.dtype = torch.float32
    stages: Stages = field(default_factory=HostStages, repr=False)
    fill: Fill = field(default=fill_plain, repr=False)

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

    def begin(self, frames: Sequence[Frame]) -> Callable[[], list[Segmentation]]:
        """Queue ``segment``; see ``Detector.begin``."""
        return begin_frames(self, frames, compute=self._compute, read=_read)

    def _compute(self, batch: InputBatch) -> Tensor:
        return self.network(batch.images).argmax(dim=1, keepdim=True).to(torch.uint8)


def _read(
    classes: Tensor, stamps: Sequence[Stamp], _letterboxes: Sequence[Letterbox]
) -> list[Segmentation]:
    return [
        Segmentation(stamp, _nearest(part, stamp.size_hw).numpy())
        for part, stamp in zip(classes, stamps, strict=True)
    ]


def _nearest(class_map: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """Stretch uint8 ``[1, h, w]`` to ``[H, W]``."""
    return F.interpolate(class_map.unsqueeze(0), size_hw, mode="nearest-exact")[0, 0]
