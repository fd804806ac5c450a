"""What a flow says is drawn, whatever it is."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from videoflow.app.arguments import arguments_of, convert
from videoflow.data import (
    Counts,
    Detections,
    Frame,
    HeatMap,
    Homography,
    Layout,
    Line,
    LineTotals,
    Masks,
    Polygon,
    Segmentation,
    Speeds,
    Stamp,
    Tracks,
    Visit,
    ZoneCounts,
    ZoneEvent,
    ZoneTotals,
)
from videoflow.errors import ConfigError, GraphError
from videoflow.processors.people_annotator import PeopleAnnotator
from videoflow.processors.scene_annotator import SceneAnnotator, ScenePainter
from videoflow.vision.layers import DEFAULT_LAYERS, LAYERS, Depth
from videoflow.vision.palette import track_rgb
from videoflow.vision.style import Style

SIZE = (240, 320)


def stamp(index: int = 0, size: tuple[int, int] = SIZE) -> Stamp:
    return Stamp("cam", index, index / 10, size)


def frame(index: int = 0, layout: Layout = "nv12", size: tuple[int, int] = SIZE) -> Frame:
    height, width = size
    shape = (height * 3 // 2, width) if layout == "nv12" else (3, height, width)
    return Frame(torch.full(shape, 100, dtype=torch.uint8), stamp(index, size), layout)


def boxes(num: int = 2) -> np.ndarray:
    left = 40.0 + 90 * np.arange(num)
    top = np.full(num, 90.0)
    return np.stack([left, top, left + 40, top + 100], axis=1).astype(np.float32)


def body() -> np.ndarray:
    points = np.random.default_rng(3).uniform(0.1, 0.9, (17, 2)) * (40, 100) + (40, 90)
    return np.concatenate([points, np.ones((17, 1))], axis=1).astype(np.float32)


def tracks(index: int = 0, **extras: Any) -> Tracks:
    return Tracks(
        stamp(index),
        np.array([3, 4]),
        boxes(),
        np.full(2, 0.5, np.float32),
        np.array([0, 1]),
        **extras,
    )


def detections() -> Detections:
    return Detections(stamp(), boxes(), np.full(2, 0.5, np.float32), np.array([0, 1]))


def masks() -> Masks:
    crop = np.ones((60, 20), np.bool_)
    return Masks(SIZE, np.array([[51, 101], [141, 101]], np.int32), (crop, crop))


def counts(index: int = 0, *, name: str = "door", y: float = 60.0) -> Counts:
    line = {name: Line((10, y), (310, y))}
    return Counts(stamp(index), (), {name: LineTotals(1, 2)}, {}, line)


def zone_counts(*, has_event: bool = False) -> ZoneCounts:
    zone = Polygon(((30, 130), (290, 130), (290, 220), (30, 220)))
    visit, totals = Visit("hall", 3, 0, 65.0), ZoneTotals(1, 1, 0)
    event = ZoneEvent(stamp(), "entered", visit, totals)
    return ZoneCounts(
        stamp(), (event,) * has_event, (visit,), {"hall": totals}, {}, {"hall": zone}
    )


def heat() -> HeatMap:
    seconds = np.zeros((15, 20), np.float32)
    seconds[3, 4] = 9
    return HeatMap(stamp(), seconds, 16)


def speeds() -> Speeds:
    unit = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    zeros = np.zeros((2, 2), np.float32)
    velocities = np.array([[3, 4], [np.nan, np.nan]], np.float32)
    floor = Homography.from_points(unit, unit)
    return Speeds(stamp(), np.array([3, 4]), zeros, zeros, velocities, floor)


def segmentation() -> Segmentation:
    classes = np.zeros(SIZE, np.uint8)
    classes[100:150, 33:77] = 5
    return Segmentation(stamp(), classes)


def everything() -> list[Any]:
    keypoints = np.stack([body(), body()])
    return [
        tracks(masks=masks(), keypoints=keypoints),
        counts(),
        zone_counts(has_event=True),
        heat(),
        speeds(),
        segmentation(),
    ]


def drawn(node: SceneAnnotator, *words: Any, on: Frame | None = None) -> np.ndarray:
    picture = node.process(node.make_state("cam"), on or frame(), *words)
    return picture.pixels.numpy().astype(int)


@pytest.mark.parametrize(
    ("layer", "word"),
    [
        pytest.param("boxes", tracks(), id="tracks"),
        pytest.param("boxes", detections(), id="detections"),
        pytest.param("labels", tracks(), id="labels"),
        pytest.param("masks", tracks(masks=masks()), id="masks"),
        pytest.param("keypoints", tracks(keypoints=np.stack([body()] * 2)), id="keypoints"),
        pytest.param("lines", counts(), id="lines"),
        pytest.param("totals", counts(), id="line totals"),
        pytest.param("totals", zone_counts(), id="zone totals"),
        pytest.param("table", counts(), id="table of lines"),
        pytest.param("table", zone_counts(), id="table of zones"),
        pytest.param("zones", zone_counts(), id="zones"),
        pytest.param("heat", heat(), id="heat"),
        pytest.param("segmentation", segmentation(), id="segmentation"),
    ],
)
def test_each_kind_is_drawn_by_its_layer(layer: str, word: Any) -> None:
    """A layer draws its kind of input, and is silent about it when it is off."""
    others = [name for name in LAYERS if name != layer]

    alone = drawn(SceneAnnotator(layers=[layer]), word)
    everybody = drawn(SceneAnnotator(layers=list(LAYERS)), word)
    without = drawn(SceneAnnotator(layers=others), word)

    assert (alone != 100).any()
    assert (everybody != without).any()
    assert (drawn(SceneAnnotator(layers=[layer])) == 100).all()


def test_inputs_come_in_any_order() -> None:
    """The order of the inputs does not matter, but for two of one kind."""
    node = SceneAnnotator(style=Style(trail_seconds=1.0), layers=list(LAYERS))

    assert (drawn(node, *everything()) == drawn(node, *everything()[::-1])).all()


def test_two_inputs_of_one_kind() -> None:
    """Two counters are both drawn, and each keeps its own last word."""
    node = SceneAnnotator(layers=["lines"])
    state = node.make_state("cam")

    upper = drawn(node, counts(), None) != 100
    lower = drawn(node, None, counts(name="gate", y=180)) != 100
    node.process(state, frame(), counts(), None)
    both = node.process(state, frame(1), None, counts(1, name="gate", y=180))

    assert ((both.pixels.numpy() != 100) == (upper | lower)).all()


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize(
    ("layout", "size"),
    [("nv12", SIZE), ("rgb", SIZE), ("rgb", (91, 121)), ("nv12", (16, 16)), ("rgb", (5, 7))],
)
def test_an_overlay_draws_the_same(layout: Layout, size: tuple[int, int], device: str) -> None:
    """What a device gets is what the CPU draws, within two levels, frame after frame."""
    node = SceneAnnotator(style=Style(trail_seconds=1.0), layers=list(LAYERS))
    words = [w for w in everything() if size == SIZE or isinstance(w, Counts | ZoneCounts)]
    in_place, by_overlay = node.make_state("cam"), node.make_state("cam")
    for index in range(3):
        source = frame(index, layout, size)
        direct, lifted = source.pixels.clone(), source.pixels.clone().to(device)
        in_place.hear(source, words)
        by_overlay.hear(source, words)

        in_place.paint_in_place(direct)
        by_overlay.paint_by_overlay(lifted)

        assert (direct != 100).any()
        assert int((direct.int() - lifted.cpu().int()).abs().max()) <= 2


@pytest.mark.gpu
def test_a_frame_on_a_device_stays_there() -> None:
    """The picture of a CUDA frame is on its device, and equals that of the same CPU frame."""
    node = SceneAnnotator()
    on_cpu = drawn(node, *everything())
    target = frame().pixels.cuda()
    painter: ScenePainter = node.make_state("cam")

    painter.hear(frame(), everything())
    painter.paint_by_overlay(target)

    assert target.device.type == "cuda"
    assert np.abs(target.cpu().numpy().astype(int) - on_cpu).max() <= 2


@pytest.mark.parametrize("num", [0, 1, 3000])
def test_any_number_of_boxes(num: int) -> None:
    """No box, one, or thousands that are anywhere: all are drawn or left out, none breaks."""
    generator = np.random.default_rng(5)
    xyxy = generator.normal(150, 400, (num, 4)).astype(np.float32)
    found = Detections(
        stamp(), xyxy, np.ones(num, np.float32), generator.integers(-3, 300, num)
    )

    picture = drawn(SceneAnnotator(labels=["person"]), found)

    height, width = SIZE
    left, top, right, bottom = np.clip(xyxy, 0, [width, height, width, height]).T
    has_any = bool(((left < right) & (top < bottom)).any())
    assert (picture != 100).any() == has_any
    assert has_any == (num > 0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 40.0, -9.0])
def test_boxes_that_are_nowhere(value: float) -> None:
    """A box that is not finite, empty or outside is left out with all that belongs to it."""
    xyxy = boxes()
    xyxy[:, 2] = value  # of its right edge
    lost = Tracks(
        stamp(),
        np.array([3, 4]),
        xyxy,
        np.ones(2, np.float32),
        np.zeros(2, np.int64),
        masks=masks(),
        keypoints=np.stack([body()] * 2),
    )

    picture = drawn(SceneAnnotator(style=Style(trail_seconds=1.0)), lost)

    assert (picture == 100).all()


def test_keypoints_below_the_threshold() -> None:
    """A joint that is not sure, or not a number, is not drawn, and no bone ends in it."""
    unsure = np.stack([body(), body()])
    unsure[0, :, 2] = 0.29
    unsure[1, :, 0] = np.nan
    node = SceneAnnotator(layers=["keypoints"])

    picture = drawn(node, tracks(keypoints=unsure))

    assert (picture == 100).all()


@pytest.mark.parametrize(
    ("num", "skeleton", "has_bone"),
    [
        pytest.param(17, None, True, id="COCO"),
        pytest.param(5, None, False, id="another body"),
        pytest.param(5, ((0, 1),), True, id="bones of its own"),
        pytest.param(1, ((0, 1),), False, id="beyond the joints"),
    ],
)
def test_bones(num: int, skeleton: Any, has_bone: bool) -> None:
    """COCO's bones join 17 joints; others have those that they are given."""
    points = np.zeros((2, num, 3), np.float32)
    points[:, 0] = (60.5, 100.5, 1)
    points[:, 1:2] = (60.5, 180.5, 1)
    node = SceneAnnotator(layers=["keypoints"], style=Style(skeleton=skeleton))

    picture = drawn(node, tracks(keypoints=points), on=frame(layout="rgb"))

    assert tuple(picture[:, 140, 60]) == (track_rgb(4) if has_bone else (100, 100, 100))
    assert tuple(picture[:, 100, 60]) == (255, 255, 255)


