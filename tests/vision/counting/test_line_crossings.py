"""Every sentence of docs/counting.md, in its order."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from videoflow.data import Counts, Line, LineTotals, Stamp, Tracks
from videoflow.errors import ShapeError
from videoflow.vision.counting import LineCrossings
from videoflow.vision.counting import line_touches_picture as touches_picture

HEIGHT = 40.0  # of everybody here, px; the band is 2 px wide on either side
ACROSS = Line((0, 100), (200, 100))
Point = tuple[float, float]


def frame(
    index: int, people: dict[int, Point], *, label: int = 0, height: float = HEIGHT
) -> Tracks:
    """The tracks of one frame: id to foot point."""
    feet = np.array(list(people.values()), np.float32).reshape(-1, 2)
    boxes = np.hstack([feet - np.array([10, height]), feet + np.array([10, 0])]).astype(
        np.float32
    )
    num = len(people)
    return Tracks(
        Stamp("cam", index, index / 10, (200, 200)),
        np.array(list(people), np.int64),
        boxes,
        np.ones(num, np.float32),
        np.full(num, label, np.int64),
    )


def walk(feet: list[Point | None], *, line: Line = ACROSS, **options: float) -> list[str]:
    """Walk one person over ``feet`` (None: not seen); return each count as 'in@frame'."""
    counter = LineCrossings({"line": line}, **options)  # type: ignore[arg-type]
    events = []
    for index, foot in enumerate(feet):
        counts = counter.update(frame(index, {} if foot is None else {7: foot}))
        events += [f"{c.direction}@{c.stamp.index}" for c in counts.crossings]
    return events


def down(*ys: float | None, x: float = 50) -> list[Point | None]:
    """Foot points at the heights ``ys``."""
    return [None if y is None else (x, y) for y in ys]


@pytest.mark.parametrize(
    ("line", "feet", "want"),
    [
        pytest.param(ACROSS, down(80, 90, 110, 120), ["in@3"], id="rightwards, down is in"),
        pytest.param(ACROSS, down(120, 110, 90, 80), ["out@3"], id="rightwards, up is out"),
        pytest.param(
            Line((200, 100), (0, 100)), down(80, 90, 110, 120), ["out@3"], id="turned"
        ),
        pytest.param(
            Line((100, 0), (100, 200)),
            [(80.0, 50.0), (90.0, 50.0), (110.0, 50.0), (120.0, 50.0)],
            ["out@3"],
            id="downwards, to the right of the picture is out",
        ),
    ],
)
def test_direction(line: Line, feet: list[Point | None], want: list[str]) -> None:
    """In is from the line's left to its right; turning the line swaps in and out."""
    assert walk(feet, line=line) == want


@pytest.mark.parametrize(("x", "want"), [(0.0, 1), (200.0, 1), (-0.1, 0), (200.1, 0)])
def test_the_ends_belong_to_the_line(x: float, want: int) -> None:
    """Who passes over an end is counted, who passes beyond it is not."""
    assert len(walk(down(80, 90, 110, 120, x=x))) == want


def test_each_line_counts_by_itself() -> None:
    """One walk over two lines is a crossing of each, in the order of the lines."""
    counter = LineCrossings({"b": ACROSS, "a": Line((200, 101), (0, 101))})

    counts = [counter.update(frame(i, {1: (50, y)})) for i, y in enumerate((80, 81, 120, 121))]

    assert [(c.line, c.direction) for c in counts[-1].crossings] == [("b", "in"), ("a", "out")]
    assert counts[-1].totals == {"b": LineTotals(1, 0), "a": LineTotals(0, 1)}
    assert counts[-1].lines["b"] == ACROSS


def test_a_head_that_crosses_does_not_count() -> None:
    """The point is the middle of the lower edge: a box may reach over the line."""
    assert walk(down(130, 125, 115, 110, 105, 110, 125)) == []


def test_a_point_on_the_line_is_on_neither_side() -> None:
    """Coming onto the line and standing there is no crossing, from either side."""
    assert walk(down(80, 90, 100, 100, 100)) == []
    assert walk(down(120, 110, 100, 100, 100)) == []


def test_the_band_is_a_share_of_the_height() -> None:
    """A step of 3 px beyond the line counts for a person of 40 px, not for one of 100."""
    for height, want in ((40.0, 1), (100.0, 0)):
        counter = LineCrossings({"line": ACROSS})
        ys = (80, 80, 103, 103)
        counts = [
            counter.update(frame(i, {1: (50, y)}, height=height)) for i, y in enumerate(ys)
        ]
        assert counts[-1].totals["line"].into == want


def test_on_a_side_after_so_many_frames() -> None:
    """One look is no side: who was seen on the left once was never there."""
    assert walk(down(80, 120, 120)) == []
    assert walk(down(80, 120), min_frames=1) == ["in@1"]
    assert walk(down(80, 80, 80, 120, 120, 120), min_frames=3) == ["in@5"]


def test_a_look_from_the_band_begins_the_count_anew() -> None:
    """Two looks from beyond count only when they follow each other."""
    assert walk(down(80, 80, 110, 100, 110, 100)) == []
    assert walk(down(80, 80, 110, 100, 110, 110)) == ["in@5"]


