from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.pictures import as_nv12, as_rgb, smooth_picture
from videoflow.data import Frame, Stamp
from videoflow.nets.card import InputContract
from videoflow.nets.crops import croppable, make_crops

RGB = InputContract(channels="rgb", size=(8, 4), fit="stretch", pad_value=0)
CPU = torch.device("cpu")
NAN = float("nan")


def _boxes(*boxes: tuple[float, ...]) -> np.ndarray:
    return np.array(boxes, np.float32).reshape(-1, 4)


def _ramp(size_hw: tuple[int, int]) -> Frame:
    """Return a picture whose red is its x and whose green is its y, at pixel centres."""
    height, width = size_hw
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return as_rgb(torch.stack((x, y, torch.full_like(x, 7))).to(torch.uint8))


@pytest.mark.parametrize(
    ("box", "is_shown"),
    [
        pytest.param((1, 1, 5, 5), True, id="inside"),
        pytest.param((-3, -3, 1, 1), True, id="one pixel left of it"),
        pytest.param((-3, -3, 0.5, 9), False, id="half a pixel"),
        pytest.param((3, 3, 3, 9), False, id="no width"),
        pytest.param((5, 1, 1, 5), False, id="turned round"),
        pytest.param((64, 0, 90, 9), False, id="outside"),
        pytest.param((NAN, 1, 5, 5), False, id="not a number"),
        pytest.param((1, 1, NAN, NAN), False, id="half of it not a number"),
        pytest.param((-np.inf, 0, np.inf, 9), True, id="endless"),
    ],
)
def test_a_box_counts_from_one_pixel_in_the_picture(
    box: tuple[float, ...], is_shown: bool
) -> None:
    """A box is cropped where a pixel or more of each side is in the picture."""
    assert croppable(_boxes(box), (48, 64)).tolist() == [is_shown]


def test_no_boxes_are_no_crops() -> None:
    """Nothing in, nothing out."""
    assert croppable(_boxes(), (48, 64)).shape == (0,)
    assert make_crops([], _boxes(), contract=RGB, device=CPU).shape == (0, 3, 8, 4)


def test_a_crop_is_sampled_at_the_exact_edges_of_its_box() -> None:
    """Pixel k of n shows the middle of the k-th of n equal parts, also between pixels."""
    left, top, right, bottom = 10.25, 5.5, 18.25, 37.5

    (crop,) = make_crops(
        [_ramp((48, 64))], _boxes((left, top, right, bottom)), contract=RGB, device=CPU
    )

    # The value of a ramp at the point x is x - 0.5: the centre of pixel 0 is at 0.5.
    x = left + (torch.arange(4) + 0.5) * (right - left) / 4 - 0.5
    y = top + (torch.arange(8) + 0.5) * (bottom - top) / 8 - 0.5
    torch.testing.assert_close(crop[0], x.expand(8, 4), atol=1e-3, rtol=0)
    torch.testing.assert_close(crop[1], y[:, None].expand(8, 4), atol=1e-3, rtol=0)


def test_what_reaches_out_of_the_picture_is_cut_off() -> None:
    """A box over the corner shows what the part within the picture shows."""
    frame = _ramp((48, 64))

    over, within = make_crops(
        [frame, frame], _boxes((-9, -9, 8, 16), (0, 0, 8, 16)), contract=RGB, device=CPU
    )

    torch.testing.assert_close(over, within)


def test_each_box_is_of_its_ownas_rgb() -> None:
    """Frames of several sizes and layouts may be mixed; order is kept."""
    grey = [as_rgb(torch.full((3, 20 + k, 30), 50 * k, dtype=torch.uint8)) for k in range(4)]
    nv12 = torch.full((36, 32), 128, dtype=torch.uint8)
    frames = [grey[3], grey[1], Frame(nv12, Stamp("other", 0, 0.0, (24, 32))), grey[1]]

    crops = make_crops(frames, _boxes(*[(2, 2, 12, 18)] * 4), contract=RGB, device=CPU)

    levels = crops.mean(dim=(1, 2, 3)).tolist()
    assert levels == pytest.approx([150, 50, (128 - 16) * 255 / 219, 50], abs=0.1)


def test_nv12_and_rgb_show_the_same() -> None:
    """A smooth picture gives the same crops from both layouts."""
    picture = smooth_picture((96, 128))
    boxes = _boxes((3, 5, 47, 90), (60.5, 0, 128, 96))

    crops = [
        make_crops([frame] * 2, boxes, contract=RGB, device=CPU)
        for frame in (as_rgb(picture), as_nv12(picture))
    ]

    torch.testing.assert_close(*crops, atol=4.0, rtol=0)


def test_colours_are_those_of_the_contract() -> None:
    """Order, mean and std are applied as the card says."""
    pixels = torch.tensor([10, 20, 30], dtype=torch.uint8).view(3, 1, 1).expand(3, 9, 9)
    contract = RGB.model_copy(
        update={"channels": "bgr", "mean": (0.0, 0.0, 10 / 255), "std": (1.0, 1.0, 2.0)}
    )

    (crop,) = make_crops([as_rgb(pixels)], _boxes((0, 0, 9, 9)), contract=contract, device=CPU)

    want = [20 / 255 / 2, 20 / 255, 10 / 255]
    assert crop.mean(dim=(1, 2)).tolist() == pytest.approx(want, abs=1e-6)


@pytest.mark.gpu
def test_a_gpu_gives_what_the_cpu_gives() -> None:
    """All boxes of a frame at once are the same as one by one."""
    picture = smooth_picture((96, 128))
    boxes = _boxes((3, 5, 47, 90), (60.5, 0, 128, 96), (-9, -9, 20, 20))
    frames = [as_nv12(picture)] * 2 + [as_rgb(picture)]

    want = make_crops(frames, boxes, contract=RGB, device=CPU)
    got = make_crops(frames, boxes, contract=RGB, device=torch.device("cuda"))

    torch.testing.assert_close(got.cpu(), want, atol=0.05, rtol=0)
