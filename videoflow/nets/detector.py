"""The detector: frames in, detections out; and the one for dense one-stage networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from videoflow.data.detections import Detections
from videoflow.data.frame import Frame
from videoflow.nets.card import InputContract
from videoflow.nets.postprocess import Selection, make_detections
from videoflow.nets.predictions import Predictions
from videoflow.nets.preprocess import make_inputs

__all__ = ["DenseDetector", "Detector"]


class Detector(Protocol):
    """Whatever finds objects in frames."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names, in the order of ``Detections.labels``."""

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Return the detections of each frame, in the order of the frames.

        What is found in a frame does not depend on the others. Blocks until the results are
        in host memory.

        Args:
            frames: Any number, sizes and layouts; only read during the call.
        """


@dataclass(frozen=True, slots=True, eq=False)
class DenseDetector:
    """A network that predicts a box at every place of its grids, with all around it.

    Attributes:
        network: From float ``[N, 3, H, W]``, as ``contract`` says, to predictions; on
            ``device``, in evaluation mode.
        labels: Class names.
        contract: What the network wants.
        selection: Which predictions become detections.
        input_size: Longest side of the scaled pictures in pixels, or the fixed height and
            width of the inputs.
        device: Where the network is.
        dtype: Floating point type of the network.
    """

    network: Callable[[Tensor], Predictions] = field(repr=False)
    labels: tuple[str, ...] = field(repr=False)
    contract: InputContract = field(repr=False)
    selection: Selection
    input_size: int | tuple[int, int]
    device: torch.device
    dtype: torch.dtype = torch.float32

    @torch.inference_mode()
    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Return the detections of each frame; see ``Detector.detect``.

        Raises:
            ShapeError: A frame without pixels.
            LeaseError: A frame that was used after its time.
        """
        found: dict[int, Detections] = {}
        for batch in make_inputs(
            frames,
            contract=self.contract,
            input_size=self.input_size,
            device=self.device,
            dtype=self.dtype,
        ):
            detections = make_detections(
                self.network(batch.images),
                stamps=[frames[at].stamp for at in batch.positions],
                letterboxes=batch.letterboxes,
                selection=self.selection,
            )
            found.update(zip(batch.positions, detections, strict=True))
        return [found[at] for at in range(len(frames))]
