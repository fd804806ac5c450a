"""PNG files: what is written is what others read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.pictures import noisy_picture
from videoflow.data import Stamp
from videoflow.video.images import read_image
from videoflow.video.png import encode_png


@pytest.mark.parametrize(
    "size_hw",
    [pytest.param((1, 1), id="one pixel"), pytest.param((37, 53), id="odd size")],
)
def test_nothing_is_lost(size_hw: tuple[int, int], tmp_path: Path) -> None:
    """A decoder reads back every pixel."""
    picture = noisy_picture(size_hw).permute(1, 2, 0).numpy()
    path = tmp_path / "picture.png"

    path.write_bytes(encode_png(picture))

    read = read_image(path)
    assert read.size_hw == size_hw
    frame = read.to_frame(
        Stamp("picture", 0, 0.0, size_hw),
        memory=lambda shape: torch.empty(shape, dtype=torch.uint8),
    )
    np.testing.assert_array_equal(frame.rgb().permute(1, 2, 0).numpy(), picture)
