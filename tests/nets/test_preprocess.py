from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from videoflow.data import ColorSpec, Frame, Stamp
from videoflow.errors import ShapeError
from videoflow.nets.card import InputContract
from videoflow.nets.preprocess import InputBatch, make_inputs

BGR = InputContract(channels="bgr", pad_value=114, stride=32, size=416)


def _frame(pixels: Tensor, size_hw: tuple[int, int], color: ColorSpec | None = None) -> Frame:
    layout = "rgb" if pixels.dim() == 3 else "nv12"
    stamp = Stamp("camera", 0, 0.0, size_hw)
    return Frame(pixels, stamp, layout, color or ColorSpec())  # type: ignore[arg-type] # str


def _flat_nv12(luma: int, cb: int, cr: int, *, size_hw: tuple[int, int] = (48, 64)) -> Tensor:
    height, width = size_hw
    planes = torch.full((height * 3 // 2, width), luma, dtype=torch.uint8)
    planes[height:, 0::2], planes[height:, 1::2] = cb, cr
    return planes


def _make(frames: Sequence[Frame], *, input_size: int = 64) -> list[InputBatch]:
    return make_inputs(frames, contract=BGR, input_size=input_size, device=torch.device("cpu"))


@pytest.mark.parametrize(
    ("yuv", "color", "rgb"),
    [
        pytest.param((16, 128, 128), ColorSpec(), (0, 0, 0), id="black"),
        pytest.param((235, 128, 128), ColorSpec(), (255, 255, 255), id="white"),
        pytest.param((81, 90, 240), ColorSpec("bt601"), (255, 0, 0), id="red 601"),
        pytest.param((63, 102, 240), ColorSpec("bt709"), (255, 0, 0), id="red 709"),
        pytest.param((145, 54, 34), ColorSpec("bt601"), (0, 255, 0), id="green 601"),
        pytest.param((41, 240, 110), ColorSpec("bt601"), (0, 0, 255), id="blue 601"),
        pytest.param((74, 97, 240), ColorSpec("bt2020"), (255, 0, 0), id="red 2020"),
        pytest.param((76, 85, 255), ColorSpec("bt601", True), (255, 0, 0), id="red full"),
        pytest.param((0, 128, 128), ColorSpec("bt709", True), (0, 0, 0), id="black full"),
    ],
)
def test_nv12_becomes_the_colours_of_its_matrix_and_range(
    yuv: tuple[int, int, int], color: ColorSpec, rgb: tuple[int, int, int]
) -> None:
    """The codes that the standards give for pure colours become these colours, as BGR."""
    frame = _frame(_flat_nv12(*yuv), (48, 64), color)

    (batch,) = _make([frame])

    want = torch.tensor(rgb[::-1], dtype=torch.float32).view(3, 1, 1).expand(3, 48, 64)
    torch.testing.assert_close(batch.images[0, :, :48], want, rtol=0, atol=2.0)


def test_padding_is_below_and_to_the_right() -> None:
    """The picture stands in the upper left corner; the rest has the padding's level."""
    (batch,) = _make([_frame(torch.zeros(3, 40, 64, dtype=torch.uint8), (40, 64))])

    assert batch.images.shape == (1, 3, 64, 64)
    assert batch.images.is_contiguous(memory_format=torch.channels_last)
    assert batch.images[:, :, :40].eq(0).all()
    assert batch.images[:, :, 40:].eq(114).all()


@pytest.mark.parametrize("size_hw", [(30, 64), (96, 200), (61, 47)], ids=str)
def test_resize_is_bilinear_between_pixel_centres(size_hw: tuple[int, int]) -> None:
    """Resizing is bilinear with pixel centres at one half, as OpenCV's is."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (3, *size_hw), dtype=np.uint8)

    (batch,) = _make([_frame(torch.from_numpy(picture), size_hw)])

    height, width = batch.letterboxes[0].content_hw
    got = batch.images[0, :, :height, :width].flip(0).numpy()
    np.testing.assert_allclose(got, _bilinear(picture, height, width), atol=0.02)


def _bilinear(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    for axis, size in ((1, height), (2, width)):
        length = picture.shape[axis]
        at = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, length - 1)
        part = (at - low).reshape(-1, *(1,) * (2 - axis))
        picture = picture.take(low, axis) * (1 - part) + picture.take(high, axis) * part
    return picture


def test_nv12_and_rgb_of_one_picture_agree() -> None:
    """The same smooth picture gives the same input from both layouts."""
    ramp = torch.linspace(16, 235, 128).round().to(torch.uint8).expand(96, 128)
    planes = torch.cat((ramp, torch.full((48, 128), 128, dtype=torch.uint8)))
    grey = ((ramp.float() - 16) * 255 / 219).round().to(torch.uint8).expand(3, 96, 128)

    first, second = _make([_frame(planes, (96, 128)), _frame(grey, (96, 128))])[0].images

    torch.testing.assert_close(first, second, rtol=0, atol=1.0)


def test_frames_are_sorted_into_batches_of_one_size() -> None:
    """Sizes and layouts may be mixed; every position appears once, with its own content."""
    levels = [10, 60, 110, 160, 210]
    sizes = [(48, 64), (64, 48), (24, 32), (48, 64), (64, 48)]
    frames = [
        _frame(torch.full((3, *size), level, dtype=torch.uint8), size)
        for level, size in zip(levels, sizes, strict=True)
    ]
    frames[3] = _frame(_flat_nv12(147, 128, 128), (48, 64))  # (147 - 16) * 255 / 219 = 152.5

    batches = _make(frames)

    positions = [batch.positions for batch in batches]
    assert sorted(sum(positions, ())) == [0, 1, 2, 3, 4]
    assert [batch.images.shape[-2:] for batch in batches] == [(64, 64)]
    means = {
        at: image[:, :24, :24].mean().item()
        for batch in batches
        for at, image in zip(batch.positions, batch.images, strict=True)
    }
    assert means == pytest.approx({0: 10, 1: 60, 2: 110, 3: 152.5, 4: 210}, abs=0.1)


def test_inputs_of_different_sizes_are_not_padded_to_one() -> None:
    """A wide and a square picture go into two batches."""
    wide, square = (torch.zeros(3, side, 64, dtype=torch.uint8) for side in (20, 64))

    batches = _make([_frame(square, (64, 64)), _frame(wide, (20, 64))])

    assert {batch.images.shape[-2:]: batch.positions for batch in batches} == {
        (32, 64): (1,),
        (64, 64): (0,),
    }


def test_no_frames_make_no_batches() -> None:
    """Nothing in, nothing out."""
    assert _make([]) == []


def test_frame_without_pixels_is_refused() -> None:
    """A picture of no size is refused by its size."""
    with pytest.raises(ShapeError, match="0 x 0"):
        _make([_frame(torch.zeros(0, 0, dtype=torch.uint8), (0, 0))])


@pytest.mark.gpu
def test_device_gives_what_the_cpu_gives() -> None:
    """A batch in one step on the device is the same as frames one by one on the CPU."""
    torch.manual_seed(0)
    frames = [
        _frame(torch.randint(0, 256, (144, 128), dtype=torch.uint8), (96, 128))
        for _ in range(3)
    ]
    cuda = torch.device("cuda")

    (want,) = _make(frames)
    (got,) = make_inputs(frames, contract=BGR, input_size=64, device=cuda)

    torch.testing.assert_close(got.images.cpu(), want.images, rtol=0, atol=0.01)


def test_pixels_are_brought_to_the_range_of_the_contract() -> None:
    """A pixel becomes (pixel / 255 - mean) / std, by channel; the padding is as told."""
    contract = InputContract(
        channels="rgb",
        size=(64, 64),
        pad_value=0.5,
        mean=(0.5, 0.25, 0.0),
        std=(0.5, 0.25, 2.0),
    )
    white = _frame(torch.full((3, 32, 64), 255, dtype=torch.uint8), (32, 64))

    (batch,) = make_inputs(
        [white], contract=contract, input_size=(64, 64), device=torch.device("cpu")
    )

    torch.testing.assert_close(batch.images[0, :, 0, 0], torch.tensor([1.0, 3.0, 0.5]))
    assert batch.images[0, :, 63, 0].eq(0.5).all()


@pytest.mark.parametrize("layout", ["rgb", "nv12"])
def test_a_network_in_double_precision_gets_what_was_never_rounded(layout: str) -> None:
    """Nothing on the way from levels to the input is kept in fewer digits than the input."""
    contract = InputContract(
        channels="rgb", size=(32, 32), fit="stretch", mean=(0.1, 0.2, 0.3), pad_value=0
    )
    shape = (3, 48, 64) if layout == "rgb" else (72, 64)
    source = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, shape, dtype=torch.uint8, generator=source)

    (single,), (double,) = (
        make_inputs(
            [_frame(pixels, (48, 64))],
            contract=contract,
            input_size=(32, 32),
            device=torch.device("cpu"),
            dtype=dtype,
        )
        for dtype in (torch.float32, torch.float64)
    )

    torch.testing.assert_close(single.images.double(), double.images, rtol=0, atol=1e-5)
    assert (double.images != double.images.float()).any()
    if layout == "rgb":
        resized = torch.nn.functional.interpolate(
            pixels[None].double() / 255, (32, 32), mode="bilinear"
        )
        mean = torch.tensor(contract.mean, dtype=torch.float64).view(3, 1, 1)
        torch.testing.assert_close(double.images, resized - mean, rtol=0, atol=1e-14)


def test_a_fixed_size_makes_one_batch_of_all_frames() -> None:
    """Where the network takes one size only, frames of different sizes share a batch."""
    contract = InputContract(channels="rgb", size=(32, 64), pad_value=0)
    frames = [
        _frame(torch.zeros(3, *size, dtype=torch.uint8), size) for size in ((10, 10), (9, 40))
    ]

    (batch,) = make_inputs(
        frames, contract=contract, input_size=(32, 64), device=torch.device("cpu")
    )

    assert batch.images.shape == (2, 3, 32, 64)
    fits = dict(zip(batch.positions, batch.letterboxes, strict=True))
    assert (fits[0].content_hw, fits[1].content_hw) == ((32, 32), (14, 64))
