"""The detector: frames in, detections out; one for each form of what networks give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from videoflow.data.detections import Detections
from videoflow.data.frame import Frame, Stamp
from videoflow.nets.frame_calls import FrameModel
from videoflow.nets.letterbox import Letterbox
from videoflow.nets.objects import Objects, ObjectsNetwork, split_objects
from videoflow.nets.postprocess import Selected, Selection, read_selected, select
from videoflow.nets.predictions import Predictions
from videoflow.nets.preprocess import InputBatch

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

    def begin(self, frames: Sequence[Frame]) -> Callable[[], list[Detections]]:
        """Queue ``detect`` on the network's device, so that the host can go on meanwhile.

        Args:
            frames: As for ``detect``. On a GPU they are read when the current stream gets
                there, and not after what is queued on it later.

        Returns:
            What waits for the detections and returns them; to be called at most once.
        """


@dataclass(frozen=True, slots=True, eq=False)
class DenseDetector(FrameModel[Detections]):
    """A network that predicts a box at every place of its grids, with all around it.

    Attributes:
        network: From float ``[N, 3, H, W]``, as ``contract`` says, to predictions; on
            ``device``, in evaluation mode.
        selection: Which predictions become detections.
    """

    network: Callable[[Tensor], Predictions] = field(repr=False)
    selection: Selection

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Return the detections of each frame; see ``Detector.detect``.

        Raises:
            ShapeError: A frame without pixels.
            LeaseError: A frame that was used after its time.
        """
        return self.begin(frames)()

    def _compute(self, batch: InputBatch) -> Selected:
        return select(self.network(batch.images), self.selection)

    def _read(
        self, output: Selected, stamps: Sequence[Stamp], letterboxes: Sequence[Letterbox]
    ) -> list[Detections]:
        return read_selected(
            output, stamps=stamps, letterboxes=letterboxes, selection=self.selection
        )


@dataclass(frozen=True, slots=True, eq=False)
class ObjectsDetector(FrameModel[Detections]):
    """A network that selects by itself, with all around it.

    Attributes:
        network: On ``device``, in evaluation mode.
        selection: Which objects become detections.
    """

    network: ObjectsNetwork = field(repr=False)
    selection: Selection

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Return the detections of each frame; see ``Detector.detect``.

        Raises:
            ShapeError: A frame without pixels.
            LeaseError: A frame that was used after its time.
        """
        return self.begin(frames)()

    def _compute(self, batch: InputBatch) -> Objects:
        return self.network(
            batch.images,
            content_hw=[fit.content_hw for fit in batch.letterboxes],
            selection=self.selection,
        )

    def _read(
        self, output: Objects, stamps: Sequence[Stamp], letterboxes: Sequence[Letterbox]
    ) -> list[Detections]:
        return split_objects(output, stamps=stamps, letterboxes=letterboxes)
