"""The stages of a model's call: take the frames in, compute, bring the results to the host.

On a GPU each stage has a CUDA stream of its own, so that the next batch is taken in while this
one is computed and the results of the one before travel to the host. Knows nothing of frames
or networks: a stage is a function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

__all__ = ["GpuStages", "HostStages", "OnDevice", "Stages", "make_stages"]

Inputs = TypeVar("Inputs")
Outputs = TypeVar("Outputs")


class Stages(Protocol):
    """Runs the stages of one model, call after call."""

    def begin(
        self, ingest: Callable[[], Inputs], compute: Callable[[Inputs], Outputs]
    ) -> Callable[[], Outputs]:
        """Begin a call.

        When it returns, the thread's current stream comes after ``ingest``: what that read may
        be written again in stream order.

        Args:
            ingest: Makes the inputs of what the current stream has ready.
            compute: Makes the outputs: tensors in any tuples and lists.

        Returns:
            What waits for the outputs and returns them, their tensors in host memory. To be
            called at most once.
        """


class HostStages:
    """For the CPU: one thing after the other."""

    @torch.inference_mode()
    def begin(
        self, ingest: Callable[[], Inputs], compute: Callable[[Inputs], Outputs]
    ) -> Callable[[], Outputs]:
        """Do all of it at once; see ``Stages.begin``."""
        outputs = compute(ingest())
        return lambda: outputs


class GpuStages:
    """For a CUDA device: three streams, ordered by events; the host waits at the end only.

    Args:
        device: The GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._ingest, self._compute, self._results = (
            torch.cuda.Stream(device)  # type: ignore[no-untyped-call] # torch's
            for _ in range(3)
        )

    @torch.inference_mode()
    def begin(
        self, ingest: Callable[[], Inputs], compute: Callable[[Inputs], Outputs]
    ) -> Callable[[], Outputs]:
        """Queue all of it; see ``Stages.begin``."""
        current = torch.cuda.current_stream(self._device)
        try:
            self._ingest.wait_stream(current)
            with torch.cuda.stream(self._ingest):
                inputs = ingest()
            current.wait_stream(self._ingest)
            self._compute.wait_stream(self._ingest)
            with torch.cuda.stream(self._compute):
                outputs = compute(inputs)
            self._results.wait_stream(self._compute)
            with torch.cuda.stream(self._results):
                hosted: Outputs = _to_host(outputs)
                done = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call] # torch's
                done.record(self._results)
        except BaseException:
            # What is half queued still uses memory that is about to be given back.
            for stream in (self._ingest, self._compute, self._results):
                stream.synchronize()
            raise
        # The allocator knows of one stream for each tensor: until all is done they are held.
        held = [inputs, outputs]

        def finish() -> Outputs:
            done.synchronize()
            held.clear()
            return hosted

        return finish


@dataclass(frozen=True, slots=True)
class OnDevice:
    """A tensor of the outputs that stays where it is, for who may ask for it.

    Attributes:
        tensor: Complete when the outputs have been returned.
    """

    tensor: Tensor


def make_stages(device: torch.device) -> Stages:
    """Return the stages for a model on ``device``."""
    return HostStages() if device.type == "cpu" else GpuStages(device)


def _to_host(outputs: Any) -> Any:
    """Copy tensors to page-locked memory, in stream order."""
    if isinstance(outputs, Tensor):
        return outputs.to("cpu", non_blocking=True)  # page-locked: torch's choice from CUDA
    if isinstance(outputs, tuple) and hasattr(outputs, "_fields"):
        return type(outputs)(*map(_to_host, outputs))
    if isinstance(outputs, tuple | list):
        return type(outputs)(map(_to_host, outputs))
    return outputs
