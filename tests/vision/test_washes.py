"""Colour over much of a picture."""

from __future__ import annotations

import numpy as np
import pytest

from videoflow.data import ColorSpec, Layout
from videoflow.vision.canvas import Canvas
from videoflow.vision.inks import rgb_to_ycbcr
from videoflow.vision.washes import Wash

SPEC = ColorSpec("bt709")
RED = (255, 0, 0)


def grey(size_hw: tuple[int, int], layout: Layout) -> np.ndarray:
    height, width = size_hw
    return np.full(
        (height * 3 // 2, width) if layout == "nv12" else (3, height, width), 100, np.uint8
    )


def test_each_pixel_gets_its_class() -> None:
    """Clear classes stay as they are; the others are mixed in with their opacity."""
    classes = np.zeros((8, 10), np.uint8)
    classes[3:6, 2:7] = 1
    picture = grey((8, 10), "rgb")

    Canvas.over(picture, "rgb", SPEC).wash(Wash(classes, (RED, RED), (0.0, 0.5)))

    assert (picture[:, classes == 0] == 100).all()
    assert picture[:, 4, 4].tolist() == [178, 50, 50]
    assert (picture[:, classes == 1] == picture[:, 4:5, 4]).all()


def test_chroma_gets_the_mean_of_its_pixels() -> None:
    """A chroma sample moves by the share of its four pixels that are of a class."""
    classes = np.zeros((8, 10), np.uint8)
    classes[3, 5] = 1
    picture = grey((8, 10), "nv12")

    Canvas.over(picture, "nv12", SPEC).wash(Wash(classes, (RED, RED), (0.0, 1.0)))

    y, cb, cr = rgb_to_ycbcr(RED, SPEC)
    assert picture[3, 5] == y
    assert (picture[:8] != 100).sum() == 1
    assert picture[8 + 1, 4:6].tolist() == pytest.approx([75 + cb / 4, 75 + cr / 4], abs=0.5)
    assert (picture[8:] != 100).sum() == 2


@pytest.mark.parametrize("layout", ["nv12", "rgb"])
@pytest.mark.parametrize("cell_px", [3, 16])
def test_cells_run_into_each_other(layout: Layout, cell_px: int) -> None:
    """One hot cell is full in its middle, fades evenly, and ends a cell farther."""
    cells = np.zeros((-(-120 // cell_px), -(-160 // cell_px)), np.uint8)
    cells[4, 4] = 1
    picture = grey((120, 160), layout)

    Canvas.over(picture, layout, SPEC).wash(Wash(cells, (RED, RED), (0.0, 1.0), cell_px))

    first = picture[:120] if layout == "nv12" else picture[0]
    row = first[4 * cell_px + cell_px // 2].astype(int)
    full = rgb_to_ycbcr(RED, SPEC)[0] if layout == "nv12" else 255
    rows, columns = np.nonzero(first != 100)
    assert abs(row[4 * cell_px + cell_px // 2] - full) <= 0.1 * abs(full - 100)
    assert len(np.unique(row)) > 2
    assert rows.min() >= 3 * cell_px
    assert rows.max() < 6 * cell_px
    assert columns.min() >= 3 * cell_px
    assert columns.max() < 6 * cell_px


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (91, 121)])
def test_odd_sizes(size: tuple[int, int]) -> None:
    """Every pixel of a picture of any size is coloured."""
    cells = np.ones((-(-size[0] // 16), -(-size[1] // 16)), np.uint8)
    picture = grey(size, "rgb")

    Canvas.over(picture, "rgb", SPEC).wash(Wash(cells, (RED, RED), (0.0, 1.0), 16))

    assert (picture[0] == 255).all()
    assert (picture[1:] == 0).all()


def test_nothing_to_colour() -> None:
    """Where all is clear, nothing is touched."""
    picture = grey((8, 10), "nv12")

    Canvas.over(picture, "nv12", SPEC).wash(Wash(np.zeros((8, 10), np.uint8), (RED,), (0.0,)))

    assert (picture == 100).all()
