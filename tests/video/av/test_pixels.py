"""What becomes of chroma, measured by benchmarks/color.py, which docs/gpu.md quotes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest

from tests.pictures import noisy_picture
from videoflow.video.av.pixels import with_whole_chroma

ROOT = Path(__file__).parents[3]
RESULT = json.loads((ROOT / "benchmarks" / "results" / "color-cpu.json").read_text())
CLIPS = [row["clip"] for row in RESULT["clips"]]
# swscale interpolates chroma of no others: 8 bits in planes with an even number of rows, 4:4:4.
NOT_INTERPOLATED = [
    row["clip"]
    for row in RESULT["clips"]
    if "444p" in row["pixels"]
    or (row["pixels"].split()[0][-1] == "p" and int(row["pixels"].split()[-1]) % 2 == 0)
]
ODD_SIZES = [
    pytest.param((48, 65), 10, id="odd width, 10 bits"),
    pytest.param((49, 64), 8, id="odd height, 8 bits"),
    pytest.param((49, 64), 10, id="odd height, 10 bits"),
    pytest.param((49, 65), 8, id="both, 8 bits"),
    pytest.param((49, 65), 10, id="both, 10 bits"),
]


@pytest.fixture
def color(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Return the benchmark as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield import_module("color")
    del sys.modules["color"]


@pytest.mark.parametrize("name", NOT_INTERPOLATED)
def test_colours_are_those_of_pyav(test_data: Path, color: ModuleType, name: str) -> None:
    """Where PyAV does not interpolate chroma, RGB is its own within two levels, 99 of 100."""
    path = test_data / "decode" / name
    frame, spec = color.first_picture(path)

    want = color.pyav_rgb(frame, spec)

    for rgb in (color.cpu_rgb(path), color.gpu_code_rgb(frame, spec)):
        mean, percentile = color.difference(rgb, want)
        assert mean <= 2
        assert percentile <= 2


@pytest.mark.parametrize("name", CLIPS)
def test_colours_are_those_of_pyav_but_for_interpolation(
    test_data: Path, color: ModuleType, name: str
) -> None:
    """In each clip both devices give PyAV's RGB of the same samples with chroma repeated.

    The GPU's code does within one level, and so does the CPU's way in an odd size; what
    swscale computes of an even size with more than 8 bits is a level too dark.
    """
    path = test_data / "decode" / name
    frame, spec = color.first_picture(path)
    is_odd = bool(frame.width % 2 or frame.height % 2)

    want = color.pyav_rgb_of_444(frame, spec)

    by_cpu = color.difference(color.cpu_rgb(path), want)
    by_gpu_code = color.difference(color.gpu_code_rgb(frame, spec), want)
    is_deep = frame.format.components[0].bits > 8
    assert max(by_gpu_code) <= 1
    assert max(by_cpu) <= (3 if is_deep and not is_odd else 1)


def test_the_clips_are_all_measured(test_data: Path, color: ModuleType) -> None:
    """The kept result has a row for each clip there is."""
    assert [path.name for path in color.clips(test_data)] == CLIPS


def test_the_page_has_the_measured_figures() -> None:
    """docs/gpu.md quotes the kept result, row by row."""
    page = (ROOT / "docs" / "gpu.md").read_text()
    planar, nv12 = RESULT["blocks"]
    deep = [row for row in RESULT["truth"] if row["bits"] == "10"]
    *_, last = (row["PyAV"] for row in RESULT["shift"] if row["odd"] == "both")

    for row in RESULT["clips"] + deep:
        assert f"\n| {' | '.join(row.values())} |\n" in page
    assert f"by {planar['rows at edges']} levels at most as `yuv420p`" in page
    assert f"by {nv12['rows at edges']} as `nv12`" in page
    assert last.endswith("(-0.92, -0.92)")
    assert "0.92 pixels off at sample 30" in page


@pytest.mark.parametrize(("size_hw", "bits"), ODD_SIZES)
@pytest.mark.parametrize("at", [1, 12, 22])
def test_chroma_of_an_odd_size_stays_in_its_place(
    color: ModuleType, size_hw: tuple[int, int], bits: int, at: int
) -> None:
    """The first, middle and last samples colour the pixels they were taken from."""
    found = color.shifts(size_hw=size_hw, bits=bits, at=at)

    for way in ("CPU", "GPU's code"):
        assert found[way] == pytest.approx((0, 0), abs=0.01)


@pytest.mark.parametrize(("size_hw", "bits"), ODD_SIZES)
def test_an_odd_size_is_nearer_to_the_truth_than_pyavs(
    color: ModuleType, size_hw: tuple[int, int], bits: int
) -> None:
    """Of coloured tiles that were subsampled in floating point, more comes back than by PyAV.

    The tiles are five pixels wide, so that most of their edges lie between two samples.
    """
    height, width = size_hw
    tiles = noisy_picture((10, 13)).repeat_interleave(5, 1).repeat_interleave(5, 2)
    rgb = tiles[:, :height, :width].permute(1, 2, 0).double().numpy()

    errors = color.truth_errors(rgb, bits=bits, is_left=False)

    assert errors["CPU"] < errors["PyAV"]
    assert errors["GPU's code"] < errors["PyAV"]


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        pytest.param("yuv420p", "yuv444p", id="420"),
        pytest.param("yuvj420p", "yuvj444p", id="420-full-range"),
        pytest.param("yuva420p", "yuva444p", id="420-alpha"),
        pytest.param("yuv420p10le", "yuv444p10le", id="420-10"),
        pytest.param("yuv422p12le", "yuv444p12le", id="422-12"),
        pytest.param("yuv440p", "yuv444p", id="440"),
        pytest.param("yuv411p", "yuv444p", id="411"),
        pytest.param("yuv410p", "yuv444p", id="410"),
    ],
)
@pytest.mark.parametrize("size_hw", [(1, 1), (7, 9), (6, 9)], ids=str)
def test_each_sample_of_an_odd_size_is_repeated(
    color: ModuleType, name: str, whole: str, size_hw: tuple[int, int]
) -> None:
    """Every planar sampling becomes 4:4:4 whose pixels have the sample they belong to."""
    height, width = size_hw
    frame = av.VideoFrame(width, height, name)
    planes = list(color.planes_of(frame))
    for samples in planes:
        samples[:] = np.arange(samples.size).reshape(samples.shape)
    sampling = av.VideoFormat(name, 16, 16).components
    y, x = np.mgrid[:height, :width]

    result = with_whole_chroma(frame)

    assert result.format.name == whole
    for out, samples, part in zip(color.planes_of(result), planes, sampling, strict=True):
        assert np.array_equal(out, samples[y * part.height // 16, x * part.width // 16])


@pytest.mark.parametrize(
    ("name", "size_hw"),
    [
        pytest.param("yuv420p10le", (8, 8), id="even"),
        pytest.param("yuv444p", (7, 9), id="nothing-halved"),
        pytest.param("gray", (7, 9), id="grey"),
        pytest.param("rgb24", (7, 9), id="rgb"),
    ],
)
def test_what_needs_no_repeating_is_not_copied(name: str, size_hw: tuple[int, int]) -> None:
    """The picture itself is returned."""
    frame = av.VideoFrame(size_hw[1], size_hw[0], name)

    assert with_whole_chroma(frame) is frame
