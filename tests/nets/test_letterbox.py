from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoflow.errors import ShapeError
from videoflow.nets.letterbox import FitRule, Letterbox

sides = st.integers(min_value=1, max_value=5000)


@pytest.mark.parametrize(
    ("source_hw", "content_hw", "input_hw"),
    [
        pytest.param((576, 768), (312, 416), (320, 416), id="4:3"),
        pytest.param((1080, 1920), (234, 416), (256, 416), id="16:9"),
        pytest.param((1920, 1080), (416, 234), (416, 256), id="upright"),
        pytest.param((100, 100), (416, 416), (416, 416), id="small picture is enlarged"),
        pytest.param((1, 5000), (1, 416), (32, 416), id="one row"),
    ],
)
def test_longer_side_is_the_input_size_and_padding_stops_at_the_stride(
    source_hw: tuple[int, int], content_hw: tuple[int, int], input_hw: tuple[int, int]
) -> None:
    """The picture fills the input as far as its proportions allow, and no more is added."""
    fit = Letterbox.fit(source_hw, input_size=416, stride=32)

    assert (fit.content_hw, fit.input_hw) == (content_hw, input_hw)


@given(height=sides, width=sides, size=st.integers(1, 2000), stride=st.sampled_from([1, 8, 32]))
def test_whole_content_maps_back_to_the_whole_picture(
    height: int, width: int, size: int, stride: int
) -> None:
    """For any size, the content's corners are the picture's corners, and it fits its input."""
    fit = Letterbox.fit((height, width), input_size=size, stride=stride)
    content_height, content_width = fit.content_hw
    corners = np.array([[0, 0, content_width, content_height]], np.float32)

    np.testing.assert_allclose(fit.to_source(corners), [[0, 0, width, height]], rtol=1e-6)
    assert max(fit.content_hw) == size
    assert all(side % stride == 0 for side in fit.input_hw)
    assert all(
        0 <= outer - inner < stride
        for outer, inner in zip(fit.input_hw, fit.content_hw, strict=True)
    )


@given(
    height=sides,
    width=sides,
    points=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=4),
)
def test_boxes_come_back_to_where_they_were(
    height: int, width: int, points: list[tuple[float, float]]
) -> None:
    """A box scaled into the input and mapped back is the same box."""
    fit = Letterbox.fit((height, width), input_size=416, stride=32)
    unit = np.array(points, np.float32)
    source = np.hstack((unit, unit)) * np.array([width, height, width, height], np.float32)
    scale = np.array(fit.content_hw) / np.array(fit.source_hw)

    back = fit.to_source((source * scale[[1, 0, 1, 0]]).astype(np.float32))

    assert back.dtype == np.float32
    np.testing.assert_allclose(back, source, rtol=1e-5, atol=1e-3)


def test_no_boxes_map_to_no_boxes() -> None:
    """Nothing in, nothing out, of the same form."""
    fit = Letterbox.fit((10, 10), input_size=32, stride=32)

    assert fit.to_source(np.zeros((0, 4), np.float32)).shape == (0, 4)


@pytest.mark.parametrize("source_hw", [(0, 0), (0, 10), (10, 0)])
def test_picture_without_pixels_is_refused(source_hw: tuple[int, int]) -> None:
    """A picture of no size has no proportions."""
    with pytest.raises(ShapeError, match="want at least 1 x 1"):
        Letterbox.fit(source_hw, input_size=416, stride=32)


@pytest.mark.parametrize(
    ("source_hw", "rule", "content_hw"),
    [
        pytest.param((576, 768), "long_side", (240, 320), id="wide"),
        pytest.param((768, 576), "long_side", (256, 192), id="upright"),
        pytest.param((576, 768), "stretch", (256, 320), id="stretched"),
        pytest.param((1, 10_000), "long_side", (1, 320), id="one row"),
    ],
)
def test_a_fixed_size_is_filled_as_far_as_it_goes(
    source_hw: tuple[int, int], rule: FitRule, content_hw: tuple[int, int]
) -> None:
    """An input of a fixed size holds the largest picture that fits, or a stretched one."""
    fit = Letterbox.fit(source_hw, input_size=(256, 320), stride=32, rule=rule)

    assert (fit.content_hw, fit.input_hw) == (content_hw, (256, 320))
