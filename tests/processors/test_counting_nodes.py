"""Zones, heat maps and speeds as nodes."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.clips import write_clip
from tests.walkers import frame
from videoflow.core import PerStreamProcessorNode
from videoflow.data import Detections, HeatMap, Polygon, Speeds, Tracks, ZoneCounts
from videoflow.errors import ConfigError, GraphError
from videoflow.processors import (
    HeatMapAggregator,
    IdentityProcessor,
    LineCounter,
    ObjectDetector,
    SortTracker,
    SpeedEstimator,
    ZoneCounter,
)
from videoflow.producers import VideoReader

SIZE = (120, 160)
IMAGE = [[10, 110], [150, 110], [120, 20], [40, 20]]
FLOOR = [[0, 0], [4, 0], [4, 10], [0, 10]]
ZONE = [20, 20, 100, 20, 100, 100, 20, 100]


def tracks(index: int, x: float = 50, y: float = 50) -> Tracks:
    return frame(index, {7: (x, y)}, size_hw=SIZE)


def run(node: PerStreamProcessorNode[Any], *inputs: Tracks | None) -> list[Any]:
    """Return what comes out for each input, and then at the end of the stream."""
    state = node.make_state("cam")
    return [*(node.process(state, each) for each in inputs), *node.flush(state)]


def test_each_stream_is_counted_by_itself() -> None:
    """Two streams at one node have visits, and ids, of their own."""
    node = ZoneCounter(ZONE)
    one, other = node.make_state("one"), node.make_state("other")

    for index in range(2):
        first = node.process(one, tracks(index))
        second = node.process(other, tracks(index, x=150))

    assert first is not None
    assert second is not None
    assert (first.totals["zone"].occupancy, second.totals["zone"].occupancy) == (1, 0)


def test_open_visits_come_out_at_the_end() -> None:
    """After the last frame one more message tells who is inside; None passes through."""
    first, nothing, second, last = run(ZoneCounter(ZONE), tracks(0), None, tracks(9))

    assert nothing is None
    assert [type(each) for each in (first, second, last)] == [ZoneCounts] * 3
    assert [(e.kind, round(e.visit.dwell_seconds, 3)) for e in last.events] == [("open", 0.9)]
    assert run(ZoneCounter(ZONE)) == []


def test_without_a_zone_everybody_is_in_the_picture() -> None:
    """Feet on the lower rim, where boxes are cut off, are in the picture too."""
    out = run(ZoneCounter(), tracks(0, y=120), tracks(1, y=120))

    assert [event.visit.zone for event in out[-1].events] == ["picture"]


def test_zones_have_names() -> None:
    """Zones are numbers, points or polygons, each with its name and class filter."""
    corners = ((0, 0), (9, 0), (9, 9))
    node = ZoneCounter(zones={"a": ZONE, "b": corners, "c": Polygon(corners)}, labels=[3])

    out = run(node, tracks(0), tracks(1))

    assert list(out[1].totals) == ["a", "b", "c"]
    assert out[1].zones["b"] == out[1].zones["c"]
    assert out[1].visits == ()


def test_a_zone_outside_the_picture_is_refused() -> None:
    """A zone that nobody can enter says so at the first frame, with the picture's size."""
    node = ZoneCounter(zones={"till": [500, 500, 600, 500, 600, 600]})

    with pytest.raises(ConfigError, match=r"'till'.*outside the 160 x 120 picture"):
        node.process(node.make_state("cam"), tracks(0))


@pytest.mark.parametrize(
    "node",
    [
        pytest.param(partial(LineCounter, (0, 900), (9, 900)), id="line"),
        pytest.param(partial(ZoneCounter, [500, 500, 600, 500, 600, 600]), id="zone"),
    ],
)
def test_what_lies_outside_a_file_is_refused_before_the_flow_starts(
    node: Callable[[], LineCounter | ZoneCounter], tmp_path: Path
) -> None:
    """The check asks the file for its size, through detector and tracker; a camera has none."""
    video = write_clip(tmp_path / "door.mp4", num_frames=1, size_hw=(96, 128))
    known, unknown = VideoReader([video, "rtsp://camera/1"]), VideoReader("rtsp://camera/1")

    with pytest.raises(ConfigError, match=r"stream 'door'.*outside the 128 x 96 picture"):
        node()(SortTracker()(ObjectDetector("yolox_nano")(known))).check()
    node()(SortTracker()(ObjectDetector("yolox_nano")(unknown))).check()
    node()(SortTracker()(IdentityProcessor()(known))).check()


def test_a_node_without_lines_of_its_own_asks_nobody() -> None:
    """A line across the middle fits every picture."""
    LineCounter()(SortTracker()(VideoReader("missing.mp4"))).check()
    ZoneCounter()(SortTracker()(VideoReader("missing.mp4"))).check()


def test_lines_are_four_numbers() -> None:
    """Several lines with names, each four numbers, as one writes them in a config."""
    node = LineCounter(lines={"door": (0, 60, 160, 60), "gate": [80, 0, 80, 120]})

    out = run(node, *[tracks(i, y=y) for i, y in enumerate((40, 40, 80, 80))])

    assert [(t.into, t.out_of) for t in out[-1].totals.values()] == [(1, 0), (0, 0)]
    assert list(out[-1].lines) == ["door", "gate"]


