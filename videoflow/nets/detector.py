"""The detector: frames in, detections out; one for each form of what networks give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from videoflow.data.detections import Detections
from videoflow.data.frame import Frame, Stamp
from videoflow.nets.card import InputContract
from videoflow.nets.objects import ObjectsNetwork, split_objects
from videoflow.nets.postprocess import Selection, make_detections
from videoflow.nets.predictions import Predictions
from videoflow.nets.preprocess import InputBatch, in_order, make_inputs

__all__ = ["DenseDetector", "Detector", "ObjectsDetector"]


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
        batches = make_inputs(
            frames,
            contract=self.contract,
            input_size=self.input_size,
            device=self.device,
            dtype=self.dtype,
        )
        return in_order(batches, frames, find=self._find)

    def _find(self, batch: InputBatch, stamps: list[Stamp]) -> list[Detections]:
        return make_detections(
            self.network(batch.images),
            stamps=stamps,
            letterboxes=batch.letterboxes,
            selection=self.selection,
        )


@dataclass(frozen=True, slots=True, eq=False)
class ObjectsDetector:
    """A network that selects by itself, with all around it.

    Attributes:
        network: On ``device``, in evaluation mode.
        labels: Class names.
        contract: What the network wants.
        selection: Which objects become detections.
        input_size: In place of the contract's ``size``, in pixels.
        device: Where the network is.
        dtype: Floating point type of the network.
    """

    network: ObjectsNetwork = field(repr=False)
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
        batches = make_inputs(
            frames,
            contract=self.contract,
            input_size=self.input_size,
            device=self.device,
            dtype=self.dtype,
        )
        return in_order(batches, frames, find=self._find)

    def _find(self, batch: InputBatch, stamps: list[Stamp]) -> list[Detections]:
        objects = self.network(
            batch.images,
            content_hw=[fit.content_hw for fit in batch.letterboxes],
            selection=self.selection,
        )
        return split_objects(objects, stamps=stamps, letterboxes=batch.letterboxes)
