"""The first calls of a model, before any frame: what is loaded, chosen and recorded by them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import torch

from videoflow.data.frame import Frame, Stamp
from videoflow.nets.execution import bucket_sizes

__all__ = ["warm_up"]

_USUAL_HW: Final = (1080, 1920)
"""Of a camera; frames of other proportions have their first call when they come."""


def warm_up(
    call: Callable[[Sequence[Frame]], Any],
    *,
    device: torch.device,
    max_batch_size: int,
    report: Callable[[str], None],
) -> None:
    """Call a model with blank frames, for each size of batch.

    Where memory does not last, the larger sizes are left to the flow, which halves batches.

    Args:
        call: The model's.
        device: Where the frames are: the model's, for frames are made where it is.
        max_batch_size: The largest batch.
        report: Hears of what did not work.
    """
    height, width = _USUAL_HW
    blank = torch.full((height * 3 // 2, width), 128, dtype=torch.uint8, device=device)
    frame = Frame(blank, Stamp("warm-up", 0, 0.0, _USUAL_HW))
    for size in bucket_sizes(max_batch_size):
        try:
            call([frame] * min(size, max_batch_size))
        except torch.OutOfMemoryError:
            report(f"out of memory with a batch of {size} before the first frame")
            torch.cuda.empty_cache()
            return