def test_a_heat_map_comes_out_now_and_then() -> None:
    """At the first frame, each half second, and at the end; each is a copy."""
    node = HeatMapAggregator(cell_px=10, every_seconds=0.5)

    out = run(node, *[tracks(i) for i in range(13)], None)

    assert [i for i, each in enumerate(out) if each is not None] == [0, 5, 10, 14]
    assert [type(each) for each in (out[0], out[-1])] == [HeatMap] * 2
    assert [float(out[i].seconds[5, 5]) for i in (0, 5, 10, 14)] == pytest.approx(
        [0, 0.5, 1, 1.2]
    )
    assert run(node) == []
    assert None not in run(HeatMapAggregator(every_seconds=0), *[tracks(i) for i in range(3)])


def test_speeds_come_with_their_floor() -> None:
    """Each frame has a row for each track, and the map from the picture to the floor."""
    node = SpeedEstimator(IMAGE, FLOOR, window_seconds=0.4)

    out = run(node, *[tracks(i, x=40.0 + 2 * i, y=110) for i in range(8)], None)

    assert out[-1] is None
    assert isinstance(out[7], Speeds)
    # 140 px at the near edge are 4 m; 2 px a frame, ten frames a second.
    assert float(out[7].speeds_mps[0]) == pytest.approx(20 * 4 / 140, rel=1e-3)
    assert math.isnan(out[0].speeds_mps[0])
    assert out[7].homography.to_image(out[7].positions_m) == pytest.approx(
        out[7].feet_xy, abs=1e-3
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: run(ZoneCounter(ZONE), tracks(0), tracks(1))[-1],
        lambda: run(HeatMapAggregator(), tracks(0))[-1],
        lambda: run(SpeedEstimator(IMAGE, FLOOR), tracks(0))[0],
    ],
    ids=["zones", "heat", "speeds"],
)
def test_what_comes_out_can_travel(make: Any) -> None:
    """It is small, and is the same on the other side."""
    value = make()

    data = pickle.dumps(value)

    assert len(data) < 5000
    assert pickle.loads(data).stamp == value.stamp


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        pytest.param(ZoneCounter, {"corners": [1, 2, 3, 4]}, id="two corners"),
        pytest.param(ZoneCounter, {"corners": [1, 2, 3]}, id="three numbers"),
        pytest.param(ZoneCounter, {"corners": [0, 0, 9, 9, 9, 0, 0, 9]}, id="crossing edges"),
        pytest.param(ZoneCounter, {"corners": ZONE, "zones": {"a": ZONE}}, id="two ways"),
        pytest.param(ZoneCounter, {"zones": {}}, id="no zone"),
        pytest.param(ZoneCounter, {"min_frames": 0}, id="no frames"),
        pytest.param(ZoneCounter, {"margin": math.nan}, id="no margin"),
        pytest.param(HeatMapAggregator, {"cell_px": 0}, id="no cell"),
        pytest.param(HeatMapAggregator, {"every_seconds": -1}, id="negative interval"),
        pytest.param(HeatMapAggregator, {"half_life_seconds": -1}, id="negative half-life"),
        pytest.param(
            SpeedEstimator, {"image_xy": IMAGE[:3], "floor_xy_m": FLOOR[:3]}, id="three points"
        ),
        pytest.param(
            SpeedEstimator,
            {"image_xy": IMAGE, "floor_xy_m": FLOOR, "window_seconds": 0},
            id="no window",
        ),
    ],
)
def test_senseless_options_are_refused(kind: Any, options: dict[str, object]) -> None:
    """What can be known to be wrong is refused where it is written, with the node's name."""
    with pytest.raises(GraphError, match=r"counter|aggregator|estimator"):
        kind(**options)


def test_arrays_are_points_too() -> None:
    """Who has points as an array need not turn them into lists."""
    node = ZoneCounter(np.array(ZONE).reshape(-1, 2))  # type: ignore[arg-type]

    assert node.zones is not None
    assert node.zones["zone"] == Polygon.of(ZONE)


NODES = [
    pytest.param(LineCounter, id="lines"),
    pytest.param(ZoneCounter, id="zones"),
    pytest.param(HeatMapAggregator, id="heat"),
    pytest.param(partial(SpeedEstimator, IMAGE, FLOOR), id="speeds"),
]


@pytest.mark.parametrize("make", NODES)
def test_detections_are_no_tracks(make: Callable[..., PerStreamProcessorNode[Any]]) -> None:
    """Who forgot the tracker is told so."""
    node = make()
    detections = Detections.empty(tracks(0).stamp)

    with pytest.raises(
        GraphError, match=r"input 0: got Detections, want Tracks or None\n  help"
    ):
        node.process(node.make_state("cam"), detections)


@pytest.mark.parametrize("make", NODES)
@pytest.mark.parametrize(
    "labels", [["person"], "person", 0, [0.5]], ids=["names", "name", "number", "half"]
)
def test_labels_are_indices(
    make: Callable[..., PerStreamProcessorNode[Any]], labels: Any
) -> None:
    """A counter does not know the names of the classes, and says who does."""
    with pytest.raises(GraphError, match=r"labels=.*want class indices.*\n  help: .*Detector"):
        make(labels=labels)
    make(labels={np.int64(3), 1})


@pytest.mark.parametrize("cell_px", [0, 16.5], ids=["nothing", "half a pixel"])
def test_a_cell_has_a_whole_side(cell_px: Any) -> None:
    """A side that is no count of pixels is refused when the node is made."""
    with pytest.raises(GraphError, match="cell_px"):
        HeatMapAggregator(cell_px=cell_px)
