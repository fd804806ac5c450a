"""The sentences of docs/counting.md on lines, in their order."""

from __future__ import annotations

import numpy as np
import pytest

from tests.walkers import Point, frame
from videoflow.data import Counts, Line, LineTotals, Stamp, Tracks
from videoflow.errors import ShapeError
from videoflow.vision.counting import LineCrossings

ACROSS = Line((0, 100), (200, 100))  # the band is 2 px wide on either side


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


def test_one_look_is_no_side() -> None:
    """Who was seen on one side once, and then on the other, was never on the first."""
    assert walk(down(80, 120, 120, 120, 120)) == []
    assert walk(down(80, 120, 80, 120, 80)) == []


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


@pytest.mark.parametrize("num", [1, 2, 3, 40])
def test_stopping_on_the_line_and_going_on_is_one(num: int) -> None:
    """However long one stands on the line, going on is one crossing."""
    assert walk(down(80, 80, *[100] * num, 120, 120)) == [f"in@{num + 3}"]


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


def test_an_id_that_changes_on_one_side_costs_nothing() -> None:
    """Who gets a new id before the line, and is seen twice with it, is counted."""
    counter = LineCrossings({"line": ACROSS})
    people: list[dict[int, Point]] = [
        {1: (50, 70)},
        {1: (50, 75)},
        {2: (50, 80)},
        {2: (50, 85)},
        {2: (50, 120)},
        {2: (50, 125)},
    ]

    counts = [counter.update(frame(i, feet)) for i, feet in enumerate(people)]

    assert counts[-1].totals["line"] == LineTotals(1, 0)


def test_unconfirmed_people_are_no_phantom() -> None:
    """A crowd that shares -1 on both sides of the line adds nothing to one real crossing."""
    counter = LineCrossings({"line": ACROSS})
    for i, y in enumerate((80, 80, 120, 120, 120, 120)):
        crowd = 60 if i % 2 else 140
        counts = counter.update(frame(i, {1: (50, y), -1: (60, crowd), 0: (70, crowd)}))

    assert counts.totals["line"] == LineTotals(1, 0)


@pytest.mark.parametrize(("index", "want"), [(301, 1), (302, 0)])
def test_an_id_is_forgotten_after_a_long_gap(index: int, want: int) -> None:
    """Nobody is remembered for longer than ``max_gap_frames``."""
    counter = LineCrossings({"line": ACROSS})
    for i in (0, 1):
        counter.update(frame(i, {1: (50, 80)}))
    for i in (index, index + 1):
        counts = counter.update(frame(i, {1: (50, 120)}))

    assert counts.totals["line"].into == want


def test_totals_of_each_class() -> None:
    """Totals are kept for each class, that of the box at the frame of the count."""
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


def test_an_empty_frame_has_totals() -> None:
    """Nobody there is no crossing, and the totals are told."""
    counts = LineCrossings({"line": ACROSS}).update(
        Tracks.empty(Stamp("cam", 0, 0.0, (200, 200)))
    )

    assert isinstance(counts, Counts)
    assert (counts.crossings, counts.totals) == ((), {"line": LineTotals(0, 0)})
