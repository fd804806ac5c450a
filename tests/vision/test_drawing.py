from __future__ import annotations

import numpy as np
import pytest
import torch

from videoflow.data import ColorSpec, Layout, Line
from videoflow.vision.canvas import Canvas
from videoflow.vision.drawing import Pen
from videoflow.vision.inks import rgb_to_ycbcr
from videoflow.vision.palette import track_rgb
from videoflow.vision.strokes import along, rasterise

SIZE = (120, 160)
RED = (255, 0, 0)
SPEC = ColorSpec()


def picture(layout: Layout, value: int = 100) -> np.ndarray:
    height, width = SIZE
    shape = (height * 3 // 2, width) if layout == "nv12" else (3, height, width)
    return np.full(shape, value, np.uint8)


def draw_everything(pen: Pen, canvas: Canvas) -> None:
    pen.line(canvas, Line((-20, 90), (200, 31)), RED, is_bright=True)
    pen.trail(canvas, np.array([[10.0, 10], [50, 33], [200, 60]]), track_rgb(2))
    for i, left in enumerate((-15.0, 41.0, 150.0)):
        box = np.array([left, 13 + i, left + 31, 80], np.float32)
        pen.box(canvas, box, track_rgb(i))
        pen.box_label(canvas, f"{i}7", box, track_rgb(i))
    pen.label(canvas, "door  in 3", (150.0, 119.0), RED)


@pytest.mark.parametrize("matrix", ["bt601", "bt709", "bt2020"])
@pytest.mark.parametrize("is_full_range", [False, True])
def test_white_and_black_have_no_colour(matrix: str, is_full_range: bool) -> None:
    """White and black are the ends of luma with neutral chroma, whatever the matrix."""
    spec = ColorSpec(matrix, is_full_range)  # type: ignore[arg-type]

    assert rgb_to_ycbcr((255, 255, 255), spec) == ((255 if is_full_range else 235), 128, 128)
    assert rgb_to_ycbcr((0, 0, 0), spec) == ((0 if is_full_range else 16), 128, 128)


def test_red_in_two_matrices() -> None:
    """Red is written as the two standards say."""
    assert rgb_to_ycbcr(RED, ColorSpec("bt601")) == (81, 90, 240)
    assert rgb_to_ycbcr(RED, ColorSpec("bt709")) == (63, 102, 240)


def test_chroma_is_blended_by_the_covered_share() -> None:
    """A pixel that covers a quarter of a chroma sample moves it by a quarter."""
    buffer = picture("nv12", 128)

    Canvas.over(buffer, "nv12", SPEC).fill((11, 21, 12, 22), RED)

    assert buffer[21, 11] == 81
    assert (buffer[:120] != 128).sum() == 1
    # 0.75 x 128 + 0.25 x 90 (Cb) or 240 (Cr), halves up
    assert buffer[120 + 10, 10:12].tolist() == [119, 156]
    assert (buffer[120:] != 128).sum() == 2


def test_rgb_gets_the_colour_itself() -> None:
    """On RGB planes the colour arrives as it is; a channels-last view is as good."""
    packed = np.full((120, 160, 3), 100, np.uint8)

    Canvas.over(packed.transpose(2, 0, 1), "rgb", SPEC).fill((2, 3, 5, 7), RED)

    assert packed[3:7, 2:5].reshape(-1, 3).tolist() == [list(RED)] * 12
    assert (packed != 100).sum() == 36


@pytest.mark.parametrize(
    "box",
    [
        pytest.param((-50, -50, 500, 500), id="around"),
        pytest.param((300, 10, 320, 30), id="outside"),
        pytest.param((20, 20, 20, 20), id="nothing"),
        pytest.param((1e30, -1e30, 1e31, 5), id="far"),
        pytest.param((30, 30, 10, 10), id="inside out"),
    ],
)
@pytest.mark.parametrize("layout", ["nv12", "rgb"])
def test_boxes_that_do_not_fit(box: tuple[float, ...], layout: Layout) -> None:
    """A box that reaches outside, lies outside or has no area leaves the picture as it is."""
    buffer = picture(layout)
    pen = Pen(SIZE, layout, SPEC)

    pen.box(pen.canvas(buffer), np.array(box, np.float32), RED)

    assert (buffer == 100).all()


@pytest.mark.parametrize("layout", ["nv12", "rgb"])
def test_an_overlay_equals_drawing_in_place(layout: Layout) -> None:
    """What a device gets through an overlay is what the CPU draws, to one step of rounding."""
    pen = Pen(SIZE, layout, SPEC)
    direct, lifted = picture(layout), torch.from_numpy(picture(layout))
    overlay = pen.overlay()

    draw_everything(pen, pen.canvas(direct))
    draw_everything(pen, overlay)
    overlay.lift_onto(lifted, layout)

    assert (direct != 100).any()
    assert np.abs(direct.astype(int) - lifted.numpy()).max() <= 2
    blank = pen.overlay()
    for used, fresh in zip(overlay.planes, blank.planes, strict=True):
        assert (used.samples == fresh.samples).all()


def test_a_label_is_readable_on_white_and_on_black() -> None:
    """Letters are at least 150 steps of luma brighter than their plate, on any ground."""
    for ground in (16, 235):
        buffer = picture("nv12", ground)
        pen = Pen(SIZE, "nv12", SPEC)
        pen.label(pen.canvas(buffer), "0123456789", (80.0, 60.0), RED)
        rows, columns = np.nonzero(buffer[:120] != ground)
        plate = buffer[rows.min() : rows.max() + 1, columns.min() + 4 : columns.max() + 1]

        assert int(plate.max()) - int(np.median(plate)) >= 150


def test_a_label_stays_in_the_picture() -> None:
    """A label at the rim, or with no room above its box, is moved inside."""
    pen = Pen(SIZE, "nv12", SPEC)
    drawn = []
    for left, top in ((-9.0, -9.0), (155.0, 0.0), (80.0, 2.0)):
        buffer = picture("nv12")
        box = np.array([left, top, left + 20, top + 60], np.float32)
        pen.box_label(pen.canvas(buffer), "12", box, RED)
        drawn.append((buffer[:120] != 100).sum())

    assert drawn[0] == drawn[1] == drawn[2] > 0


def test_a_stroke_covers_its_area() -> None:
    """The shares of a line add up to length x thickness and its round ends, at both scales."""
    points = np.array([[20.0, 20.0], [90.0, 71.0]])

    stroke = rasterise(along(points), thickness_px=4, size_hw=SIZE)

    want = 4 * np.hypot(70, 51) + np.pi * 4
    assert stroke.samples[0][2].sum() / 256 == pytest.approx(want, rel=0.02)
    assert 4 * stroke.samples[1][2].sum() / 256 == pytest.approx(want, rel=0.02)


def test_a_stroke_outside_is_empty() -> None:
    """A line beside the picture covers nothing, and can be drawn."""
    stroke = rasterise(along(np.array([[-90.0, 5], [-40, 5]])), thickness_px=4, size_hw=SIZE)
    buffer = picture("nv12")

    Canvas.over(buffer, "nv12", SPEC).stroke(stroke, RED)

    assert (buffer == 100).all()


def test_the_arrow_points_to_in() -> None:
    """From a line drawn from left to right the arrow points down: that is where *in* is."""
    buffer = picture("nv12")
    pen = Pen(SIZE, "nv12", SPEC)

    pen.line(pen.canvas(buffer), Line((20, 60), (140, 60)), (255, 255, 255))

    rows = np.nonzero((buffer[:120] != 100).any(axis=1))[0]
    assert rows.min() >= 57
    assert rows.max() >= 68
