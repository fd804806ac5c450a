"""The embedder: boxes of frames in, one vector for each out, by what the box shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from videoflow.data.frame import Frame
from videoflow.nets.card import InputContract
from videoflow.nets.crops import croppable, make_crops
from videoflow.nets.stages import HostStages, Stages

__all__ = ["Embedder"]


@dataclass(frozen=True, slots=True, eq=False)
class Embedder:
    """A network that says what a crop looks like, with all around it.

    Attributes:
        network: From float ``[N, 3, H, W]``, as ``contract`` says, to float ``[N, D]``; on
            ``device``, in evaluation mode.
        embedding_size: D.
        contract: What the network wants; of fixed height and width.
        max_crops: At most so many crops in one call of the network.
        device: Where the network is.
        stages: How its calls run on the device.
    """

    network: Callable[[Tensor], Tensor] = field(repr=False)
    embedding_size: int
    contract: InputContract = field(repr=False)
    max_crops: int
    device: torch.device
    stages: Stages = field(default_factory=HostStages, repr=False)

    def embed(
        self, frames: Sequence[Frame], boxes_xyxy: Sequence[NDArray[np.float32]]
    ) -> list[NDArray[np.float32]]:
        """Return the vectors of each frame's boxes, of length 1: compare by inner product.

        A box that shows less than a pixel of its frame, or is not a number, has a vector of
        zeros, which is like nothing. Boxes of different frames share the network's calls; what
        comes out for a box does not depend on the others. Blocks until all is in host memory.

        Args:
            frames: Any number, sizes and layouts; only read during the call.
            boxes_xyxy: For each frame, float32 ``[M, 4]`` in its pixels.

        Returns:
            For each frame, float32 ``[M, D]``.

        Raises:
            LeaseError: A frame that was used after its time.
        """
        return self.begin(frames, boxes_xyxy)()

    def begin(
        self, frames: Sequence[Frame], boxes_xyxy: Sequence[NDArray[np.float32]]
    ) -> Callable[[], list[NDArray[np.float32]]]:
        """Queue ``embed``; see ``nets.detector.Detector.begin``."""
        if not frames:
            return list
        owners = np.repeat(np.arange(len(frames)), [len(boxes) for boxes in boxes_xyxy])
        boxes = np.concatenate(boxes_xyxy)
        shown = [
            croppable(of_frame, frame.size_hw)
            for frame, of_frame in zip(frames, boxes_xyxy, strict=True)
        ]
        rows = np.flatnonzero(np.concatenate(shown))
        parts = [
            rows[start : start + self.max_crops]
            for start in range(0, len(rows), self.max_crops)
        ]
        num_frames = len(frames)
        finish = self.stages.begin(
            lambda: [self._crops(frames, owners[part], boxes[part]) for part in parts],
            lambda crops: [F.normalize(self.network(one).float(), dim=1) for one in crops],
        )

        def results() -> list[NDArray[np.float32]]:
            vectors = np.zeros((len(boxes), self.embedding_size), np.float32)
            for part, embedded in zip(parts, finish(), strict=True):
                vectors[part] = embedded.numpy()
            return np.split(vectors, np.searchsorted(owners, np.arange(1, num_frames)))

        return results

    def _crops(
        self, frames: Sequence[Frame], owners: NDArray[Any], boxes: NDArray[np.float32]
    ) -> Tensor:
        return make_crops(
            [frames[owner] for owner in owners],
            boxes,
            contract=self.contract,
            device=self.device,
        )
