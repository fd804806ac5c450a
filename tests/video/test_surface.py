from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from tests.nvdec_stub import FakeStream
from videoflow.data.color import nv12_to_rgb
from videoflow.data.color_spec import ColorSpec
from videoflow.errors import ShapeError
from videoflow.video.av.acceleration import LibavCuda
from videoflow.video.av.pixels import CudaPixels
from videoflow.video.cuda_stream import DecodeStream
from videoflow.video.picture import PictureForm
from videoflow.video.surface import split_surface

COLOR = ColorSpec("bt709")


def planes(height: int, width: int, *, seed: int = 0) -> Tensor:
    """Return NV12 that is smooth enough to be a picture."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(40, 200, (height * 3 // 2, width), generator=generator).to(torch.uint8)


def to_16_bit(packed: Tensor) -> Tensor:
    """Return 8-bit samples in the high bits of 16, as a decoder of 10 bits puts them."""
    return (packed.to(torch.int32) * 256).to(torch.uint16)


def copy_out(packed: Tensor, pixel_format: str, form: PictureForm) -> Tensor:
    out = torch.full(form.buffer_shape, 7, dtype=torch.uint8)
    surface = split_surface(packed, pixel_format=pixel_format, num_lines=form.coded_size_hw[0])
    surface.copy_to(out, form)
    return out


def test_nv12_is_copied_as_it_is() -> None:
    """Every byte."""
    packed = planes(8, 12)

    assert torch.equal(copy_out(packed, "NV12", PictureForm((8, 12), "nv12", COLOR)), packed)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_nv12_is_turned_with_its_chroma(turns: int) -> None:
    """A turned copy has the colours of the turned picture."""
    packed = planes(8, 12)

    out = copy_out(packed, "NV12", PictureForm((8, 12), "nv12", COLOR, quarter_turns=turns))

    want = torch.rot90(nv12_to_rgb(packed[None], COLOR)[0], turns, (1, 2))
    assert torch.equal(nv12_to_rgb(out[None], COLOR)[0], want)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("pixel_format", ["NV12", "P016"])
def test_rgb_is_that_of_our_own_conversion(pixel_format: str, turns: int) -> None:
    """8 and 16 bits give the colours that NV12 has everywhere else, within one level."""
    packed = planes(8, 12)
    deep = to_16_bit(packed) if pixel_format == "P016" else packed
    form = PictureForm((8, 12), "rgb", COLOR, quarter_turns=turns)

    out = copy_out(deep, pixel_format, form)

    want = torch.rot90(nv12_to_rgb(packed[None], COLOR)[0], turns, (1, 2)).permute(1, 2, 0)
    assert out.shape == want.shape
    assert int((out.int() - want.int()).abs().max()) <= 1


def test_an_odd_picture_is_cut_from_the_even_one() -> None:
    """65 x 49 comes as 66 columns without the last row of chroma, which the one above lends."""
    even = planes(50, 66)
    even[-1] = even[-2]  # so that the row that is missing is the one above it
    packed = torch.cat((even[:49], even[50:74]))

    out = copy_out(packed, "NV12", PictureForm((49, 65), "rgb", COLOR))

    want = nv12_to_rgb(even[None], COLOR)[0].permute(1, 2, 0)[:49, :65]
    assert packed.shape == (73, 66)
    assert int((out.int() - want.int()).abs().max()) <= 1


@pytest.mark.parametrize(
    ("pixel_format", "num_rows", "num_planes"),
    [
        ("NV16", 16, 1),
        ("P216", 16, 1),
        ("YUV444", 24, 1),
        ("YUV444", 24, 3),
        ("YUV444_16Bit", 24, 1),
        ("YUV444_16Bit", 24, 3),
    ],
)
def test_chroma_of_full_height_is_found(
    pixel_format: str, num_rows: int, num_planes: int
) -> None:
    """4:2:2 and 4:4:4: flat grey planes with one colour give that colour everywhere."""
    packed = torch.full((num_rows, 12), 128, dtype=torch.uint8)
    packed[:8] = 100
    if "444" in pixel_format:
        packed[16:] = 180  # Cr
    else:
        packed[8:, 1::2] = 180
    is_deep = "16" in pixel_format and pixel_format != "NV16"
    packed = to_16_bit(packed) if is_deep else packed

    out = copy_out(
        packed if num_planes == 1 else packed.view(num_planes, -1, 12),
        pixel_format,
        PictureForm((8, 12), "rgb", COLOR),
    )

    assert bool((out == out[:1, :1]).all())
    red, green, blue = out[0, 0].tolist()
    assert red > green
    assert abs(blue - (100 - 16) * 255 / 219) <= 1


@pytest.mark.parametrize(
    ("shape", "pixel_format", "message"),
    [
        pytest.param((12, 12), "RGB", "want one of NV12", id="format"),
        pytest.param((18, 12), "NV12", "want 12 rows", id="scaled"),
        pytest.param((2, 12, 12), "NV12", "want 12 rows", id="batch"),
    ],
)
def test_another_layout_is_refused(
    shape: tuple[int, ...], pixel_format: str, message: str
) -> None:
    """A surface that is not what was decoded is an error, not a picture."""
    with pytest.raises(ShapeError, match=message):
        split_surface(
            torch.zeros(shape, dtype=torch.uint8), pixel_format=pixel_format, num_lines=8
        )


def test_planes_that_ffmpeg_left_on_the_gpu_are_copied_in_their_turn() -> None:
    """They are taken as capsules, inside the stream's turn, and give the same picture."""
    packed = planes(8, 12)
    frame = SimpleNamespace(planes=[packed[:8], packed[8:].view(4, 6, 2)])
    events: list[str] = []
    stream: DecodeStream = FakeStream(events)
    form = PictureForm((8, 12), "nv12", COLOR)
    out = torch.empty(form.buffer_shape, dtype=torch.uint8)

    CudaPixels(cast(Any, frame), LibavCuda(0, stream)).copy_to(out, form)

    assert torch.equal(out, packed)
    assert events == ["turn", "copy", "copy", "end of turn"]
