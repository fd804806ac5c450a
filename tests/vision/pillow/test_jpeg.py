from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from videoflow.vision.pillow.jpeg import encode_jpeg


@pytest.mark.parametrize(
    ("size_hw", "want_hw"),
    [
        pytest.param((1, 1), (1, 1), id="one-pixel"),
        pytest.param((40, 60), (40, 60), id="narrow"),
        pytest.param((100, 200), (50, 100), id="wide"),
        pytest.param((300, 200), (150, 100), id="upright"),
    ],
)
def test_keeps_colours_and_shape(size_hw: tuple[int, int], want_hw: tuple[int, int]) -> None:
    """What is decoded has the colours of the picture, and is not wider than allowed."""
    picture = np.empty((*size_hw, 3), np.uint8)
    picture[:] = (200, 40, 120)

    data = encode_jpeg(picture, max_width_px=100)

    shown = np.asarray(Image.open(io.BytesIO(data)))
    assert shown.shape == (*want_hw, 3)
    assert np.abs(shown.astype(int) - (200, 40, 120)).max() <= 4
