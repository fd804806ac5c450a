"""A network's call for frames: what all that look at whole frames have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import torch

from videoflow.data.frame import Frame, Stamp
from videoflow.nets.card import InputContract
from videoflow.nets.letterbox import Letterbox
from videoflow.nets.preprocess import Fill, InputBatch, fill_plain, make_inputs
from videoflow.nets.stages import HostStages, Stages

__all__ = ["FrameModel"]

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FrameModel(ABC, Generic[Found]):
    """A network that looks at whole frames, with all around it.

    Attributes:
        labels: Class names.
        contract: What the network wants.
        input_size: In place of the contract's ``size``, in pixels: of one side, as the
            contract's ``fit`` says, or the fixed height and width of the inputs.
        device: Where the network is.
        dtype: Floating point type of the network.
        stages: How its calls run on the device.
        fill: How frames become inputs there.
        make_room: Gives back what the network holds from call to call, after a call for which
            memory did not last.
    """

    labels: tuple[str, ...] = field(repr=False)
    contract: InputContract = field(repr=False)
    input_size: int | tuple[int, int]
    device: torch.device
    dtype: torch.dtype = torch.float32
    stages: Stages = field(default_factory=HostStages, repr=False)
    fill: Fill = field(default=fill_plain, repr=False)
    make_room: Callable[[], None] = field(default=lambda: None, repr=False)

    def begin(self, frames: Sequence[Frame]) -> Callable[[], list[Found]]:
        """Queue the look at frames on the device, so that the host can go on meanwhile.

        Args:
            frames: Any number, sizes and layouts. On a GPU they are read when the current
                stream gets there, and not after what is queued on it later.

        Returns:
            What waits for the results and returns them in the order of the frames; to be
            called at most once.

        Raises:
            ShapeError: A frame without pixels.
            LeaseError: A frame that was used after its time.
            torch.OutOfMemoryError: So many do not fit; fewer may.
        """
        stamps = [frame.stamp for frame in frames]
        fits: list[tuple[tuple[int, ...], tuple[Letterbox, ...]]] = []

        def ingest() -> list[InputBatch]:
            batches = make_inputs(
                frames,
                contract=self.contract,
                input_size=self.input_size,
                device=self.device,
                dtype=self.dtype,
                fill=self.fill,
            )
            fits.extend((batch.positions, batch.letterboxes) for batch in batches)
            return batches

        try:
            finish = self.stages.begin(
                ingest, lambda batches: list(map(self._compute, batches))
            )
        except torch.OutOfMemoryError:
            self.make_room()
            raise

        def results() -> list[Found]:
            found: dict[int, Found] = {}
            for output, (positions, letterboxes) in zip(finish(), fits, strict=True):
                part = self._read(output, [stamps[at] for at in positions], letterboxes)
                found.update(zip(positions, part, strict=True))
            return [found[at] for at in range(len(stamps))]

        return results

    @abstractmethod
    def _compute(self, batch: InputBatch) -> Any:
        """Return tensors on the device, in any tuples and lists."""

    @abstractmethod
    def _read(
        self, output: Any, stamps: Sequence[Stamp], letterboxes: Sequence[Letterbox]
    ) -> Sequence[Found]:
        """Return a result for each image, from what ``_compute`` made, now in host memory."""
