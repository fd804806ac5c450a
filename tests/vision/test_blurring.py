from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.pictures import as_nv12, as_rgb, noisy_picture, smooth_picture
from videoflow.data import Frame
from videoflow.vision.blurring import BlurMethod, blur_regions, whole_regions

METHODS = get_args(BlurMethod)
NAN, INF = float("nan"), float("inf")


def _regions(*regions: tuple[float, ...]) -> np.ndarray:
    return np.array(regions, np.float64).reshape(-1, 4)


def _blurred(frame: Frame, regions: np.ndarray, **options: Any) -> Tensor:
    pixels = frame.buffer.clone()
    blur_regions(pixels, frame.layout, regions, **options)
    return pixels


def _num_colors(part: Tensor) -> int:
    return len(np.unique(part.flatten(1).numpy(), axis=1).T)


@pytest.mark.parametrize(
    ("region", "pixels"),
    [
        pytest.param((10, 12, 20, 30), [[10, 12, 20, 30]], id="even"),
        pytest.param((11, 13, 19, 29), [[10, 12, 20, 30]], id="odd goes outwards"),
        pytest.param((10.5, 12.1, 18.01, 28.2), [[10, 12, 20, 30]], id="between pixels"),
        pytest.param((-9, -9, 3, 3), [[0, 0, 4, 4]], id="over the corner"),
        pytest.param((60, 40, 99, 99), [[60, 40, 63, 47]], id="over the odd far corner"),
        pytest.param((20, 20, 20.5, 20.5), [[20, 20, 22, 22]], id="less than a pixel"),
        pytest.param((5, 5, 5, 9), [], id="no width"),
        pytest.param((9, 9, 5, 5), [], id="inside out"),
        pytest.param((70, 5, 90, 9), [], id="outside"),
        pytest.param((NAN, 5, 9, 9), [], id="not a number"),
        pytest.param((5, 5, INF, 9), [], id="endless"),
    ],
)
def test_regions_become_whole_pixels(
    region: tuple[float, ...], pixels: list[list[int]]
) -> None:
    """Edges go outwards to even pixels and into the picture; what is no region is left out."""
    assert whole_regions(_regions(region), (47, 63)).tolist() == pixels


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("as_layout", [as_rgb, as_nv12])
@pytest.mark.parametrize(
    "regions",
    [
        pytest.param(_regions(), id="none"),
        pytest.param(_regions((11, 13, 43, 71)), id="one at odd pixels"),
        pytest.param(_regions((-20, -20, 9, 9), (100, 80, 200, 200)), id="at the rim"),
        pytest.param(_regions((10, 10, 50, 50), (30, 30, 80, 70)), id="overlapping"),
    ],
)
def test_what_is_outside_stays_and_what_is_inside_changes(
    as_layout: Any, regions: np.ndarray, method: BlurMethod
) -> None:
    """Every sample outside of the regions is untouched; nearly all within are others."""
    frame = as_layout(noisy_picture((96, 128)))
    inside = torch.zeros(96, 128, dtype=torch.bool)
    for left, top, right, bottom in whole_regions(regions, (96, 128)).tolist():
        inside[top:bottom, left:right] = True

    pixels = _blurred(frame, regions, method=method)

    luma_in = inside.expand(3, -1, -1) if frame.layout == "rgb" else inside
    changed = pixels != frame.buffer
    if frame.layout == "nv12":
        chroma_in = inside[::2, ::2].repeat_interleave(2, dim=1)  # Cb, Cr side by side
        luma_in = torch.cat((luma_in, chroma_in))
    assert not changed[~luma_in].any()
    assert not luma_in.any() or changed[luma_in].float().mean() > 0.95


@pytest.mark.parametrize("num_cells", [1, 3, 5])
def test_only_the_cells_are_left(num_cells: int) -> None:
    """A region shows no more colours than it has cells, whatever it showed."""
    frame = as_rgb(noisy_picture((96, 128)))

    pixels = _blurred(frame, _regions((10, 20, 70, 90)), num_cells=num_cells)

    assert _num_colors(pixels[:, 20:90, 10:70]) <= num_cells**2


@pytest.mark.parametrize("method", METHODS)
def test_detail_is_lost(method: BlurMethod) -> None:
    """Of the contrast between neighbours, less than a twentieth is left."""
    frame = as_rgb(noisy_picture((96, 128)))

    pixels = _blurred(frame, _regions((10, 20, 70, 90)), method=method)

    def edges(picture: Tensor) -> float:
        part = picture[:, 20:90, 10:70].float()
        return float(part.diff(dim=2).abs().mean() + part.diff(dim=1).abs().mean())

    assert edges(pixels) < edges(frame.buffer) / 20


@pytest.mark.parametrize("method", METHODS)
def test_mean_colour_stays(method: BlurMethod) -> None:
    """A region of one colour is left as it is."""
    frame = as_rgb(
        torch.tensor([9, 99, 199], dtype=torch.uint8).view(3, 1, 1).expand(3, 48, 64)
    )

    pixels = _blurred(frame, _regions((3, 3, 40, 44)), method=method)

    assert torch.equal(pixels, frame.buffer)


def test_a_small_face_is_not_left_as_it_is() -> None:
    """A cell has four pixels a side or more, also where that leaves fewer cells."""
    frame = as_rgb(noisy_picture((96, 128)))

    pixels = _blurred(frame, _regions((20, 20, 28, 30)), num_cells=100)

    assert _num_colors(pixels[:, 20:30, 20:28]) <= 4


@pytest.mark.parametrize("method", METHODS)
def test_nv12_and_rgb_look_the_same(method: BlurMethod) -> None:
    """Both layouts get the same colours, but for a pixel at the edges of cells."""
    picture = smooth_picture((96, 128))
    regions = _regions((11, 13, 43, 71), (60, 40, 140, 99))
    nv12 = as_nv12(picture)

    rgb = _blurred(as_rgb(picture), regions, method=method)
    other = Frame(_blurred(nv12, regions, method=method), nv12.stamp, "nv12", nv12.color)

    for left, top, right, bottom in whole_regions(regions, (96, 128)).tolist():
        part = (slice(None), slice(top, bottom), slice(left, right))
        difference = (other.rgb()[part].float() - rgb[part].float()).abs()
        assert difference.mean() < 2
        assert (difference <= 8).float().mean() > 0.95


def test_thousands_of_faces() -> None:
    """A crowd, or a broken detector, costs time and nothing else."""
    frame = as_nv12(noisy_picture((96, 128)))
    corners = np.random.default_rng(0).uniform(-20, 120, (3000, 2))

    pixels = _blurred(frame, np.hstack([corners, corners + 12]))

    assert (pixels[:96] != frame.buffer[:96]).float().mean() > 0.9


@pytest.mark.gpu
@pytest.mark.parametrize("method", METHODS)
def test_a_gpu_gives_what_the_cpu_gives(method: BlurMethod) -> None:
    """The same code blurs on a device."""
    frame = as_nv12(noisy_picture((96, 128)))
    regions = _regions((11, 13, 43, 71), (60, 40, 140, 99))
    pixels = frame.buffer.cuda()

    blur_regions(pixels, "nv12", regions, method=method)

    want = _blurred(frame, regions, method=method)
    torch.testing.assert_close(pixels.cpu().float(), want.float(), atol=1.0, rtol=0)
