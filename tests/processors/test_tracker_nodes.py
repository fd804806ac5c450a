"""What all nodes that follow objects have in common."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from videoflow.data import CameraMotion, Detections, Stamp, Tracks
from videoflow.errors import GraphError
from videoflow.processors import (
    BotSortTracker,
    ByteTracker,
    MotionTracker,
    OcSortTracker,
    SortTracker,
)
from videoflow.processors.tracker_node import TrackerNode
from videoflow.vision import trackers

KINDS = [SortTracker, ByteTracker, OcSortTracker, BotSortTracker, MotionTracker]
every_kind = pytest.mark.parametrize("kind", [pytest.param(k, id=k.__name__) for k in KINDS])

STILL = np.array([[1.0, 0, 0], [0, 1, 0]])


def stamp(index: int) -> Stamp:
    return Stamp("cam", index, index / 10, (480, 640))


def found(index: int, *lefts: float) -> Detections:
    boxes = np.array([[x, 100, x + 40, 200] for x in lefts], np.float32).reshape(-1, 4)
    ones = np.ones(len(lefts), np.float32)
    return Detections(stamp(index), boxes, ones, np.zeros(len(lefts), np.int64))


@every_kind
def test_a_walker_keeps_the_id_1(kind: type[TrackerNode]) -> None:
    """One person who walks is one track, in each stream with an id of its own."""
    node = kind()  # type: ignore[call-arg] # its own constructor has defaults for all
    for stream in "ab":
        state = node.make_state(stream)

        out = [node.process(state, found(i, 10 + 3.0 * i)) for i in range(10)]

        assert out[-1] is not None
        assert out[-1].ids.tolist() == [1]


@every_kind
def test_the_defaults_are_those_of_the_algorithm(kind: type[TrackerNode]) -> None:
    """A node without arguments does what the algorithm without arguments does."""
    algorithm = getattr(trackers, kind.algorithm)
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(algorithm).parameters.items()
    }

    assert kind().settings == defaults  # type: ignore[call-arg] # as above


@every_kind
def test_a_frame_nobody_looked_at(kind: type[TrackerNode]) -> None:
    """None alone gives None; with a value beside it the predicted tracks come out."""
    node = kind()  # type: ignore[call-arg] # as above
    state = node.make_state("cam")
    for i in range(8):
        node.process(state, found(i, 10 + 3.0 * i))

    assert node.process(state, None) is None
    assert node.process(state, None, None) is None
    coasted = node.process(state, None, CameraMotion(stamp(8), STILL))

    assert coasted is not None
    assert (coasted.ids.tolist(), coasted.stamp) == ([1], stamp(8))


class FakeTracker:
    """Tells which warp it got."""

    def __init__(self) -> None:
        self.warps: list[Any] = []

    def update(self, detections: Detections, *, warp: Any = None) -> Tracks:
        self.warps.append(warp)
        return Tracks.empty(detections.stamp)

    def coast(self, stamp: Stamp, *, warp: Any = None) -> Tracks:
        self.warps.append(warp)
        return Tracks.empty(stamp)


@every_kind
def test_the_camera_s_motion_reaches_the_tracker(kind: type[TrackerNode]) -> None:
    """The warp is found among the values beside the detections, whatever their order."""
    node, state = kind(), FakeTracker()  # type: ignore[call-arg] # as above
    motion = CameraMotion(stamp(0), STILL)

    node.process(state, found(0), motion)  # type: ignore[arg-type] # a fake
    node.process(state, found(0), found(0), motion)  # type: ignore[arg-type] # a fake
    node.process(state, None, motion)  # type: ignore[arg-type] # a fake
    node.process(state, found(0), None)  # type: ignore[arg-type] # a fake
    node.process(state, found(0))  # type: ignore[arg-type] # a fake

    assert [warp is STILL for warp in state.warps] == [True, True, True, False, False]
    assert state.warps[3:] == [None, None]


@pytest.mark.parametrize(
    ("kind", "options", "want"),
    [
        pytest.param(SortTracker, {"min_iou": 1.5}, "0 to 1", id="share above 1"),
        pytest.param(SortTracker, {"min_hits": -1}, "an int >= 0", id="negative count"),
        pytest.param(OcSortTracker, {"momentum_frames": 1.5}, "an int", id="half a frame"),
        pytest.param(OcSortTracker, {"momentum_frames": 0}, "an int >= 1", id="no frame"),
        pytest.param(BotSortTracker, {"max_cost": float("nan")}, "0 to 1", id="nan"),
        pytest.param(MotionTracker, {"max_lost_frames": float("inf")}, "an int", id="infinite"),
    ],
)
def test_a_setting_out_of_range_is_refused(
    kind: Any, options: dict[str, float], want: str
) -> None:
    """The message names the setting and what it may be."""
    with pytest.raises(GraphError, match=f"{next(iter(options))}=.*want {want}"):
        kind(**options)


def test_a_new_track_wants_a_little_more_than_a_known_one() -> None:
    """Who says only the first threshold gets the second one 0.1 above, but no more than 1."""
    thresholds = [
        ByteTracker(track_threshold=t).settings["new_track_threshold"] for t in (0.3, 0.95)
    ]

    assert thresholds == [0.4, 1.0]


def test_frames_are_no_detections() -> None:
    """A tracker whose parents are swapped says which one goes first."""
    node = ByteTracker()
    stamp = Stamp("cam", 0, 0.0, (48, 64))

    with pytest.raises(
        GraphError, match="input 0: got Tracks, want Detections or None\n  help"
    ):
        node.process(node.make_state("cam"), Tracks.empty(stamp), Detections.empty(stamp))
