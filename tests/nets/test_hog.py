"""Histograms of oriented gradients: against their definition, loop by loop."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from videoflow.errors import ModelError
from videoflow.nets.hog import (
    BLOCKS_HW,
    NUM_CHANNELS,
    HogDetector,
    hog_blocks,
    hog_detector,
    pyramid,
)
from videoflow.nets.predictions import Predictions

F64 = NDArray[np.float64]


def reference_cells(grey: F64) -> F64:
    """Vote pixel by pixel, as Dalal and Triggs describe it; ``[9, H / 8, W / 8]``."""
    height, width = grey.shape
    cells = np.zeros((9, height // 8, width // 8))
    for y in range(height):
        for x in range(width):
            dx = grey[y, x + 1] - grey[y, x - 1] if 0 < x < width - 1 else 0.0
            dy = grey[y + 1, x] - grey[y - 1, x] if 0 < y < height - 1 else 0.0
            place = (math.degrees(math.atan2(dy, dx)) % 180) / 20 - 0.5
            for direction in (math.floor(place), math.floor(place) + 1):
                for cell_y in range(height // 8):
                    for cell_x in range(width // 8):
                        near = max(0.0, 1 - abs(place - direction))
                        near *= max(0.0, 1 - abs(y + 0.5 - 8 * cell_y - 4) / 8)
                        near *= max(0.0, 1 - abs(x + 0.5 - 8 * cell_x - 4) / 8)
                        cells[direction % 9, cell_y, cell_x] += near * math.hypot(dx, dy)
    return cells


def reference_blocks(grey: F64) -> F64:
    """Scale blocks of 2 x 2 cells; ``[36, H / 8 - 1, W / 8 - 1]``."""
    cells = reference_cells(grey)
    _, down, across = cells.shape
    blocks = np.zeros((36, down - 1, across - 1))
    for y in range(down - 1):
        for x in range(across - 1):
            block = cells[:, y : y + 2, x : x + 2].transpose(1, 2, 0).ravel()
            block = np.minimum(block / math.sqrt(block @ block + 3.6**2), 0.2)
            blocks[:, y, x] = block / math.sqrt(block @ block + 1e-6)
    return blocks


@pytest.mark.parametrize(
    "size_hw",
    [pytest.param((16, 16), id="one block"), pytest.param((32, 24), id="several blocks")],
)
def test_blocks_are_as_they_are_defined(size_hw: tuple[int, int]) -> None:
    """Batched blocks equal those of the paper's definition, computed pixel by pixel."""
    grey = np.random.default_rng(0).uniform(0, 255, (2, *size_hw))

    blocks = hog_blocks(torch.from_numpy(grey))

    want = np.stack([reference_blocks(picture) for picture in grey])
    np.testing.assert_allclose(blocks.numpy(), want, atol=1e-9)


def test_a_flat_picture_has_no_edges() -> None:
    """Where nothing is to be seen, all numbers are 0."""
    assert not hog_blocks(torch.full((1, 32, 32), 90.0)).any()


def test_a_direction_is_the_same_from_both_sides() -> None:
    """Dark on light and light on dark are one direction."""
    grey = torch.rand(1, 32, 32, generator=torch.Generator().manual_seed(0)) * 255

    torch.testing.assert_close(hog_blocks(255 - grey), hog_blocks(grey), atol=1e-4, rtol=0)


def detector(*, seed: int = 0) -> HogDetector:
    rng = torch.Generator().manual_seed(seed)
    filters = torch.randn(5, NUM_CHANNELS, *BLOCKS_HW, generator=rng) / 60
    return HogDetector(filters, torch.tensor([0.5, 0.0, 0.0, 0.0, 0.0]))


def pictures(num: int, size_hw: tuple[int, int]) -> torch.Tensor:
    rng = torch.Generator().manual_seed(1)
    return torch.rand(num, 3, *size_hw, generator=rng) * 255


@torch.inference_mode()
def test_a_score_is_one_scalar_product() -> None:
    """The convolution says of a window what its 3780 numbers times the weights are."""
    network, images = detector(), pictures(1, (128, 96))

    said = network(images)

    level = pyramid(images)[0]
    window = level.blocks[0, :, 2 : 2 + BLOCKS_HW[0], 3 : 3 + BLOCKS_HW[1]]
    across = level.blocks.shape[3] - BLOCKS_HW[1] + 1
    want = (window * network.filters[0]).sum() + network.bias[0]
    torch.testing.assert_close(said.objectness[0, 2 * across + 3], want, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_pictures_of_a_batch_do_not_know_each_other() -> None:
    """What is said about a picture is the same alone and in a batch."""
    network, images = detector(), pictures(3, (140, 100))

    together = network(images)
    alone = [network(image[None]) for image in images]

    for field in Predictions._fields:
        one_by_one = torch.cat([getattr(said, field) for said in alone])
        torch.testing.assert_close(getattr(together, field), one_by_one, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize(
    ("num", "size_hw"),
    [
        pytest.param(1, (40, 200), id="too low for a window"),
        pytest.param(0, (160, 160), id="no picture"),
    ],
)
def test_nothing_is_said_about_nothing(num: int, size_hw: tuple[int, int]) -> None:
    """Without a window or a picture there are no rows, and no error."""
    said = detector()(pictures(num, size_hw))

    assert len(said.boxes) == num
    assert said.boxes.numel() == 0


@pytest.mark.parametrize(
    ("arrays", "problem"),
    [
        pytest.param({"bias": np.zeros(5)}, "filters", id="an array is missing"),
        pytest.param(
            {"filters": np.zeros((5, 36, 7, 15)), "bias": np.zeros(5)},
            r"want \[5, 36, 15, 7\]",
            id="another shape",
        ),
        pytest.param(None, "got no HOG filters", id="no archive"),
    ],
)
def test_another_file_is_refused(
    arrays: dict[str, F64] | None, problem: str, tmp_path: Path
) -> None:
    """A file that holds something else is an error that says what is wanted."""
    file = tmp_path / "weights.npz"
    file.write_bytes(b"nothing")
    if arrays is not None:
        np.savez(file, **arrays)  # type: ignore[arg-type] # its stub takes arrays by position

    with pytest.raises(ModelError, match=problem):
        hog_detector(file, num_classes=1)
