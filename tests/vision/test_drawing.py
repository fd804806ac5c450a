from __future__ import annotations

import numpy as np
import pytest
import torch

from videoflow.data import ColorSpec, Layout, Line, Polygon
from videoflow.data.color import nv12_to_rgb, rgb_to_nv12
from videoflow.vision.canvas import Canvas
from videoflow.vision.drawing import Pen
from videoflow.vision.inks import rgb_to_ycbcr
from videoflow.vision.palette import HEAT, track_rgb
from videoflow.vision.places import Places

SIZE = (120, 160)
RED = (255, 0, 0)
SPEC = ColorSpec()


def picture(layout: Layout, value: int = 100) -> np.ndarray:
    height, width = SIZE
    shape = (height * 3 // 2, width) if layout == "nv12" else (3, height, width)
    return np.full(shape, value, np.uint8)


def draw_everything(pen: Pen, canvas: Canvas) -> None:
    cells = np.arange(8 * 10, dtype=np.uint8).reshape(8, 10)
    pen.wash(canvas, cells, HEAT, np.linspace(0, 0.9, 256).tolist(), cell_px=16)
    pen.polygon(canvas, Polygon(((5, 5), (90, 20), (61, 111))), track_rgb(3), opacity=0.3)
    pen.mask(canvas, np.eye(31, dtype=np.bool_), (101, 33), track_rgb(4), opacity=0.6)
    pen.dots(canvas, np.array([[0.0, 0], [77, 50], [159, 119]]), RED)
    pen.table(canvas, [(RED, ("a", "1")), (RED, ("bcd", "22"))])
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


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("layout", ["nv12", "rgb"])
def test_an_overlay_equals_drawing_in_place(layout: Layout, device: str) -> None:
    """What a device gets through an overlay is what the CPU draws, to two steps of rounding."""
    pen = Pen(SIZE, layout, SPEC)
    direct, lifted = picture(layout), torch.from_numpy(picture(layout)).to(device)
    overlay = pen.overlay()

    draw_everything(pen, pen.canvas(direct))
    draw_everything(pen, overlay)
    overlay.lift_onto(lifted, layout)

    assert (direct != 100).any()
    assert np.abs(direct.astype(int) - lifted.cpu().numpy()).max() <= 2
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


def test_the_arrow_points_to_in() -> None:
    """From a line drawn from left to right the arrow points down: that is where *in* is."""
    buffer = picture("nv12")
    pen = Pen(SIZE, "nv12", SPEC)

    pen.line(pen.canvas(buffer), Line((20, 60), (140, 60)), (255, 255, 255))

    rows = np.nonzero((buffer[:120] != 100).any(axis=1))[0]
    assert rows.min() >= 57
    assert rows.max() >= 68


def test_labels_keep_clear_of_each_other() -> None:
    """Of six labels at one box, each has a place at another side of it."""
    pen = Pen((240, 320), "nv12", SPEC)
    box = np.array([100, 100, 200, 200], np.float32)
    places = Places(pen.size_hw)
    buffers = [np.full((360, 320), 100, np.uint8) for _ in range(6)]

    for buffer in buffers:
        pen.box_label(pen.canvas(buffer), "person 7", box, RED, places=places)

    drawn = [(buffer[:240] != 100).astype(int) for buffer in buffers]
    assert all(one.sum() > 100 for one in drawn)
    assert np.sum(drawn, axis=0).max() == 1


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (16, 16)])
def test_a_tiny_picture(size: tuple[int, int]) -> None:
    """Labels larger than the picture are cut off, on its pixels only."""
    buffer = np.full((3, *size), 100, np.uint8)
    pen = Pen(size, "rgb", SPEC)

    draw_everything(pen, pen.canvas(buffer))

    assert buffer.shape == (3, *size)
    assert (buffer != 100).any()


def test_letters_grow_with_the_picture() -> None:
    """A label has the same share of a picture of 4K as of one of 1080 lines."""
    heights = []
    for size in ((1080, 1920), (2160, 3840)):
        buffer = np.full((3, *size), 100, np.uint8)
        pen = Pen(size, "rgb", SPEC)
        pen.label(pen.canvas(buffer), "12", (size[1] / 2, size[0] / 2), RED)
        heights.append(int((buffer[0] != 100).any(axis=1).sum()))

    assert heights[1] == pytest.approx(2 * heights[0], rel=0.1)


@pytest.mark.parametrize("draw", ["box", "mask", "polygon", "dots", "segments"])
@pytest.mark.parametrize("layout", ["nv12", "rgb"])
def test_nothing_changes_around_a_shape(draw: str, layout: Layout) -> None:
    """Beyond a shape and its line width, luma and chroma stay as they are."""
    buffer = picture(layout)
    pen = Pen(SIZE, layout, SPEC)
    canvas = pen.canvas(buffer)
    corners = np.array([[41.0, 31], [77, 31], [77, 69], [41, 69]])
    if draw == "box":
        pen.box(canvas, np.array([41, 31, 77, 69], np.float32), RED)
    elif draw == "mask":
        pen.mask(canvas, np.ones((38, 36), np.bool_), (41, 31), RED, opacity=0.5)
    elif draw == "polygon":
        points = tuple((x, y) for x, y in corners.tolist())
        pen.polygon(canvas, Polygon(points), RED, opacity=0.5)
    elif draw == "dots":
        pen.dots(canvas, corners, RED)
    else:
        pen.segments(canvas, np.stack([corners, np.roll(corners, 1, 0)], axis=1), RED)

    luma = buffer[:120] if layout == "nv12" else buffer.max(axis=0)
    chroma = buffer[120:] if layout == "nv12" else buffer[:, ::2, ::2].min(axis=0)
    for plane, scale in ((luma, 1), (chroma.reshape(60, 80, -1).max(axis=2), 2)):
        is_changed = plane != 100
        is_changed[26 // scale : 74 // scale, 36 // scale : 82 // scale] = False
        assert not is_changed.any()
    assert (buffer != 100).any()


def test_nv12_and_rgb_agree() -> None:
    """A picture drawn on as NV12 looks like one drawn on as RGB, but for halved chroma."""
    pictures = {}
    layouts: tuple[Layout, ...] = ("nv12", "rgb")
    for layout in layouts:
        buffer = picture("rgb", 0)
        if layout == "nv12":
            buffer = rgb_to_nv12(torch.from_numpy(buffer)[None], SPEC)[0].numpy()
        pen = Pen(SIZE, layout, SPEC)
        draw_everything(pen, pen.canvas(buffer))
        if layout == "nv12":
            buffer = nv12_to_rgb(torch.from_numpy(buffer)[None], SPEC)[0].numpy()
        pictures[layout] = buffer.astype(int)

    apart = np.abs(pictures["nv12"] - pictures["rgb"])

    assert np.median(apart) <= 2
    assert apart.mean() < 8
