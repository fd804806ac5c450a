from __future__ import annotations

import pytest
import torch

from videoflow.data import ColorSpec, Frame, Stamp
from videoflow.data.color import rgb_to_nv12
from videoflow.errors import GraphError, ShapeError
from videoflow.processors import CropTransformer, MaskTransformer, ResizeTransformer

COLOR = ColorSpec("bt709", is_full_range=True)


def make_frame(layout: str, *, size_hw: tuple[int, int] = (16, 24)) -> Frame:
    """Return a frame whose red tells its column, and whose green tells its row."""
    height, width = size_hw
    rgb = torch.zeros(1, 3, height, width, dtype=torch.uint8)
    # Two by two pixels are alike, so that NV12 loses nothing.
    rgb[0, 0] = torch.arange(width).div(2, rounding_mode="floor") * 20
    rgb[0, 1] = (torch.arange(height).div(2, rounding_mode="floor") * 30).view(-1, 1)
    stamp = Stamp("door", 7, 0.7, size_hw)
    if layout == "rgb":
        return Frame(rgb[0], stamp, "rgb", COLOR)
    return Frame(rgb_to_nv12(rgb, COLOR)[0], stamp, "nv12", COLOR)


@pytest.mark.parametrize(
    ("layout", "box_xyxy", "want_xyxy"),
    [
        pytest.param("rgb", (3, 5, 9, 11), (3, 5, 9, 11), id="rgb-as-asked"),
        pytest.param("nv12", (4, 6, 10, 12), (4, 6, 10, 12), id="nv12-even"),
        pytest.param("nv12", (3, 5, 9, 11), (2, 4, 10, 12), id="nv12-grows-outward"),
        pytest.param("nv12", (20, 12, 99, 99), (20, 12, 24, 16), id="nv12-over-the-border"),
        pytest.param("rgb", (0, 0, 24, 16), (0, 0, 24, 16), id="whole"),
    ],
)
def test_a_crop_is_the_part_of_the_picture(
    layout: str, box_xyxy: tuple[int, int, int, int], want_xyxy: tuple[int, int, int, int]
) -> None:
    """Pixels, size and layout are those of the box; the frame stays the same frame."""
    frame = make_frame(layout)
    left, top, right, bottom = want_xyxy

    cut = CropTransformer(box_xyxy).process(frame)

    assert cut.layout == layout
    assert cut.size_hw == (bottom - top, right - left)
    assert (cut.stream, cut.index, cut.pts_seconds) == ("door", 7, 0.7)
    assert torch.equal(cut.rgb(), frame.rgb()[:, top:bottom, left:right])


def test_a_box_outside_the_picture_is_an_error() -> None:
    """It names the frame and both sizes."""
    with pytest.raises(ShapeError, match="'door', frame 7: got a picture of 24 x 16"):
        CropTransformer((30, 0, 40, 10)).process(make_frame("nv12"))


@pytest.mark.parametrize("box_xyxy", [(4, 4, 4, 8), (8, 0, 4, 8), (-1, 0, 4, 8)])
def test_an_empty_box_is_refused_at_once(box_xyxy: tuple[int, int, int, int]) -> None:
    """A box that holds no pixel makes no node."""
    with pytest.raises(GraphError, match="want 0 <= left < right"):
        CropTransformer(box_xyxy)


@pytest.mark.parametrize(
    ("layout", "size_hw", "want_layout"),
    [
        pytest.param("nv12", (8, 12), "nv12", id="nv12-smaller"),
        pytest.param("nv12", (32, 48), "nv12", id="nv12-larger"),
        pytest.param("nv12", (9, 13), "rgb", id="nv12-to-odd"),
        pytest.param("rgb", (8, 12), "rgb", id="rgb"),
    ],
)
def test_a_resized_picture_shows_the_same(
    layout: str, size_hw: tuple[int, int], want_layout: str
) -> None:
    """Corners keep their colours; NV12 stays NV12 where the size is even."""
    frame = make_frame(layout)

    resized = ResizeTransformer(size_hw).process(frame)

    assert (resized.layout, resized.size_hw) == (want_layout, size_hw)
    for y, x in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        before, after = frame.rgb()[:, y, x].int(), resized.rgb()[:, y, x].int()
        assert (before - after).abs().max() <= 40


def test_a_frame_of_the_right_size_goes_on_as_it_is() -> None:
    """Nothing is copied where nothing changes."""
    frame = make_frame("nv12")

    assert ResizeTransformer((16, 24)).process(frame) is frame


@pytest.mark.parametrize("layout", ["nv12", "rgb"])
@pytest.mark.parametrize("hide", ["inside", "outside"])
def test_a_mask_hides_one_side(layout: str, hide: str) -> None:
    """What is hidden has the colour asked for; the rest is as it was, and so is the input."""
    frame = make_frame(layout)
    before = frame.rgb().clone()
    inside = torch.zeros(16, 24, dtype=torch.bool)
    inside[4:10, 6:20] = True
    hidden = inside if hide == "inside" else ~inside
    corners = [(6, 4), (20, 4), (20, 10), (6, 10)]

    masked = MaskTransformer(
        corners,
        hide=hide,  # type: ignore[arg-type] # pytest's parameters are plain strings
        fill_rgb=(200, 30, 90),
    ).process(frame)

    fill = torch.tensor((200, 30, 90)).view(3, 1)
    assert (masked.rgb()[:, hidden].int() - fill).abs().max() <= 2
    assert torch.equal(masked.rgb()[:, ~hidden], before[:, ~hidden])
    assert torch.equal(frame.rgb(), before)


def test_no_colour_of_what_is_hidden_shows() -> None:
    """In NV12 a border through two by two pixels takes the colour of all four."""
    frame = make_frame("nv12")
    inside = torch.zeros(16, 24, dtype=torch.bool)
    inside[:, 5:] = True

    masked = MaskTransformer(inside, hide="inside").process(frame)

    assert bool((masked.buffer[16:, 4:] == 128).all())
    assert torch.equal(masked.buffer[:16, :5], frame.buffer[:16, :5])


def test_a_polygon_is_filled_by_the_middles_of_its_pixels() -> None:
    """A triangle over half a square hides the pixels whose middle it covers."""
    frame = make_frame("rgb", size_hw=(4, 4))
    frame.buffer.fill_(9)

    masked = MaskTransformer([(0, 0), (4, 0), (0, 4)], hide="inside").process(frame)

    hidden = (masked.buffer[0] == 0).int().tolist()
    assert hidden[0][:3] == [1, 1, 1]
    assert [row[3] for row in hidden[1:]] == [0, 0, 0]
    assert [sum(row) for row in hidden] in ([3, 2, 1, 0], [4, 3, 2, 1])


def test_a_region_of_another_size_is_an_error() -> None:
    """It names the frame, both sizes, and the way out."""
    region = torch.ones(8, 8, dtype=torch.bool)

    with pytest.raises(ShapeError, match=r"'door', frame 7: got a picture of .*\(16, 24\)"):
        MaskTransformer(region).process(make_frame("nv12"))


def test_masks_that_make_no_sense_are_refused_at_once() -> None:
    """A polygon has three corners, and a region two sides."""
    with pytest.raises(GraphError, match="want at least 3"):
        MaskTransformer([(0, 0), (1, 1)])
    with pytest.raises(GraphError, match="want 'inside' or 'outside'"):
        MaskTransformer([(0, 0), (1, 1), (2, 0)], hide="left")  # type: ignore[arg-type] # so it is
