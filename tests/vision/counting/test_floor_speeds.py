"""The sentences of docs/counting.md on speeds, in their order."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.walkers import FPS, Point, frame, tracks_of
from videoflow.data import Homography, Speeds, Stamp
from videoflow.errors import ShapeError
from videoflow.vision.counting import FloorSpeeds

IMAGE = [(100, 900), (900, 900), (700, 300), (300, 300)]
FLOOR = [(0, 0), (8, 0), (8, 20), (0, 20)]  # metres
FROM_ABOVE = Homography(np.diag([0.01, 0.01, 1.0]))  # 100 px are a metre


def walk(
    place: Callable[[float], Point | None],
    *,
    homography: Homography = FROM_ABOVE,
    num: int = 31,
    fps: float = FPS,
    **options: float,
) -> list[Speeds]:
    """Return the speeds of one who is at ``place(seconds)`` in metres on the floor."""
    speeds = FloorSpeeds(homography, **options)  # type: ignore[arg-type]
    told = []
    for index in range(num):
        at = place(index / fps)
        feet = {} if at is None else {1: tuple(homography.to_image([at])[0])}
        told.append(speeds.update(frame(index, feet, pts_seconds=index / fps)))
    return told


def speed(told: Speeds) -> float:
    """Return the speed of the one person, to 4 digits."""
    return round(float(told.speeds_mps[0]), 4)


@given(st.floats(0, 8), st.floats(0, 20), st.floats(-2, 2), st.floats(-2, 2))
def test_even_walks_are_exact(x: float, y: float, vx: float, vy: float) -> None:
    """Whichever way one walks before an oblique camera, place and velocity are right."""
    homography = Homography.from_points(IMAGE, FLOOR)

    told = walk(lambda t: (x + vx * t, y + vy * t), homography=homography, num=16)[-1]

    # A box holds places to 1/16000 px; far away that is up to a millimetre.
    assert told.velocities_mps[0].tolist() == pytest.approx([vx, vy], abs=5e-3)
    assert told.positions_m[0].tolist() == pytest.approx([x + vx * 1.5, y + vy * 1.5], abs=5e-3)
    assert speed(told) == pytest.approx(math.hypot(vx, vy), abs=8e-3)


def test_the_slope_of_least_squares() -> None:
    """The velocity is that of the line which fits the places of the window best."""
    rng = np.random.default_rng(3)
    places = rng.uniform(1, 9, (40, 2))

    told = walk(lambda t: tuple(places[round(t * FPS)]), num=40)

    times = np.arange(29, 40) / FPS  # the last second, both ends included
    want = [np.polyfit(times, places[29:, axis], 1)[0] for axis in (0, 1)]
    assert told[-1].velocities_mps[0].tolist() == pytest.approx(want, rel=1e-4)


@pytest.mark.parametrize("window", [0.5, 1.0, 2.0])
def test_it_lags_half_a_window(window: float) -> None:
    """Who speeds up by 1 m/s each second is measured with the speed of half a window ago."""
    told = walk(lambda t: (t * t / 2, 0), window_seconds=window)

    assert speed(told[-1]) == pytest.approx(3.0 - window / 2, abs=1e-3)


def test_unknown_until_seen_for_half_a_window() -> None:
    """The first value comes with three sightings that span half a window."""
    often = walk(lambda t: (t, 0))
    seldom = walk(lambda t: (t, 0), fps=4)

    assert [math.isnan(speed(told)) for told in often[:7]] == [True] * 5 + [False] * 2
    assert [math.isnan(speed(told)) for told in seldom[:4]] == [True] * 2 + [False] * 2
    assert all(math.isnan(speed(told)) for told in walk(lambda t: (t, 0), fps=1.5))


def test_gaps() -> None:
    """A short gap changes nothing; after one of a window's length one begins anew."""

    def hidden(start: float, end: float) -> list[float]:
        seen = walk(lambda t: None if start < t < end else (t, 0), num=51)
        return [speed(told) for told in seen if len(told)][21:]

    assert hidden(2, 2.4) == pytest.approx([1.0] * 27, abs=1e-3)
    assert [math.isnan(value) for value in hidden(2, 4)] == [True] * 5 + [False] * 6


