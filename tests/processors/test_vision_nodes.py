"""The nodes around tracking, counting and drawing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from videoflow.data import Counts, Crossing, Detections, Frame, Line, LineTotals, Stamp, Tracks
from videoflow.errors import ConfigError, GraphError
from videoflow.processors.byte_tracker import ByteTracker
from videoflow.processors.line_counter import LineCounter
from videoflow.processors.people_annotator import PeopleAnnotator

SIZE = (120, 160)


def stamp(index: int, stream: str = "cam") -> Stamp:
    return Stamp(stream, index, index / 10, SIZE)


def found(index: int, x: float, y: float = 20.0) -> Detections:
    box = np.array([[x, y, x + 20, y + 40]], np.float32)
    return Detections(stamp(index), box, np.ones(1, np.float32), np.zeros(1, np.int64))


def tracks(index: int, foot_y: float) -> Tracks:
    box = np.array([[70, foot_y - 40, 90, foot_y]], np.float32)
    ids, labels = np.array([7]), np.zeros(1, np.int64)
    return Tracks(stamp(index), ids, box, np.ones(1, np.float32), labels)


def frame(index: int = 0) -> Frame:
    return Frame(torch.full((180, 160), 100, dtype=torch.uint8), stamp(index))


def test_streams_have_ids_of_their_own() -> None:
    """Each stream's state begins at id 1."""
    node = ByteTracker()
    states = [node.make_state(name) for name in "ab"]

    ids = [node.process(state, found(0, 10)).ids.tolist() for state in states]  # type: ignore[union-attr]

    assert ids == [[1], [1]]


def test_a_frame_nobody_looked_at() -> None:
    """None in is None out; with a frame beside it, the predicted tracks come out."""
    node = ByteTracker()
    state = node.make_state("cam")
    for i in range(5):
        node.process(state, found(i, 10 + 3.0 * i), frame(i))

    nothing = node.process(state, None)
    coasted = node.process(state, None, frame(5))
    after = node.process(state, found(7, 31))

    assert nothing is None
    assert coasted is not None
    assert (coasted.ids.tolist(), coasted.stamp) == ([1], stamp(5))
    assert after is not None
    assert after.ids.tolist() == [1]


@pytest.mark.parametrize(
    "options",
    [
        {"track_threshold": 1.1},
        {"max_cost": float("nan")},
        {"max_lost_frames": -1},
        {"bogus": 1},
    ],
)
def test_tracker_refuses_senseless_options(options: dict[str, float]) -> None:
    """A value out of range is refused where it is written."""
    with pytest.raises(GraphError):
        ByteTracker(**options)  # type: ignore[arg-type]


def test_the_default_line_crosses_the_middle() -> None:
    """Without a line, down across half the height is in."""
    node = LineCounter()
    state = node.make_state("cam")

    counts = [node.process(state, tracks(i, y)) for i, y in enumerate((40, 45, 80, 85))]

    last = counts[-1]
    assert last is not None
    assert last.lines == {"line": Line((0, 60), (160, 60))}
    assert last.totals == {"line": LineTotals(1, 0)}
    assert node.process(state, None) is None


def test_lines_can_be_named_and_be_written_as_lists() -> None:
    """Lines come from a config file as lists, and from code as lines."""
    node = LineCounter(lines={"a": [[0, 30], [160, 30]], "b": Line((0, 90), (160, 90))})

    counts = node.process(node.make_state("cam"), tracks(0, 40))

    assert counts is not None
    assert list(counts.totals) == ["a", "b"]
    assert LineCounter((0, 1), (5, 1)).lines == {"line": Line((0.0, 1.0), (5.0, 1.0))}


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"start": (0, 0)}, id="half a line"),
        pytest.param({"start": (0, 0), "end": (0, 0)}, id="a point"),
        pytest.param({"start": (0, 0), "end": "ab"}, id="text"),
        pytest.param({"start": (0, 0), "end": (1, 1), "lines": {}}, id="two ways"),
        pytest.param({"lines": {}}, id="no line"),
        pytest.param({"lines": {"a": [1, 2, 3]}}, id="no points"),
        pytest.param({"min_frames": 0}, id="no frames"),
        pytest.param({"margin": -1}, id="negative band"),
    ],
)
def test_counter_refuses_senseless_options(options: dict[str, object]) -> None:
    """What can be known to be wrong is refused where it is written."""
    with pytest.raises(GraphError):
        LineCounter(**options)  # type: ignore[arg-type]


