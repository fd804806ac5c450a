"""The film of walkers: the same each time, and true to its plan."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from videoflow.errors import ShapeError
from videoflow.vision.walkers import WalkersFilm

SEEDS = [pytest.param(seed, id=f"seed {seed}") for seed in range(8)]


def test_a_seed_is_one_film() -> None:
    """Frames depend on the seed and the index only, in whatever order they are asked for."""
    one, same, other = WalkersFilm(seed=3), WalkersFilm(seed=3), WalkersFilm(seed=4)
    one.picture(11)

    assert np.array_equal(one.picture(7), same.picture(7))
    assert not np.array_equal(one.picture(7), other.picture(7))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_truth_is_what_the_ways_say(seed: int) -> None:
    """Walkers change the side of the line as often as the truth says, looked at finely."""
    film = WalkersFilm(seed=seed)
    (x0, y0), (x1, y1) = film.line.start, film.line.end
    into = out_of = 0
    for walker in film.crowd:
        was: float | None = None
        for seconds in np.arange(0, film.seconds, 0.01).tolist():
            x, y = walker.way.at(seconds)
            side = (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)
            is_between = y1 <= y <= y0
            into += was is not None and was <= 0 < side and is_between
            out_of += was is not None and side <= 0 < was and is_between
            was = side

    assert (film.truth.into, film.truth.out_of) == (into, out_of)
    assert into >= 1
    assert out_of >= 1


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_is_at_the_line_at_an_end_of_the_film(seed: int) -> None:
    """Who crosses is seen on both sides: not in the first second and not in the last half."""
    film = WalkersFilm(seed=seed)

    times = [passage.seconds for passage in film.passages]

    assert min(times) > 1.0
    assert max(times) < film.seconds - 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_walks_through_somebody(seed: int) -> None:
    """Two walkers are never at one place of the floor."""
    film = WalkersFilm(seed=seed)

    nearest = min(
        np.hypot(one.way.at(t)[0] - two.way.at(t)[0], one.way.at(t)[1] - two.way.at(t)[1])
        for t in np.arange(0, film.seconds, 0.1).tolist()
        for one, two in combinations(film.crowd, 2)
    )

    assert nearest > 10


def test_a_walker_is_painted_where_it_is_said_to_be() -> None:
    """Without noise, a frame differs from the empty square inside boxes and shadows only."""
    film = WalkersFilm(seed=0)
    index = 90
    empty = WalkersFilm(seed=0)
    empty.crowd = ()

    differs = (film.picture(index) != empty.picture(index)).any(axis=2)

    people = film.people(index)
    assert len(people) >= 3
    allowed = np.zeros(film.size_hw, np.bool_)
    for person in people:
        left, top, right, bottom = (round(side) for side in person.box_xyxy)
        body = np.s_[max(0, top - 2) : bottom + 2, max(0, left - 2) : max(0, right + 2)]
        assert differs[body].mean() > 0.15
        allowed[body] = True
        allowed[max(0, bottom - 50) : bottom + 50, max(0, left - 60) : max(0, right + 110)] = (
            True
        )
    assert not (differs & ~allowed).any()


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"seconds": 3.9}, id="too short"),
        pytest.param({"seconds": float("nan")}, id="no number"),
        pytest.param({"fps": 0.0}, id="no frames"),
        pytest.param({"seed": -1}, id="negative seed"),
    ],
)
def test_no_film_is_refused(arguments: dict[str, float]) -> None:
    """A film that cannot be is an error at once."""
    with pytest.raises(ShapeError, match="a film of walkers"):
        WalkersFilm(**arguments)  # type: ignore[arg-type] # a seed is an int