def test_standing_still() -> None:
    """Who stands has the speed 0; trembling by 2 cm is measured as less than 0.1 m/s."""
    rng = np.random.default_rng(0)

    still = walk(lambda t: (3, 4))
    trembling = walk(lambda t: tuple(np.array([3, 4]) + rng.uniform(-0.02, 0.02, 2)), num=300)

    assert speed(still[-1]) == 0
    assert max(speed(told) for told in trembling[10:]) < 0.1


def test_a_flicker_shows_for_a_window() -> None:
    """A jump of one frame is in the speed for as long as it is in the window, and then gone."""
    told = walk(lambda t: (t + 3 * (round(t * FPS) == 15), 0))

    wrong = [i for i, each in enumerate(told) if i >= 10 and abs(speed(each) - 1) > 1e-3]
    assert (wrong[0], wrong[-1]) == (15, 25)


def test_another_id_is_another_person() -> None:
    """A new id is unknown at first, however long the old one was followed."""
    speeds = FloorSpeeds(FROM_ABOVE)

    told = [speeds.update(frame(i, {1 + i // 10: (100.0 + i, 50)})) for i in range(20)]

    assert not math.isnan(speed(told[9]))
    assert math.isnan(speed(told[10]))


def test_crowded_sightings_are_thinned() -> None:
    """At 500 frames a second in a window of 2 s the result is the same, the memory too."""
    told = walk(lambda t: (1.5 * t, 0), fps=500, num=1500, window_seconds=2.0)

    assert speed(told[-1]) == pytest.approx(1.5, abs=1e-3)


def test_a_row_for_each_row() -> None:
    """Rows are those of the tracks, in their order; NaN for who does not count."""
    speeds = FloorSpeeds(FROM_ABOVE)
    for index in range(11):
        stamp = Stamp("cam", index, index / FPS, (1000, 1000))
        rows = [(9, 10.0 * index, 50, 40), (-1, 5, 5, 4), (2, 80, 50, 40), (9, 1, 1, 4)]
        told = speeds.update(tracks_of(stamp, [*rows, (3, math.inf, 3, 4)]))

    assert told.ids.tolist() == [9, -1, 2, 9, 3]
    assert np.isnan(told.speeds_mps).tolist() == [False, True, False, True, True]
    assert np.isnan(told.feet_xy[:, 0]).tolist() == [False, True, False, True, True]
    assert told.speeds_mps[0] == pytest.approx(1.0)
    assert len(speeds.update(frame(11, {}))) == 0


def test_time_that_stands_still_is_no_speed() -> None:
    """Without timestamps nothing is known, and nothing is divided by."""
    speeds = FloorSpeeds(FROM_ABOVE)

    told = [speeds.update(frame(i, {1: (10.0 * i, 50)}, pts_seconds=1.0)) for i in range(20)]

    assert all(math.isnan(speed(each)) for each in told)


def test_above_the_horizon() -> None:
    """Who is seen in the sky has no place and no speed, and does not spoil others."""
    speeds = FloorSpeeds(Homography.from_points(IMAGE, FLOOR))

    told = [speeds.update(frame(i, {1: (500, -900), 2: (500, 500)})) for i in range(12)][-1]

    assert np.isnan(told.positions_m[:, 0]).tolist() == [True, False]
    assert np.isnan(told.speeds_mps).tolist() == [True, False]


@pytest.mark.parametrize(
    "options",
    [{"window_seconds": 0}, {"window_seconds": math.inf}, {"max_gap_frames": 0}],
    ids=str,
)
def test_senseless_options_are_refused(options: dict[str, float]) -> None:
    """A number out of range says so."""
    with pytest.raises(ShapeError, match="FloorSpeeds"):
        FloorSpeeds(FROM_ABOVE, **options)  # type: ignore[arg-type]
