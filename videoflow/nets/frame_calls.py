"""A network's call for frames: what all that look at whole frames have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import torch

from videoflow.data.frame import Frame, Stamp
from videoflow.nets.card import InputContract
from videoflow.nets.letterbox import Letterbox
from videoflow.nets.preprocess import Fill, InputBatch, make_inputs
from videoflow.nets.stages import Stages

__all__ = ["FrameModel", "begin_frames"]

Output = TypeVar("Output")
Found = TypeVar("Found")


class FrameModel(Protocol):
    """What is known of a network that looks at whole frames."""

    @property
    def contract(self) -> InputContract:
        """What the network wants."""

    @property
    def input_size(self) -> int | tuple[int, int]:
        """In place of the contract's ``size``, in pixels."""

    @property
    def device(self) -> torch.device:
        """Where the network is."""

    @property
    def dtype(self) -> torch.dtype:
        """Floating point type of the network's inputs."""

    @property
    def stages(self) -> Stages:
        """How its calls run on the device."""

    @property
    def fill(self) -> Fill:
        """How frames become inputs there."""


def begin_frames(
    model: FrameModel,
    frames: Sequence[Frame],
    *,
    compute: Callable[[InputBatch], Output],
    read: Callable[[Output, Sequence[Stamp], Sequence[Letterbox]], Sequence[Found]],
) -> Callable[[], list[Found]]:
    """Begin to look at frames.

    Args:
        model: Whose call it is.
        frames: Any number, sizes and layouts.
        compute: From a batch to tensors on the device, in any tuples and lists.
        read: From these tensors in host memory, and which frame each image was and how it was
            fitted, to one result for each.

    Returns:
        What waits for the results and returns them in the order of the frames.
    """
    stamps = [frame.stamp for frame in frames]
    fits: list[tuple[tuple[int, ...], tuple[Letterbox, ...]]] = []

    def ingest() -> list[InputBatch]:
        batches = make_inputs(
            frames,
            contract=model.contract,
            input_size=model.input_size,
            device=model.device,
            dtype=model.dtype,
            fill=model.fill,
        )
        fits.extend((batch.positions, batch.letterboxes) for batch in batches)
        return batches

    finish = model.stages.begin(ingest, lambda batches: list(map(compute, batches)))

    def results() -> list[Found]:
        found: dict[int, Found] = {}
        for output, (positions, letterboxes) in zip(finish(), fits, strict=True):
            part = read(output, [stamps[at] for at in positions], letterboxes)
            found.update(zip(positions, part, strict=True))
        return [found[at] for at in range(len(stamps))]

    return results
