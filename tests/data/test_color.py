from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from videoflow.data.color import (
    choose_color,
    nv12_to_rgb,
    rgb_coefficients,
    rgb_to_nv12,
    split_nv12,
    ycbcr_coefficients,
    ycbcr_to_rgb,
)
from videoflow.data.color_spec import ColorSpec, Matrix
from videoflow.errors import ShapeError

COLORS = [
    pytest.param(ColorSpec(matrix, is_full_range), id=f"{matrix}-{name}")
    for matrix in ("bt601", "bt709", "bt2020")
    for is_full_range, name in ((False, "limited"), (True, "full"))
]
# Y, Cb, Cr of pure colours at 8 bits. Source: ITU-R BT.601-7 and BT.709-6, 100 % bars.
BARS: list[tuple[Matrix, tuple[int, int, int], tuple[int, int, int]]] = [
    ("bt601", (255, 0, 0), (81, 90, 240)),
    ("bt601", (0, 255, 0), (145, 54, 34)),
    ("bt601", (0, 0, 255), (41, 240, 110)),
    ("bt709", (255, 0, 0), (63, 102, 240)),
    ("bt709", (0, 255, 0), (173, 42, 26)),
    ("bt709", (0, 0, 255), (32, 240, 118)),
    ("bt709", (255, 255, 255), (235, 128, 128)),
    ("bt709", (0, 0, 0), (16, 128, 128)),
]


@pytest.mark.parametrize(("matrix", "rgb", "ycbcr"), BARS)
def test_pure_colours_are_those_of_the_standards(
    matrix: Matrix, rgb: tuple[int, int, int], ycbcr: tuple[int, int, int]
) -> None:
    """A colour bar has the code values that its standard's tables give."""
    color = ColorSpec(matrix)
    pixels = torch.tensor(rgb, dtype=torch.uint8).view(1, 3, 1, 1).expand(1, 3, 4, 6)

    planes = rgb_to_nv12(pixels, color)
    luma, chroma = split_nv12(planes)
    back = nv12_to_rgb(planes, color)

    assert (int(luma.min()), int(luma.max())) == (ycbcr[0], ycbcr[0])
    assert (chroma.float().mean((0, 2, 3)) - torch.tensor(ycbcr[1:])).abs().max() <= 1
    assert (back.int() - pixels.int()).abs().max() <= 2


@pytest.mark.parametrize("color", COLORS)
def test_every_code_value_is_converted_as_the_formula_says(color: ColorSpec) -> None:
    """Each of (Y, Cb, Cr) comes within one level of the formula in double precision."""
    levels = torch.arange(0, 256, 5)
    y, cb, cr = (
        grid.flatten() for grid in torch.meshgrid(levels, levels, levels, indexing="ij")
    )
    planes = torch.empty(1, 3, 2 * len(y), dtype=torch.uint8)
    planes[0, :2] = y.repeat_interleave(2)
    planes[0, 2] = torch.stack((cb, cr), dim=1).flatten()
    weights, bias = rgb_coefficients(color)
    ycbcr = torch.stack((y, cb, cr)).double()
    exact = torch.tensor(weights).double() @ ycbcr + torch.tensor(bias).double().view(3, 1)

    rgb = nv12_to_rgb(planes, color)

    shown = rgb[0, :, 0, ::2].double()
    assert (shown - exact.clamp(0, 255)).abs().max() < 0.6
    assert torch.equal(rgb[0, :, 0], rgb[0, :, 1])


@pytest.mark.parametrize("color", COLORS)
def test_the_two_matrices_are_inverse(color: ColorSpec) -> None:
    """To YCbCr and back is the identity."""
    forth, forth_bias = (torch.tensor(part).double() for part in ycbcr_coefficients(color))
    back, back_bias = (torch.tensor(part).double() for part in rgb_coefficients(color))

    assert torch.allclose(back @ forth, torch.eye(3, dtype=torch.float64), atol=1e-5)
    assert torch.allclose(back @ forth_bias + back_bias, torch.zeros(3).double(), atol=1e-3)


