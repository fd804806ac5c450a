"""The sentences of docs/counting.md on zones, in their order."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.walkers import People, frame
from videoflow.data import Polygon, ZoneCounts, ZoneTotals
from videoflow.errors import ShapeError
from videoflow.vision.counting import ZoneVisits

SQUARE = Polygon(((100, 100), (200, 100), (200, 200), (100, 200)))  # the band is 2 px wide
IN, OUT = 150.0, 50.0


def visit(*ys: float | None, finish: bool = False, **options: float) -> list[str]:
    """Walk one person along x = 150; return each event as 'kind@frame dwell'."""
    visits = ZoneVisits({"zone": SQUARE}, **options)  # type: ignore[arg-type]
    people: list[People] = [{} if y is None else {7: (150, y)} for y in ys]
    counts = follow(*people, visits=visits)
    if finish and (last := visits.finish()) is not None:
        counts.append(last)
    return [
        f"{event.kind}@{event.stamp.index} {event.visit.dwell_seconds:.1f}"
        for each in counts
        for event in each.events
    ]


def follow(*frames: People, visits: ZoneVisits | None = None) -> list[ZoneCounts]:
    """Return what is said of each frame."""
    visits = visits or ZoneVisits({"zone": SQUARE})
    return [visits.update(frame(i, people)) for i, people in enumerate(frames)]


def test_in_and_out() -> None:
    """Who comes in over the rim has entered, who goes out over it has left."""
    assert visit(OUT, OUT, IN, IN, IN, OUT, OUT) == ["entered@3 0.1", "left@6 0.3"]


def test_each_zone_counts_by_itself() -> None:
    """In two zones that overlap one walk is two visits, in the order of the zones."""
    lower = Polygon(((100, 140), (200, 140), (200, 300), (100, 300)))
    visits = ZoneVisits({"lower": lower, "upper": SQUARE})

    counts = follow(*[{1: (150, y)} for y in (110, 110, 160, 160, 250, 250)], visits=visits)

    told = [(e.kind, e.visit.zone) for each in counts for e in each.events]
    assert told == [("appeared", "upper"), ("entered", "lower"), ("left", "upper")]
    assert [v.zone for v in counts[3].visits] == ["lower", "upper"]
    assert counts[3].zones == {"lower": lower, "upper": SQUARE}


def test_inside_after_so_many_looks_beyond_the_band() -> None:
    """One look, or looks within the band, do not make somebody be inside or outside."""
    assert visit(OUT, OUT, IN, OUT, OUT) == []
    assert visit(OUT, OUT, 101.9, 101.9, 101.9) == []
    assert visit(OUT, OUT, 102.1, 102.1) == ["entered@3 0.1"]
    assert visit(OUT, OUT, IN, 101, IN, 101, IN, IN) == ["entered@7 0.1"]
    assert visit(IN, IN, 97.9, 97.9) == ["appeared@1 0.1", "left@3 0.2"]
    assert visit(OUT, IN, min_frames=1) == ["entered@1 0.0"]


def test_a_point_on_the_rim_changes_nothing() -> None:
    """Who is on the rim stays inside, outside or unknown."""
    assert visit(100, 100, 100, 200, 200) == []
    assert visit(OUT, OUT, 100, 100, 100, OUT) == []
    assert visit(IN, IN, 100, 100, 100, IN) == ["appeared@1 0.1"]
    assert visit(100, 100, IN, IN) == ["appeared@3 0.1"]


@pytest.mark.parametrize("home", [IN, OUT])
def test_a_flicker_of_one_frame_is_nothing(home: float) -> None:
    """A box that jumps over the rim for one frame neither comes nor goes."""
    away = IN + OUT - home

    events = visit(home, home, away, home, home, away, home, away, home)

    assert events == (["appeared@1 0.1"] if home == IN else [])


def test_trembling_on_the_rim_is_nothing() -> None:
    """A box that trembles within the band never counts, however long."""
    assert visit(OUT, OUT, *[100 + 1.9 * (-1) ** i for i in range(200)], OUT, OUT) == []


def test_who_is_hardly_seen_inside_was_not_there() -> None:
    """One sighting inside is no visit."""
    assert visit(OUT, OUT, IN, 250, 250) == []


def test_who_was_there_from_the_start_has_not_entered() -> None:
    """A visit without an entry is in the occupancy, and its end is an exit."""
    counts = follow(*[{1: (150, y)} for y in (IN, IN, OUT, OUT)])

    assert [each.totals["zone"].occupancy for each in counts] == [0, 1, 1, 0]
    assert (counts[-1].totals["zone"].entries, counts[-1].totals["zone"].exits) == (0, 1)


def test_who_is_not_seen_any_more_is_lost() -> None:
    """A visit ends when nobody has seen the visitor for so long; that is no exit."""
    events = visit(OUT, OUT, IN, IN, IN, *[None] * 31)
    still = visit(OUT, OUT, IN, IN, IN, *[None] * 30)
    short = visit(IN, IN, None, None, None, max_gap_frames=2)

    assert events == ["entered@3 0.1", "lost@35 0.2"]
    assert still == ["entered@3 0.1"]
    assert short == ["appeared@1 0.1", "lost@4 0.1"]


def test_open_visits_are_told_at_the_end() -> None:
    """Who is inside at the end is told, and still there; nothing to tell before any frame."""
    visits = ZoneVisits({"zone": SQUARE})
    assert visits.finish() is None
    counts = follow(*[{1: (150, IN), 2: (150, OUT)}] * 5, visits=visits)

    last = visits.finish()

    assert last is not None
    assert [(e.kind, e.visit.track_id) for e in last.events] == [("open", 1)]
    assert last.events[0].visit.dwell_seconds == pytest.approx(0.4)
    assert last.totals == counts[-1].totals == {"zone": ZoneTotals(occupancy=1)}


def test_who_is_hidden_for_a_while_is_still_there() -> None:
    """A gap belongs to the visit, and to the occupancy."""
    inside: People = {1: (150, IN)}

    counts = follow(inside, inside, *[{}] * 29, inside, *[{1: (150, OUT)}] * 2)

    assert {each.totals["zone"].occupancy for each in counts[1:-1]} == {1}
    assert counts[30].visits[0].dwell_seconds == pytest.approx(0.1)
    assert counts[31].visits[0].dwell_seconds == pytest.approx(3.1)
    assert counts[-1].events[0].visit.dwell_seconds == pytest.approx(3.2)


def test_lost_inside_and_found_outside_has_left() -> None:
    """The visit ends at the first sighting outside."""
    assert visit(IN, IN, *[None] * 20, OUT, OUT) == ["appeared@1 0.1", "left@23 2.2"]


def test_an_id_that_changes_inside() -> None:
    """One entry and one exit stay one, though the visit is told as two."""
    people: list[People] = [
        *[{1: (150, OUT)}] * 2,
        *[{1: (150, IN)}] * 4,
        *[{2: (150, IN)}] * 4,
        *[{2: (150, OUT)}] * 40,
    ]

    counts = follow(*people)

    told = [(e.kind, e.visit.track_id) for each in counts for e in each.events]
    assert told == [("entered", 1), ("appeared", 2), ("left", 2), ("lost", 1)]
    assert [counts[i].totals["zone"].occupancy for i in (5, 7, 11, 36)] == [1, 2, 1, 0]
    assert (counts[-1].totals["zone"].entries, counts[-1].totals["zone"].exits) == (1, 1)


def test_an_id_that_was_forgotten_is_a_new_person() -> None:
    """Who comes back inside after that appears; it is a second visit."""
    events = visit(IN, IN, *[None] * 40, IN, IN)

    assert events == ["appeared@1 0.1", "lost@32 0.1", "appeared@43 0.1"]


def test_the_class_of_a_visit() -> None:
    """A class that changes during a visit changes neither the visit nor its totals."""
    visits = ZoneVisits({"zone": SQUARE})
    rows = [(OUT, 0), (OUT, 0), (IN, 0), (IN, 3), (IN, 5), (OUT, 5), (OUT, 5)]

    counts = [
        visits.update(frame(i, {1: (150, y)}, label=label)) for i, (y, label) in enumerate(rows)
    ]

    assert [e.visit.label for each in counts for e in each.events] == [3, 3]
    assert counts[4].label_totals == {"zone": {3: ZoneTotals(occupancy=1, entries=1)}}
    assert counts[6].label_totals["zone"][3].occupancy == 0


def test_dwell_is_from_first_look_inside_to_first_look_outside() -> None:
    """The looks that make it certain are late by themselves, the dwell time is not."""
    assert visit(*[OUT] * 3, *[IN] * 10, *[OUT] * 4, min_frames=3) == [
        "entered@5 0.2",
        "left@15 1.0",
    ]


def test_dwell_of_a_lost_visit_ends_with_the_last_sighting() -> None:
    """Nobody is made to stay longer than was seen."""
    assert visit(IN, IN, IN, IN, *[None] * 40)[1] == "lost@34 0.3"
    assert visit(IN, IN, IN, IN, *[None] * 10, finish=True)[1] == "open@13 0.3"


def test_totals_of_ended_visits() -> None:
    """Ended visits are counted and added up; an open one is not."""
    people: list[People] = [
        *[{1: (150, IN), 2: (150, IN), 3: (150, IN)}] * 4,
        *[{1: (150, OUT), 2: (150, IN)}] * 2,
        *[{2: (150, IN)}] * 40,
    ]

    totals = follow(*people)[-1].totals["zone"]

    assert (totals.num_visits, totals.occupancy) == (2, 1)
    assert totals.dwell_seconds == pytest.approx(0.4 + 0.3)  # 1 left, 3 was lost
    assert totals.mean_dwell_seconds == pytest.approx(0.35)
    assert math.isnan(ZoneTotals().mean_dwell_seconds)


def test_a_source_that_begins_again_goes_on() -> None:
    """A looped file loses nobody, and its second round adds to the dwell time."""
    visits = ZoneVisits({"zone": SQUARE})
    rounds = [*range(500, 510), *range(10)]

    counts = [visits.update(frame(index, {1: (150, IN)})) for index in rounds]

    assert [e.kind for each in counts for e in each.events] == ["appeared"]
    assert counts[-1].visits[0].dwell_seconds == pytest.approx(1.8)


def test_what_was_told_stays_as_it_was() -> None:
    """Counts of a frame do not change with later frames, nor after a reset."""
    visits = ZoneVisits({"zone": SQUARE})
    counts = follow(*[{1: (150, y)} for y in (IN, IN, OUT, OUT)], visits=visits)

    visits.reset()

    assert counts[1].totals == {"zone": ZoneTotals(occupancy=1)}
    assert counts[1].label_totals == {"zone": {0: ZoneTotals(occupancy=1)}}
    assert visits.update(frame(9, {})).totals == {"zone": ZoneTotals()}


@pytest.mark.parametrize(
    "options",
    [{"margin": -0.1}, {"margin": math.nan}, {"min_frames": 0}, {"max_gap_frames": 0}],
    ids=str,
)
def test_senseless_options_are_refused(options: dict[str, float]) -> None:
    """A number out of range says so, and so does a counter without a zone."""
    with pytest.raises(ShapeError, match="ZoneVisits"):
        ZoneVisits({"zone": SQUARE}, **options)  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="at least one zone"):
        ZoneVisits({})


def test_thousands_and_nobody() -> None:
    """A frame may be empty or full; each one inside is a visit."""
    rng = np.random.default_rng(0)
    places = rng.uniform(50, 250, (3000, 2))
    people: People = {i: (float(x), float(y)) for i, (x, y) in enumerate(places, 1)}
    is_inside = (np.abs(places - 150) < 50 - 2).all(axis=1)

    counts = follow({}, people, people, {})

    assert len(counts[2].events) == len(counts[2].visits) == np.count_nonzero(is_inside)
    assert counts[3].totals["zone"].occupancy == np.count_nonzero(is_inside)