def test_colours_by_id_and_by_class() -> None:
    """A box has the colour of its id, or of its class where that is wished."""
    by_id = drawn(SceneAnnotator(layers=["boxes"]), tracks(), on=frame(layout="rgb"))
    by_class = drawn(
        SceneAnnotator(layers=["boxes"], style=Style(color_by="class")),
        tracks(),
        on=frame(layout="rgb"),
    )

    assert tuple(by_id[:, 140, 40]) == track_rgb(3)
    assert tuple(by_class[:, 140, 40]) == track_rgb(0)
    assert len({track_rgb(number) for number in range(12)}) == 12


def test_masks_have_their_opacity() -> None:
    """A pixel of a mask is mixed from the picture and the colour of its object."""
    node = SceneAnnotator(layers=["masks"], style=Style(mask_opacity=0.5))

    picture = drawn(node, tracks(masks=masks()), on=frame(layout="rgb"))

    want = [(100 + level) / 2 for level in track_rgb(3)]
    assert picture[:, 130, 60].tolist() == pytest.approx(want, abs=1)
    assert (picture[:, 130, 50] == 100).all()
    assert (picture[:, 130, 71] == 100).all()


def test_trails_fade() -> None:
    """A trail is fainter where it is older, and gone after its seconds."""
    node = SceneAnnotator(layers=["trails"], style=Style(trail_seconds=1.0))
    state = node.make_state("cam")
    for index in range(9):
        xyxy = boxes(1) + np.array([20 * index, 0, 20 * index, 0], np.float32)
        one = np.ones(1, np.float32)
        people = Tracks(stamp(index), np.array([3]), xyxy, one, np.zeros(1, np.int64))
        picture = node.process(state, frame(index, "rgb"), people).pixels.numpy().astype(int)

    far = [np.abs(picture[:, 190, x] - 100).sum() for x in (75, 135, 215)]

    assert 0 < far[0] < far[1] < far[2]
    later = node.process(state, frame(30, "rgb"), None)
    assert (later.pixels == 100).all()


