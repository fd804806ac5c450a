"""Camera motion from pictures of a wall that is moved by known amounts."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch

from videoflow.data import Frame, Stamp
from videoflow.errors import GraphError
from videoflow.processors import CameraMotionEstimator

SIZE = (120, 160)
WALL = torch.nn.functional.interpolate(
    torch.rand((1, 1, 60, 70), generator=torch.Generator().manual_seed(3)) * 255,
    size=(240, 280),
    mode="bilinear",
)[0, 0].to(torch.uint8)


def picture(index: int, x: int, y: int, layout: Literal["nv12", "rgb"] = "nv12") -> Frame:
    """Look at the wall from (40 - x, 40 - y): the wall moves by x and y in the picture."""
    height, width = SIZE
    luma = WALL[40 - y : 40 - y + height, 40 - x : 40 - x + width]
    stamp = Stamp("cam", index, index / 10, SIZE)
    if layout == "rgb":
        return Frame(luma.expand(3, -1, -1).contiguous(), stamp, "rgb")
    chroma = torch.full((height // 2, width), 128, dtype=torch.uint8)
    return Frame(torch.cat([luma, chroma]), stamp)


@pytest.mark.parametrize("layout", ["nv12", "rgb"])
@pytest.mark.parametrize(
    ("x", "y"),
    [
        pytest.param(0, 0, id="still"),
        pytest.param(12, 0, id="right"),
        pytest.param(-8, 16, id="left and down"),
    ],
)
def test_a_shift_is_found(x: int, y: int, layout: Literal["nv12", "rgb"]) -> None:
    """The warp moves a point as the wall was moved, to a pixel, whatever the layout."""
    node = CameraMotionEstimator(step_px=2)
    state = node.make_state("cam")

    first = node.process(state, picture(0, 0, 0, layout))
    second = node.process(state, picture(1, x, y, layout))

    np.testing.assert_array_equal(first.warp, np.eye(2, 3))
    assert second.stamp.index == 1
    np.testing.assert_allclose(second.warp, [[1, 0, x], [0, 1, y]], atol=1)


def test_motion_is_told_from_frame_to_frame() -> None:
    """Each frame is compared with the one before, not with the first; a size may change."""
    node = CameraMotionEstimator(step_px=1)
    state = node.make_state("cam")
    small = Frame(torch.zeros((48, 32), dtype=torch.uint8), Stamp("cam", 3, 0.3, (32, 32)))

    frames = [picture(0, 0, 0), picture(1, 9, 0), picture(2, 18, 0), small]
    shifts = [node.process(state, frame).warp[0, 2] for frame in frames]

    assert shifts == pytest.approx([0, 9, 9, 0], abs=1)


def test_the_lent_frame_is_not_kept() -> None:
    """What the node remembers is its own: the frame's memory may hold another one later."""
    node = CameraMotionEstimator(step_px=1)
    state = node.make_state("cam")
    lent = picture(0, 0, 0)
    node.process(state, lent)
    lent.buffer.zero_()

    assert node.process(state, picture(1, 9, 0)).warp[0, 2] == pytest.approx(9, abs=1)


def test_a_step_of_nothing_is_refused() -> None:
    """At least every pixel is looked at."""
    with pytest.raises(GraphError, match="step_px=0"):
        CameraMotionEstimator(step_px=0)