@pytest.mark.parametrize("color", COLORS)
def test_the_float_variant_agrees(color: ColorSpec) -> None:
    """Planes that were brought to one size give the same RGB as the NV12 conversion."""
    planes = torch.randint(
        0, 256, (2, 12, 10), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    luma, chroma = split_nv12(planes)
    wide = chroma.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

    rgb = ycbcr_to_rgb(luma.float(), wide.float(), color)

    assert (rgb - nv12_to_rgb(planes, color).float()).abs().max() < 0.6


@given(
    num=st.integers(0, 3),
    height=st.integers(1, 4),
    width=st.integers(1, 4),
    seed=st.integers(0, 9),
)
def test_a_batch_is_converted_picture_by_picture(
    num: int, height: int, width: int, seed: int
) -> None:
    """A picture's colours do not depend on its neighbours in the batch; memory is NHWC."""
    generator = torch.Generator().manual_seed(seed)
    shape = (num, height * 3, width * 2)
    planes = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)

    rgb = nv12_to_rgb(planes, ColorSpec())

    assert rgb.shape == (num, 3, height * 2, width * 2)
    assert rgb.permute(0, 2, 3, 1).is_contiguous()
    for i in range(num):
        assert torch.equal(rgb[i], nv12_to_rgb(planes[i : i + 1], ColorSpec())[0])


def test_a_large_picture_is_converted_as_its_parts() -> None:
    """The strips that a large batch is worked on in leave no seam, forth and back."""
    generator = torch.Generator().manual_seed(2)
    planes = torch.randint(0, 256, (3, 1080, 600), dtype=torch.uint8, generator=generator)
    luma, chroma = split_nv12(planes)
    small = torch.empty(3, 3, 600, dtype=torch.uint8)

    rgb = nv12_to_rgb(planes, ColorSpec())
    back = rgb_to_nv12(rgb, ColorSpec())

    for top in range(0, 720, 2):
        rows = slice(top, top + 2)
        small[:, :2] = luma[:, 0, rows]
        small[:, 2] = chroma[:, :, top // 2].permute(0, 2, 1).flatten(1)
        assert torch.equal(nv12_to_rgb(small, ColorSpec()), rgb[:, :, rows])
        part = rgb_to_nv12(rgb[:, :, rows], ColorSpec())
        assert torch.equal(part[:, :2], back[:, rows])
        assert torch.equal(part[:, 2], back[:, 720 + top // 2])


@pytest.mark.parametrize(
    ("code", "num_lines", "matrix"),
    [
        pytest.param(2, 576, "bt601", id="untagged-SD"),
        pytest.param(2, 578, "bt709", id="untagged-HD"),
        pytest.param(0, 480, "bt601", id="identity-counts-as-untagged"),
        pytest.param(1, 240, "bt709", id="tagged-709-small"),
        pytest.param(5, 1080, "bt601", id="tagged-470BG-large"),
        pytest.param(6, 1080, "bt601", id="tagged-170M-large"),
        pytest.param(9, 480, "bt2020", id="tagged-2020"),
    ],
)
def test_the_tag_decides_and_else_the_height(code: int, num_lines: int, matrix: str) -> None:
    """A tagged stream gets its matrix; an untagged one BT.601 up to 576 lines, else BT.709."""
    assert choose_color(code, is_full_range=False, num_lines=num_lines).matrix == matrix


@pytest.mark.parametrize(
    "planes",
    [
        pytest.param(torch.zeros(6, 4, dtype=torch.uint8), id="no-batch"),
        pytest.param(torch.zeros(1, 6, 4), id="float"),
        pytest.param(torch.zeros(1, 4, 4, dtype=torch.uint8), id="rows-not-of-three"),
        pytest.param(torch.zeros(1, 6, 3, dtype=torch.uint8), id="odd-width"),
    ],
)
def test_what_is_not_nv12_is_refused(planes: torch.Tensor) -> None:
    """Another shape or dtype is an error that says what came and what is wanted."""
    with pytest.raises(ShapeError, match=r"want torch.uint8 \[N, H \* 3 / 2, W\]"):
        nv12_to_rgb(planes, ColorSpec())


def test_rgb_of_an_odd_size_is_refused() -> None:
    """NV12 has no odd size, and the error says what to do."""
    with pytest.raises(ShapeError, match="even size, got 3 x 2"):
        rgb_to_nv12(torch.zeros(1, 3, 2, 3, dtype=torch.uint8), ColorSpec())