def test_through_is_counted_once_at_the_second_look_beyond() -> None:
    """Who goes through slowly is counted once, at the frame that makes it certain."""
    assert walk(down(*range(80, 121))) == ["in@24"]  # 103 is beyond the band, 104 the second


def test_stopping_on_the_line_and_going_back_is_nothing() -> None:
    """Who turns round on the line has not crossed."""
    assert walk(down(80, 90, 99, 100, 101, 100, 100, 99, 90, 80)) == []


def test_trembling_on_the_line_is_nothing() -> None:
    """A box that trembles within the band never counts, however long."""
    assert walk(down(80, 90, *[100 + 1.9 * (-1) ** i for i in range(200)], 90, 80)) == []


@pytest.mark.parametrize("jump", [103.0, 120.0, 190.0])
def test_a_flicker_of_one_frame_is_nothing(jump: float) -> None:
    """A box that jumps over the line for one frame counts neither there nor back."""
    assert walk(down(80, 80, jump, 80, 80, jump, 80, jump, 80)) == []


def test_coming_back_counts_the_other_way() -> None:
    """There and back is one in and one out."""
    assert walk(down(80, 80, 120, 120, 120, 80, 80)) == ["in@3", "out@6"]


def test_the_last_meeting_with_the_line_is_the_place() -> None:
    """Who comes into the band outside the ends and leaves it inside has crossed inside."""
    outside_in: list[Point | None] = [
        (-20, 80),
        (-20, 90),
        (-20, 99),
        (-10, 101),
        (10, 99),
        (20, 110),
        (20, 120),
    ]
    inside_out: list[Point | None] = [
        (20, 80),
        (20, 90),
        (20, 101),
        (5, 99),
        (-20, 99),
        (-20, 110),
        (-20, 120),
    ]

    assert walk(outside_in) == ["in@6"]
    assert walk(inside_out) == []


def test_round_the_end_and_back_through() -> None:
    """Who walks round an end is known to be on the other side: only the way back counts."""
    feet: list[Point | None] = [
        (190, 80),
        (210, 80),
        (210, 120),
        (190, 120),
        (190, 110),
        (190, 80),
        (190, 70),
    ]

    assert walk(feet) == ["out@6"]


def test_missing_frames_change_nothing() -> None:
    """Two sightings running may lie far apart in the source."""
    counter = LineCrossings({"line": ACROSS})

    counts = [
        counter.update(frame(i, {1: (50, y)}))
        for i, y in ((0, 80), (9, 90), (40, 110), (90, 120))
    ]

    assert [len(c.crossings) for c in counts] == [0, 0, 0, 1]


def test_lost_and_found_under_one_id_is_counted() -> None:
    """Who is lost on one side and found on the other has crossed."""
    assert walk(down(80, 90, *[None] * 50, 120, 120)) == ["in@53"]


def test_found_under_another_id_is_another_person() -> None:
    """A new id is on no side until it was seen there: no crossing is made up."""
    counter = LineCrossings({"line": ACROSS})
    people: list[dict[int, Point]] = [
        {1: (50, 80)},
        {1: (50, 90)},
        {2: (50, 120)},
        {2: (50, 125)},
    ]

    counts = [counter.update(frame(i, feet)) for i, feet in enumerate(people)]

    assert counts[-1].totals["line"] == LineTotals(0, 0)


@pytest.mark.parametrize(("index", "want"), [(301, 1), (302, 0)])
def test_an_id_is_forgotten_after_a_long_gap(index: int, want: int) -> None:
    """Nobody is remembered for longer than ``max_gap_frames``."""
    counter = LineCrossings({"line": ACROSS})
    for i in (0, 1):
        counter.update(frame(i, {1: (50, 80)}))
    for i in (index, index + 1):
        counts = counter.update(frame(i, {1: (50, 120)}))

    assert counts.totals["line"].into == want


def test_ids_below_1_are_passed_over() -> None:
    """Unconfirmed people who share -1 are not one phantom that jumps to and fro."""
    counter = LineCrossings({"line": ACROSS})
    for i, y in enumerate((80, 80, 120, 120, 80, 80)):
        counts = counter.update(frame(i, {-1: (50, y), 0: (60, y)}))

    assert counts.totals["line"] == LineTotals(0, 0)


def test_a_box_that_is_not_finite_is_passed_over() -> None:
    """A NaN is as if the person had not been seen."""
    nan = math.nan

    assert walk([(50, 80), (50, 80), (nan, 80), (50, 120), (nan, nan), (50, 120)]) == ["in@5"]


def test_the_first_of_two_equal_ids_counts() -> None:
    """An id that comes twice in a frame is one person, at the first of its places."""
    counter = LineCrossings({"line": ACROSS})
    for i, y in enumerate((80, 80, 120, 120)):
        once = frame(i, {1: (50, y), 2: (50, 80)})
        counts = counter.update(
            Tracks(once.stamp, np.array([1, 1]), once.boxes_xyxy, once.scores, once.labels)
        )

    assert counts.totals["line"] == LineTotals(1, 0)


