"""How luma and chroma become RGB and back, in plain torch: the same code on every device.

Knows matrices and ranges. Does not know transfer functions: HDR (PQ, HLG) is not tone
mapped, and its RGB looks flat.

**Untagged streams.** A stream that does not say its matrix is BT.601 where the picture has
at most 576 lines (the tallest of standard definition), and BT.709 above. A stream that does
not say its range is limited. Decoders disagree here (swscale always takes BT.601), so
that the rule is ours and holds for every decoder.

**Chroma.** A chroma sample colours the 2 x 2 luma samples it was taken from, without
interpolation, whatever the size and depth. swscale does so, within two levels, where 8 bits
come in three planes with an even number of rows. Elsewhere it interpolates, also NV12 of the
same samples, and stretches chroma over an odd size; ``benchmarks/color.py`` measures both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor

from videoflow.data.color_spec import ColorSpec, Matrix
from videoflow.errors import ShapeError

__all__ = [
    "choose_color",
    "nv12_to_rgb",
    "rgb_coefficients",
    "rgb_gains",
    "rgb_to_nv12",
    "split_nv12",
    "ycbcr_coefficients",
    "ycbcr_to_rgb",
]

MAX_LINES_OF_SD: Final = 576

# Weights of red and blue in luma. Source: ITU-R BT.601-7, BT.709-6, BT.2020-2 (non-constant).
_LUMA_WEIGHTS: Final[dict[Matrix, tuple[float, float]]] = {
    "bt601": (0.299, 0.114),
    "bt709": (0.2126, 0.0722),
    "bt2020": (0.2627, 0.0593),
}
# MatrixCoefficients. Source: ITU-T H.273, table 4; those that are not here count as untagged.
_MATRIX_OF_CODE: Final[dict[int, Matrix]] = {
    1: "bt709",
    4: "bt601",  # FCC, whose weights are those of BT.601 to two digits
    5: "bt601",
    6: "bt601",
    7: "bt709",  # SMPTE 240M, whose weights are those of BT.709 to two digits
    9: "bt2020",
    10: "bt2020",
}
_PIXELS_PER_STRIP: Final = 2**18
_FRACTION_BITS: Final = 5  # |Y + C| < 580, so that 16 bits hold it with 5 bits of fraction


def choose_color(matrix_code: int, *, is_full_range: bool, num_lines: int) -> ColorSpec:
    """Return the conversion of a stream from its tags, or by our rule where it has none.

    Args:
        matrix_code: MatrixCoefficients of ITU-T H.273; 2 is "unspecified".
        is_full_range: What the stream says; False where it says nothing.
        num_lines: Height of the picture in pixels.
    """
    untagged: Matrix = "bt601" if num_lines <= MAX_LINES_OF_SD else "bt709"
    return ColorSpec(_MATRIX_OF_CODE.get(matrix_code, untagged), is_full_range)


def nv12_to_rgb(planes: Tensor, color: ColorSpec) -> Tensor:
    """Convert a batch of NV12 pictures.

    Args:
        planes: uint8 ``[N, H * 3 / 2, W]``, H and W even.
        color: The stream's matrix and range.

    Returns:
        uint8 ``[N, 3, H, W]`` in channels-last memory, fresh, on the device of ``planes``.

    Raises:
        ShapeError: ``planes`` is of another shape or dtype.
    """
    luma, chroma = split_nv12(planes)
    num, _, height, width = luma.shape
    out = torch.empty((num, height, width, 3), dtype=torch.uint8, device=planes.device)
    for top, bottom in _strips(num, height, width, device=planes.device):
        _fill_rgb(
            out[:, top:bottom],
            luma[:, 0, top:bottom],
            chroma[:, :, top // 2 : bottom // 2],
            color=color,
        )
    return out.permute(0, 3, 1, 2)


def ycbcr_to_rgb(luma: Tensor, chroma: Tensor, color: ColorSpec) -> Tensor:
    """Convert planes of equal size, for a preprocess that has resized them already.

    Scaling and this conversion commute but for the clamp, so that a detector can shrink the
    planes first and convert only what its model sees.

    Args:
        luma: float ``[N, 1, H, W]``, 0 to 255.
        chroma: float ``[N, 2, H, W]``, Cb then Cr, 0 to 255.
        color: The stream's matrix and range.

    Returns:
        Float of the same kind ``[N, 3, H, W]``, clamped to 0 to 255.
    """
    weights, bias = rgb_coefficients(color)
    mix = torch.tensor(weights, dtype=luma.dtype, device=luma.device)
    shift = torch.tensor(bias, dtype=luma.dtype, device=luma.device).view(3, 1)
    ycbcr = torch.cat((luma, chroma), dim=1)
    # A product of matrices: a CPU takes 20 times as long for a convolution of a batch, and a
    # GPU rounds it to 10 bits.
    rgb = torch.matmul(mix, ycbcr.flatten(2)).add_(shift).clamp_(0, 255)
    return rgb.view_as(ycbcr)


def rgb_to_nv12(rgb: Tensor, color: ColorSpec) -> Tensor:
    """Convert a batch of RGB pictures; chroma is the mean of its 2 x 2 pixels.

    Args:
        rgb: uint8 ``[N, 3, H, W]``, H and W even, any strides.
        color: The matrix and range to convert to.

    Returns:
        uint8 ``[N, H * 3 / 2, W]``, contiguous, fresh, on the device of ``rgb``.

    Raises:
        ShapeError: ``rgb`` is of another shape or dtype, or of an odd size.
    """
    if rgb.dim() != 4 or rgb.shape[1] != 3 or rgb.dtype != torch.uint8:
        raise ShapeError(f"got {rgb.dtype} {list(rgb.shape)}, want torch.uint8 [N, 3, H, W]")
    num, _, height, width = rgb.shape
    if height % 2 or width % 2:
        raise ShapeError(
            f"NV12 needs an even size, got {width} x {height}",
            help="repeat the last row or column first",
        )
    out = torch.empty((num, height * 3 // 2, width), dtype=torch.uint8, device=rgb.device)
    luma, chroma = split_nv12(out)
    for top, bottom in _strips(num, height, width, device=rgb.device):
        _fill_ycbcr(
            luma[:, 0, top:bottom],
            chroma[:, :, top // 2 : bottom // 2],
            rgb[:, :, top:bottom],
            color=color,
        )
    return out


def split_nv12(planes: Tensor) -> tuple[Tensor, Tensor]:
    """Return luma and chroma of a batch of NV12 pictures, as views.

    Args:
        planes: uint8 ``[N, H * 3 / 2, W]``, contiguous in its last two dimensions.

    Returns:
        ``[N, 1, H, W]`` and ``[N, 2, H / 2, W / 2]`` (Cb, Cr) on the memory of ``planes``.

    Raises:
        ShapeError: ``planes`` is of another shape or dtype.
    """
    if (
        planes.dim() != 3
        or planes.shape[1] % 3
        or planes.shape[2] % 2
        or planes.dtype != torch.uint8
    ):
        raise ShapeError(
            f"got {planes.dtype} {list(planes.shape)}, want torch.uint8 [N, H * 3 / 2, W] "
            "with an even H and W"
        )
    num, rows, width = planes.shape
    height = rows * 2 // 3
    chroma = planes[:, height:].view(num, height // 2, width // 2, 2)
    return planes[:, :height].unsqueeze(1), chroma.permute(0, 3, 1, 2)


def rgb_gains(color: ColorSpec) -> tuple[float, float, float, float, float, float]:
    """Return the luma of black, the gain of luma, and four gains of chroma less 128.

    These are of Cr for red, of Cb and Cr for green, and of Cb for blue.

    Source: ITU-R BT.601-7 section 2.5 and BT.709-6 section 3, the equations for Y, Cb and Cr
    solved for R, G and B.
    """
    red, blue = _LUMA_WEIGHTS[color.matrix]
    green = 1 - red - blue
    luma_gain, chroma_gain, black = _ranges(color)
    to_red, to_blue = 2 * (1 - red) * chroma_gain, 2 * (1 - blue) * chroma_gain
    return black, luma_gain, to_red, -to_blue * blue / green, -to_red * red / green, to_blue


def rgb_coefficients(
    color: ColorSpec,
) -> tuple[tuple[tuple[float, float, float], ...], tuple[float, float, float]]:
    """Return a 3 x 3 matrix and three offsets: ``rgb = matrix @ (y, cb, cr) + offsets``.

    All values run from 0 to 255, so that a model's own scale can be multiplied in.
    """
    black, gain, cr_to_red, cb_to_green, cr_to_green, cb_to_blue = rgb_gains(color)
    matrix = (
        (gain, 0.0, cr_to_red),
        (gain, cb_to_green, cr_to_green),
        (gain, cb_to_blue, 0.0),
    )
    red_bias, green_bias, blue_bias = (
        -gain * black - 128 * (from_cb + from_cr) for _, from_cb, from_cr in matrix
    )
    return matrix, (red_bias, green_bias, blue_bias)


def ycbcr_coefficients(
    color: ColorSpec,
) -> tuple[tuple[tuple[float, float, float], ...], tuple[float, float, float]]:
    """Return a 3 x 3 matrix and three offsets: ``(y, cb, cr) = matrix @ rgb + offsets``."""
    red, blue = _LUMA_WEIGHTS[color.matrix]
    luma = (red, 1 - red - blue, blue)
    luma_gain, chroma_gain, black = _ranges(color)

    def difference(own: int) -> tuple[float, float, float]:
        scale = 2 * (1 - luma[own]) * chroma_gain
        r, g, b = (((1.0 if i == own else 0.0) - luma[i]) / scale for i in range(3))
        return r, g, b

    y_row = (luma[0] / luma_gain, luma[1] / luma_gain, luma[2] / luma_gain)
    return (y_row, difference(2), difference(0)), (black, 128.0, 128.0)


def _ranges(color: ColorSpec) -> tuple[float, float, float]:
    return (1.0, 1.0, 0.0) if color.is_full_range else (255 / 219, 255 / 224, 16.0)


def _strips(
    num: int, height: int, width: int, *, device: torch.device
) -> Iterator[tuple[int, int]]:
    """Yield first and last row of the parts to work on at once; all rows are even.

    On a CPU the intermediate results then stay in the cache, and in memory that is used
    again: fresh memory for a whole picture costs more than the arithmetic.
    """
    rows = _PIXELS_PER_STRIP // max(1, num * width) // 2 * 2 if device.type == "cpu" else height
    step = max(2, rows)
    for top in range(0, height, step):
        yield top, min(top + step, height)


def _fill_rgb(out: Tensor, luma: Tensor, chroma: Tensor, *, color: ColorSpec) -> None:
    """Fill ``[N, H, W, 3]`` from luma ``[N, H, W]`` and chroma ``[N, 2, H / 2, W / 2]``."""
    num, height, width = luma.shape
    weights, bias = rgb_coefficients(color)
    scale = 1 << _FRACTION_BITS
    # The sum of luma and chroma is the only work at full size, so it is done in 16 bits.
    y = luma.float().mul_(weights[0][0] * scale).to(torch.int16)
    y = y.view(num, height // 2, 2, width)
    cb, cr = chroma.float().unbind(1)
    total = torch.empty_like(y)
    for channel in range(3):
        _, from_cb, from_cr = weights[channel]
        offset = bias[channel] * scale + scale / 2
        c = (cb * (from_cb * scale)).add_(cr, alpha=from_cr * scale).add_(offset)
        torch.add(y, _double_columns(c.to(torch.int16)).unsqueeze(2), out=total)
        total.bitwise_right_shift_(_FRACTION_BITS).clamp_(0, 255)
        out[..., channel] = total.view(num, height, width)


def _fill_ycbcr(luma: Tensor, chroma: Tensor, rgb: Tensor, *, color: ColorSpec) -> None:
    """Fill luma ``[N, H, W]`` and chroma ``[N, 2, H / 2, W / 2]`` from ``[N, 3, H, W]``."""
    weights, bias = ycbcr_coefficients(color)
    channels = [channel.float() for channel in rgb.unbind(1)]
    # A half is added, so that the cut to whole numbers rounds.
    luma.copy_(_weighted(channels, weights[0], bias[0] + 0.5).clamp_(0, 255))
    pairs = [channel[:, 0::2] + channel[:, 1::2] for channel in channels]  # rows, two by two
    for plane in range(2):
        quarter = tuple(weight / 4 for weight in weights[1 + plane])
        half_wide = _weighted(pairs, quarter, (bias[1 + plane] + 0.5) / 2)
        chroma[:, plane] = (half_wide[..., 0::2] + half_wide[..., 1::2]).clamp_(0, 255)


def _double_columns(half: Tensor) -> Tensor:
    """Repeat each int16 sample: three times as fast as ``repeat_interleave`` on a CPU."""
    low = half.to(torch.int32).bitwise_and_(0xFFFF)
    doubled = half.new_empty((*half.shape[:-1], 2 * half.shape[-1]))
    torch.bitwise_or(low, low << 16, out=doubled.view(torch.int32))
    return doubled


def _weighted(channels: list[Tensor], weights: tuple[float, ...], offset: float) -> Tensor:
    red, green, blue = channels
    total = (red * weights[0]).add_(green, alpha=weights[1]).add_(blue, alpha=weights[2])
    return total.add_(offset)