def test_a_zone_flashes() -> None:
    """The rim of a zone is bold for 0.4 s after somebody came or went."""
    node = SceneAnnotator(layers=["zones"], style=Style(zone_opacity=0.0))
    state = node.make_state("cam")
    sizes = []
    for index, has_event in enumerate([False, True, False, False, False, False]):
        picture = node.process(state, frame(index), zone_counts(has_event=has_event))
        sizes.append(int((picture.pixels.int() - 100).abs().sum()))

    assert sizes[0] == sizes[5]
    assert sizes[1] == sizes[4] > sizes[0]


def test_what_is_not_known_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A label has the name, the id, the speed and the time in a zone, as far as known."""
    from videoflow.vision.drawing import Pen

    said: list[str] = []
    monkeypatch.setattr(
        Pen, "box_label", lambda _self, _canvas, text, *_, **__: said.append(text)
    )
    style = Style(speed_unit="km/h")

    drawn(SceneAnnotator(labels=["person"], style=style), tracks(), speeds(), zone_counts())
    drawn(PeopleAnnotator(), tracks())
    drawn(SceneAnnotator(), detections())
    drawn(SceneAnnotator(style=Style(track_label=())), tracks())

    assert said == ["person  3  18.0 km/h  1:05", "1  4", "3", "4", "0.50", "0.50"]


class FootLayer:
    """A layer as a user writes it."""

    name: ClassVar[str] = "feet"
    kinds: ClassVar[tuple[type, ...]] = (str, Tracks)
    depth: ClassVar[Depth] = Depth.SHAPE

    def draw(self, scene: Any, pen: Any, canvas: Any) -> None:
        for objects in scene.objects:
            feet = objects.of.boxes_xyxy[:, [0, 3]].astype(np.float64)
            pen.dots(canvas, feet, (255, 255, 255))


def test_a_layer_of_ones_own() -> None:
    """A user's layer is drawn beside the others, and its kinds are taken."""
    node = SceneAnnotator(layers=[*DEFAULT_LAYERS, FootLayer])

    with_feet = drawn(node, tracks(), "a word")
    without = drawn(SceneAnnotator(), tracks())

    assert (with_feet != without).any()


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        pytest.param((tracks(),), "input 0: got Tracks, want Frame", id="no frame"),
        pytest.param((frame(), 7), "input 1: got int, want None or one of Counts", id="int"),
    ],
)
def test_what_nobody_draws_is_refused(inputs: tuple[Any, ...], told: str) -> None:
    """An input that no layer knows is an error that lists what there is."""
    node = SceneAnnotator()

    with pytest.raises(GraphError, match=told):
        node.process(node.make_state("cam"), *inputs)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"layers": ["box"]}, id="no such layer"),
        pytest.param({"layers": [int]}, id="no layer"),
        pytest.param({"no_such": 1}, id="no such option"),
    ],
)
def test_senseless_options(options: dict[str, Any]) -> None:
    """What can be known to be wrong is refused where it is written."""
    with pytest.raises(GraphError):
        SceneAnnotator(**options)


