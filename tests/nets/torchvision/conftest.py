from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

Painter = Callable[[int, int], Tensor]


@pytest.fixture
def paint() -> Painter:
    """Make smooth pictures, uint8 ``[3, H, W]``, each another."""
    source = torch.Generator().manual_seed(5)

    def picture(height: int, width: int) -> Tensor:
        coarse = torch.rand(1, 3, height // 8 + 1, width // 8 + 1, generator=source)
        smooth = F.interpolate(coarse, (height, width), mode="bicubic")[0]
        return (smooth.clamp(0, 1) * 255).round().to(torch.uint8)

    return picture