def test_only_asked_classes_count() -> None:
    """With ``labels`` others are passed over, and totals are kept for each class."""
    counters = [LineCrossings({"line": ACROSS}, labels=labels) for labels in (None, [2], [])]
    for i, y in enumerate((80, 80, 120, 120)):
        both = frame(i, {1: (50, y), 2: (60, y)})
        mixed = Tracks(both.stamp, both.ids, both.boxes_xyxy, both.scores, np.array([0, 2]))
        counts = [counter.update(mixed) for counter in counters]

    assert [c.totals["line"].into for c in counts] == [2, 1, 0]
    assert counts[0].label_totals == {"line": {0: LineTotals(1, 0), 2: LineTotals(1, 0)}}
    assert [(c.track_id, c.label, c.totals.into) for c in counts[0].crossings] == [
        (1, 0, 1),
        (2, 2, 2),
    ]


def test_totals_of_a_frame_stay_as_they_were() -> None:
    """What was handed out does not change when more people cross."""
    counter = LineCrossings({"line": ACROSS})
    all_counts = [
        counter.update(frame(i, {1: (50, y)})) for i, y in enumerate((80, 80, 120, 120, 80, 80))
    ]

    assert all_counts[3].totals["line"] == LineTotals(1, 0)
    assert all_counts[3].label_totals["line"][0] == LineTotals(1, 0)


def test_no_line_is_refused() -> None:
    """A counter without a line, or with a senseless number, says so."""
    with pytest.raises(ShapeError, match="at least one line"):
        LineCrossings({})
    with pytest.raises(ShapeError):
        LineCrossings({"line": ACROSS}, min_frames=0)


@pytest.mark.parametrize(
    ("line", "want"),
    [
        pytest.param(Line((0, 50), (100, 50)), True, id="inside"),
        pytest.param(Line((-50, 50), (500, 50)), True, id="through"),
        pytest.param(Line((-10, 20), (20, -10)), True, id="cuts a corner"),
        pytest.param(Line((-30, 20), (20, -30)), False, id="misses the corner"),
        pytest.param(Line((0, 100), (100, 100)), True, id="on the rim"),
        pytest.param(Line((0, 101), (100, 101)), False, id="below"),
        pytest.param(Line((300, 0), (300, 100)), False, id="beside"),
    ],
)
def test_touches_picture(line: Line, want: bool) -> None:
    """A line that lies wholly outside the picture is known."""
    assert touches_picture(line, (100, 200)) is want


@settings(max_examples=60, deadline=None)
@given(
    angle=st.floats(0, 2 * math.pi),
    walkers=st.lists(
        st.tuples(
            st.booleans(),  # from the left
            st.floats(-0.4, 1.4),  # where on the line, 0 to 1 is within
            st.floats(2.0, 25.0),  # px a frame
            st.integers(0, 20),  # enters after so many frames
        ),
        min_size=1,
        max_size=8,
    ),
    seed=st.integers(0, 2**16),
)
def test_simulated_walkers(
    angle: float, walkers: list[tuple[bool, float, float, int]], seed: int
) -> None:
    """People who walk over a line, trembling by less than the band, count as computed."""
    walkers = [w for w in walkers if min(abs(w[1]), abs(w[1] - 1)) > 0.05]
    way = np.array([math.cos(angle), math.sin(angle)])
    right = np.array([-way[1], way[0]])
    start = np.array([500.0, 500.0]) - 100 * way
    line = Line(tuple(start), tuple(start + 200 * way))
    rng = np.random.default_rng(seed)
    counter = LineCrossings({"line": line})
    events: list[tuple[int, str]] = []

    for index in range(140):
        people = {}
        for number, (is_from_left, along, speed, delay) in enumerate(walkers, 1):
            beyond = (-60 + speed * (index - delay)) * (1 if is_from_left else -1)
            if index >= delay and abs(beyond) <= 60 + 2 * speed:
                foot = start + 200 * along * way + beyond * right + rng.uniform(-0.9, 0.9, 2)
                people[number] = (float(foot[0]), float(foot[1]))
        counts = counter.update(frame(index, people))
        events += [(c.track_id, c.direction) for c in counts.crossings]

    want = {
        (number, "in" if is_from_left else "out")
        for number, (is_from_left, along, _, _) in enumerate(walkers, 1)
        if 0 < along < 1
    }
    assert sorted(events) == sorted(want)
    assert counts.totals["line"] == _totals(want)


def _totals(events: set[tuple[int, str]]) -> LineTotals:
    into = sum(direction == "in" for _, direction in events)
    return LineTotals(into, len(events) - into)


def test_an_empty_frame_has_totals() -> None:
    """Nobody there is no crossing, and the totals are told."""
    counts = LineCrossings({"line": ACROSS}).update(
        Tracks.empty(Stamp("cam", 0, 0.0, (200, 200)))
    )

    assert isinstance(counts, Counts)
    assert (counts.crossings, counts.totals) == ((), {"line": LineTotals(0, 0)})