@pytest.mark.parametrize(
    "field",
    [
        {"mask_opacity": 1.5},
        {"zone_opacity": float("nan")},
        {"trail_seconds": -1.0},
        {"flash_seconds": -0.1},
        {"scale": 0.0},
    ],
)
def test_senseless_styles(field: dict[str, float]) -> None:
    """A style out of range says which field it is."""
    with pytest.raises(GraphError, match=next(iter(field))):
        Style(**field)  # type: ignore[arg-type]


def test_a_style_in_a_config() -> None:
    """A config may say fields of the style; one that there is not is refused."""
    wants = arguments_of(PeopleAnnotator)

    style = convert({"trail_seconds": 2, "skeleton": [[0, 1]]}, wants["style"])

    assert style == Style(trail_seconds=2.0, skeleton=((0, 1),))
    assert PeopleAnnotator(style=style, trail_seconds=3.0).style.trail_seconds == 3.0
    with pytest.raises(ConfigError, match="trails"):
        convert({"trails": 2}, wants["style"])


def test_people_have_trails_of_no_negative_length() -> None:
    """The shortcut is checked as the style is."""
    with pytest.raises(GraphError, match="trail_seconds=-1"):
        PeopleAnnotator(trail_seconds=-1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"labels": "person"}, "labels='person'", id="one name"),
        pytest.param({"labels": [3]}, r"labels=\[3\]", id="number"),
        pytest.param({"style": {"scale": 2}}, "want a Style", id="style as a dict"),
    ],
)
def test_labels_are_names_and_a_style_is_a_style(
    arguments: dict[str, Any], message: str
) -> None:
    """What only looks like it is refused when the node is made."""
    with pytest.raises(GraphError, match=message):
        SceneAnnotator(**arguments)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"color_by": "ids"}, id="color_by"),
        pytest.param({"speed_unit": "kmh"}, id="speed_unit"),
        pytest.param({"track_label": ("id", "scor")}, id="track_label"),
        pytest.param({"track_label": "id"}, id="text for a tuple"),
        pytest.param({"detection_label": ("name",)}, id="detection_label"),
    ],
)
def test_a_style_has_words_that_there_are(fields: dict[str, Any]) -> None:
    """A misspelt word is refused with those that there are, not passed over."""
    with pytest.raises(GraphError, match=f"Style: got {next(iter(fields))}=.*want of .*, "):
        Style(**fields)
