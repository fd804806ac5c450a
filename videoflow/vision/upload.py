"""Small arrays on their way to a device."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["upload"]


def upload(array: NDArray[Any], device: torch.device) -> Tensor:
    """Return ``array`` as a tensor on ``device``, without waiting for the device.

    Args:
        array: Contiguous. On the CPU the tensor shares its memory.
        device: Where to.
    """
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if device.type != "cuda":
        return tensor.to(device)
    # Page-locked memory, which torch keeps for the next time, is copied while the CPU goes on.
    return tensor.pin_memory().to(device, non_blocking=True)
