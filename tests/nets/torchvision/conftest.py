from __future__ import annotations

import pytest

from tests.nets.torchvision.reference import Painter


@pytest.fixture
def paint() -> Painter:
    """Make smooth pictures, uint8 ``[3, H, W]``, each another."""
    return Painter(seed=5)