def test_a_line_outside_the_picture_is_refused() -> None:
    """A line that nobody can cross says so at the first frame, with the picture's size."""
    node = LineCounter((0, 360), (1280, 360))

    with pytest.raises(ConfigError, match=r"'line'.*outside the 160 x 120 picture"):
        node.process(node.make_state("cam"), tracks(0, 40))


def test_the_annotator_draws_into_a_copy() -> None:
    """The lent frame stays as it is; the answer is another picture of the same frame."""
    node = PeopleAnnotator()
    source = frame(3)

    drawn = node.process(node.make_state("cam"), source, tracks(3, 80))

    assert (source.pixels == 100).all()
    assert (drawn.stamp, drawn.layout, drawn.color) == (source.stamp, "nv12", source.color)
    assert (drawn.pixels != 100).any()


def counts(index: int, *, has_crossing: bool) -> Counts:
    totals = LineTotals(1, 0)
    event = Crossing(stamp(index), "door", 7, 0, "in", totals)
    line = {"door": Line((10, 60), (150, 60))}
    return Counts(stamp(index), (event,) * has_crossing, {"door": totals}, {}, line)


def test_a_line_flashes_at_a_crossing() -> None:
    """A line is bright for 0.4 s of the source after a crossing, and then as before."""
    node = PeopleAnnotator()
    state = node.make_state("cam")

    sums = [
        int(
            (
                node.process(state, frame(i), None, counts(i, has_crossing=i == 1)).pixels
                != 100
            ).sum()
        )
        for i in range(8)
    ]

    assert sums[0] == sums[5] == sums[7]
    assert sums[1] == sums[4] > sums[0]


def test_none_draws_the_last_word_again() -> None:
    """Where nobody looked, boxes and lines stay where they were."""
    node = PeopleAnnotator()
    state = node.make_state("cam")

    first = node.process(state, frame(0), tracks(0, 80), counts(0, has_crossing=False))
    second = node.process(state, frame(1), None, None)

    assert torch.equal(first.pixels, second.pixels)


def test_detections_are_drawn_too() -> None:
    """A flow without a tracker can be watched as well."""
    node = PeopleAnnotator()

    drawn = node.process(node.make_state("cam"), frame(), found(0, 50))

    assert (drawn.pixels != 100).any()


def test_trails_follow_and_fade() -> None:
    """A trail is the way of the last second, and goes with its track."""
    plain, trailing = PeopleAnnotator(), PeopleAnnotator(trail_seconds=1.0)
    states = [node.make_state("cam") for node in (plain, trailing)]
    more = []
    for i in range(20):
        people = tracks(i, 50 + 3.0 * i) if i < 8 else Tracks.empty(stamp(i))
        pictures = [
            node.process(state, frame(i), people).pixels
            for node, state in zip((plain, trailing), states, strict=True)
        ]
        more.append(not torch.equal(*pictures))

    assert (more[0], more[7], more[8], more[19]) == (False, True, False, False)


def test_an_rgb_frame_stays_rgb() -> None:
    """Odd sizes travel as RGB, and are drawn on as they are."""
    odd = Stamp("cam", 0, 0.0, (91, 121))
    source = Frame(torch.zeros((91, 121, 3), dtype=torch.uint8).permute(2, 0, 1), odd, "rgb")
    node = PeopleAnnotator()

    drawn = node.process(node.make_state("cam"), source, found(0, 5))

    assert drawn.layout == "rgb"
    assert (drawn.pixels != 0).any()
