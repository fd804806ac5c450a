"""People whose ways are known before anybody looks at them, and what a camera sees of them.

A way is a row of *stays* on this or that side of something, joined by legs: straight, curved,
with a stop on the rim, or turning back there. What has to be counted follows from the stays
alone. The camera adds what cameras and trackers add: trembling, lost frames, people hidden,
boxes that jump for a frame, new ids, unconfirmed and broken boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from videoflow.data import Stamp, Tracks

F64 = NDArray[np.float64]
Point = tuple[float, float]
People = Mapping[int, Point]
LegKind = Literal["straight", "curved", "stop", "turn back"]

FPS = 10
SIZE = (1000, 1000)
HEIGHT = 40.0  # of every box, px
BAND = 2.0  # px on either side, at the default margin of 0.05
TREMBLE = 0.9  # px, at most, to each side
STAY_FRAMES = 10
CLEAN = [2, 3, 4, 6, 7, 8]  # the frames of a stay in which the camera sees what there is
SWITCH = 5  # the frame of a stay from which the id may be another one


def frame(
    index: int,
    people: People,
    *,
    label: int = 0,
    height: float = HEIGHT,
    pts_seconds: float | None = None,
    size_hw: tuple[int, int] = SIZE,
) -> Tracks:
    """Return the tracks of one frame from id to foot point."""
    pts = index / FPS if pts_seconds is None else pts_seconds
    rows = [(track_id, x, y, height) for track_id, (x, y) in people.items()]
    return tracks_of(Stamp("cam", index, pts, size_hw), rows, label=label)


def tracks_of(
    stamp: Stamp, rows: Sequence[tuple[int, float, float, float]], *, label: int = 0
) -> Tracks:
    """Return tracks from (id, foot x, foot y, height); an id may come twice."""
    boxes = [[x - 10, y - height, x + 10, y] for _, x, y, height in rows]
    return Tracks(
        stamp,
        np.array([row[0] for row in rows], np.int64),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.ones(len(rows), np.float32),
        np.full(len(rows), label, np.int64),
    )


@dataclass(frozen=True)
class Way:
    """Where somebody is at each frame, on the floor of the truth.

    Attributes:
        places: ``[N, 2]``, px.
        is_clean: ``[N]``, the camera sees the person, and sees it there.
        is_switch: ``[N]``, the id may change here.
    """

    places: F64
    is_clean: NDArray[np.bool_]
    is_switch: NDArray[np.bool_]


def leg(kind: LegKind, start: F64, end: F64, num_frames: int, *, rim: float = 0.5) -> F64:
    """Return the places on the way from one stay to the next, ``[n, 2]``.

    Args:
        kind: How one walks; who turns back is at ``start`` again.
        start: (x, y).
        end: (x, y).
        num_frames: Of the walk, without stops.
        rim: Which share of the way the rim is, for who stops or turns there.
    """
    share = np.linspace(0, 1, num_frames + 2)[1:-1, None]
    if kind == "stop":
        to_rim = share[share[:, 0] < rim]
        after = share[share[:, 0] > rim]
        share = np.concatenate([to_rim, np.full((12, 1), rim), after])
    if kind == "turn back":
        share = rim * np.sin(np.pi * share)
    way = end - start
    places = start + share * way
    if kind == "curved":
        aside = np.array([-way[1], way[0]]) / np.hypot(*way)
        places = places + 20 * np.sin(np.pi * share) * aside
    return places


def way_of(stays: Sequence[F64], legs: Sequence[F64]) -> Way:
    """Return the way over all stays; ``legs`` lie between them."""
    parts, clean, switch = [], [], []
    for number, stay in enumerate(stays):
        parts.append(np.repeat(stay[None], STAY_FRAMES, axis=0))
        is_clean = np.zeros(STAY_FRAMES, np.bool_)
        is_clean[CLEAN] = True
        clean.append(is_clean)
        switch.append(np.arange(STAY_FRAMES) == SWITCH)
        if number < len(legs):
            parts.append(legs[number])
            clean.append(np.zeros(len(legs[number]), np.bool_))
            switch.append(np.zeros(len(legs[number]), np.bool_))
    return Way(np.concatenate(parts), np.concatenate(clean), np.concatenate(switch))


@dataclass(frozen=True)
class Camera:
    """What is seen of the ways; each is a chance, for each frame.

    Attributes:
        lost: The whole frame is missing.
        hidden: Somebody is hidden from here on, for up to 20 frames, outside clean frames.
        flicker: The box jumps to ``mirror`` of its place for a frame.
        switch: The id is a new one, where it may.
        broken: Somebody hidden has a box, but no good one.
        crowd: So many unconfirmed boxes are anywhere in each frame.
    """

    lost: float = 0.15
    hidden: float = 0.03
    flicker: float = 0.08
    switch: float = 0.3
    broken: float = 0.3
    crowd: int = 3

    def film(
        self, ways: Sequence[Way], *, mirror: Callable[[F64], F64], rng: np.random.Generator
    ) -> Iterator[Tracks]:
        """Yield the tracks of each frame that is not lost; ``person_of`` says who is who."""
        shots = [_Shot(self, way, number, mirror, rng) for number, way in enumerate(ways)]
        for index in range(max(len(way.places) for way in ways)):
            is_lost = rng.random() < self.lost
            is_needed = any(index < len(w.places) and w.is_clean[index] for w in ways)
            if is_lost and not is_needed:
                for shot in shots:
                    shot.pass_over(index)
                continue
            rows = [row for shot in shots if (row := shot.take(index)) is not None]
            rows += [self._unconfirmed(rng) for _ in range(self.crowd)]
            order = rng.permutation(len(rows))
            stamp = Stamp("cam", index, index / FPS, SIZE)
            yield tracks_of(stamp, [rows[i] for i in order])

    @staticmethod
    def _unconfirmed(rng: np.random.Generator) -> tuple[int, float, float, float]:
        x, y = rng.uniform(0, 1000, 2)
        return int(rng.integers(-1, 1)), float(x), float(y), HEIGHT


def person_of(track_id: int) -> int:
    """Return whose id it is: the place in the list of the ways."""
    return (track_id - 1) % 1000


class _Shot:
    """One person before the camera."""

    def __init__(
        self,
        camera: Camera,
        way: Way,
        number: int,
        mirror: Callable[[F64], F64],
        rng: np.random.Generator,
    ) -> None:
        self.track_id = 1 + number
        self._camera, self._way, self._mirror, self._rng = camera, way, mirror, rng
        self._hidden_until = -1
        self._has_flickered = True  # a first look that is wrong would be no jump

    def pass_over(self, index: int) -> None:
        if index < len(self._way.places) and self._way.is_switch[index]:
            self._maybe_switch()

    def take(self, index: int) -> tuple[int, float, float, float] | None:
        """Return (id, x, y, height) as the camera has them, or None."""
        way, camera, rng = self._way, self._camera, self._rng
        if index >= len(way.places):
            return None
        self.pass_over(index)
        place = way.places[index] + rng.uniform(-TREMBLE, TREMBLE, 2)
        if way.is_clean[index]:
            self._has_flickered = False
            return (self.track_id, float(place[0]), float(place[1]), HEIGHT)
        if index > self._hidden_until and rng.random() < camera.hidden:
            self._hidden_until = index + int(rng.integers(1, 20))
        if index <= self._hidden_until:
            is_broken = rng.random() < camera.broken
            bad = float(rng.choice([np.nan, np.inf, -np.inf]))
            return (self.track_id, bad, float(place[1]), HEIGHT) if is_broken else None
        is_flicker = not self._has_flickered and rng.random() < camera.flicker
        self._has_flickered = is_flicker
        seen = self._mirror(place) if is_flicker else place
        return (self.track_id, float(seen[0]), float(seen[1]), HEIGHT)

    def _maybe_switch(self) -> None:
        if self._rng.random() < self._camera.switch:
            self.track_id += 1000
            self._has_flickered = True
