"""People with known ways before a bad camera: counts are exact, dwell times near the truth."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.walkers import (
    BAND,
    F64,
    FPS,
    TREMBLE,
    Camera,
    LegKind,
    Way,
    leg,
    person_of,
    tracks_of,
    way_of,
)
from videoflow.data import Line, Polygon, Stamp, ZoneEvent
from videoflow.vision.counting import LineCrossings, ZoneVisits

KINDS: list[LegKind] = ["straight", "curved", "stop", "turn back"]
SEEDS = st.integers(0, 2**32 - 1)


@dataclass(frozen=True)
class Move:
    """How one goes on from a stay: where to, how, in how many frames."""

    kind: LegKind
    changes_side: bool
    changes_lane: bool
    num_frames: int
    far: float  # 0 to 1


MOVES = st.builds(
    Move,
    st.sampled_from(KINDS),
    st.booleans(),
    st.booleans(),
    st.integers(1, 25),
    st.floats(0, 1),
)
SCRIPTS = st.lists(
    st.tuples(st.booleans(), st.lists(MOVES, max_size=6)), min_size=1, max_size=4
)


class Gate:
    """A line of 400 px, and its own coordinates: along it (0 to 1) and to its right (px)."""

    def __init__(self, angle: float) -> None:
        self.along = np.array([math.cos(angle), math.sin(angle)])
        self.right = np.array([-self.along[1], self.along[0]])
        self.start = np.array([500.0, 500.0]) - 200 * self.along
        end = self.start + 400 * self.along
        self.line = Line((self.start[0], self.start[1]), (end[0], end[1]))

    def place(self, along: float, right: float) -> F64:
        return np.asarray(self.start + 400 * along * self.along + right * self.right)

    def mirror(self, place: F64) -> F64:
        """Return a place well beyond the line."""
        right = float((place - self.start) @ self.right)
        return np.asarray(place - (2 * right + math.copysign(30, right)) * self.right)

    def walk(self, is_right: bool, moves: list[Move]) -> tuple[Way, list[str]]:
        """Return a way through or round this gate, and the crossings that it makes."""
        side, lane, stays, legs, truth = 1 if is_right else -1, 0.5, [], [], []
        here = self.place(lane, 40 * side)
        stays.append(here)
        for move in moves:
            to_right = side * (20 + 40 * move.far)
            if move.kind == "turn back":
                to = self.place(lane, -((here - self.start) @ self.right))
                legs.append(leg("turn back", here, to, move.num_frames))
                stays.append(here)
                continue
            if move.changes_lane:  # round the end: on one side only
                lane = 1.4 if lane == 0.5 else 0.5
                kind: LegKind = "straight"
            elif move.changes_side:
                side, to_right, kind = -side, -to_right, move.kind
                truth += ["in" if side == 1 else "out"] * (lane == 0.5)
            else:
                kind = "straight"
            to = self.place(lane, to_right)
            was, will = (abs((place - self.start) @ self.right) for place in (here, to))
            rim = was / (was + will)
            legs.append(leg(kind, here, to, move.num_frames, rim=rim))
            here = to
            stays.append(here)
        return way_of(stays, legs), truth


@settings(max_examples=100, deadline=None)
@given(angle=st.floats(0, 2 * math.pi), scripts=SCRIPTS, seed=SEEDS)
def test_line_crossings_of_simulated_walkers(
    angle: float, scripts: list[tuple[bool, list[Move]]], seed: int
) -> None:
    """Each one's crossings are those of the way, in their order, whatever the camera does."""
    gate = Gate(angle)
    ways, truths = zip(*(gate.walk(*script) for script in scripts), strict=True)
    counter = LineCrossings({"gate": gate.line})
    seen: list[list[str]] = [[] for _ in ways]

    for tracks in Camera().film(ways, mirror=gate.mirror, rng=np.random.default_rng(seed)):
        counts = counter.update(tracks)
        for crossing in counts.crossings:
            seen[person_of(crossing.track_id)].append(crossing.direction)

    assert seen == list(truths)
    assert counts.totals["gate"].into == sum(truth.count("in") for truth in truths)
    assert counts.totals["gate"].out_of == sum(truth.count("out") for truth in truths)


class Court:
    """A zone around (500, 500) that is seen whole from there, and its polar coordinates."""

    def __init__(self, radii: list[float], angle: float) -> None:
        angles = angle + np.arange(len(radii)) * 2 * np.pi / len(radii)
        self.corners = 500 + np.array(radii)[:, None] * np.stack(
            [np.cos(angles), np.sin(angles)], axis=1
        )
        self.zone = Polygon(tuple((float(x), float(y)) for x, y in self.corners))
        self.is_round = len(set(radii)) == 1

    def place(self, radius: float, angle: float) -> F64:
        return np.asarray(500 + radius * np.array([math.cos(angle), math.sin(angle)]))

    def rim(self, angle: float) -> float:
        """Return how far the rim is from the middle: where a ray meets the edges."""
        ray = np.array([math.cos(angle), math.sin(angle)])
        meetings = []
        for a, b in zip(self.corners, np.roll(self.corners, -1, axis=0), strict=True):
            # 500 + r * ray = a + s * (b - a)
            r, s = np.linalg.solve(np.stack([ray, a - b], axis=1), a - 500)
            if r > 0 and -1e-9 <= s <= 1 + 1e-9:
                meetings.append(float(r))
        return meetings[0]

    def depth(self, place: F64) -> float:
        """Return how many px farther out the rim is, along the ray; below 0 outside."""
        x, y = place - 500
        return self.rim(math.atan2(y, x)) - math.hypot(x, y)

    def rim_distance(self, place: F64) -> float:
        """Return px to the nearest of many points on the rim."""
        share = np.linspace(0, 1, 400)[:, None, None]
        points = self.corners + share * (np.roll(self.corners, -1, axis=0) - self.corners)
        return float(np.hypot(*(points.reshape(-1, 2) - place).T).min())

    def mirror(self, place: F64) -> F64:
        """Return a place well inside for one outside, and the other way round."""
        x, y = place - 500
        return self.place(20 if self.depth(place) < 0 else 300, math.atan2(y, x))

    def walk(self, is_inside: bool, moves: list[Move]) -> tuple[Way, list[str]]:
        """Return a way in and out, always along rays, and the entries and exits that it is."""
        stays, legs, truth = [], [], []
        angle, radius = 1.0, 30.0 if is_inside else 200.0
        here = self.place(radius, angle)
        stays.append(here)
        for move in moves:
            to_radius = 200 + 60 * move.far if is_inside else 10 + 30 * move.far
            rim = (self.rim(angle) - radius) / (to_radius - radius)
            to = self.place(to_radius, angle)
            if move.kind == "turn back":
                legs.append(leg("turn back", here, to, move.num_frames, rim=rim))
                stays.append(here)
            elif move.changes_side:
                kind = "straight" if move.kind == "curved" and not self.is_round else move.kind
                legs.append(leg(kind, here, to, move.num_frames, rim=rim))
                is_inside, radius, here = not is_inside, to_radius, to
                truth.append("entered" if is_inside else "left")
                stays.append(here)
            elif is_inside and move.changes_lane:  # another ray, where all rays meet
                angle += 1.0 + move.far
                to = self.place(radius, angle)
                legs.append(leg("straight", here, to, move.num_frames))
                here = to
                stays.append(here)
        return way_of(stays, legs), truth


COURTS = st.builds(
    Court,
    st.one_of(
        st.integers(5, 9).map(lambda num: [110.0] * num),
        st.lists(st.floats(90, 130), min_size=5, max_size=9),
    ),
    st.floats(0, 2 * math.pi),
)


@settings(max_examples=100, deadline=None)
@given(court=COURTS, scripts=SCRIPTS, seed=SEEDS)
def test_zone_visits_of_simulated_walkers(
    court: Court, scripts: list[tuple[bool, list[Move]]], seed: int
) -> None:
    """Each one's entries and exits are those of the way, and all visits end with the people."""
    ways, truths = zip(*(court.walk(*script) for script in scripts), strict=True)
    visits = ZoneVisits({"court": court.zone}, max_gap_frames=300)
    seen: list[list[str]] = [[] for _ in ways]
    events: list[ZoneEvent] = []

    for tracks in Camera().film(ways, mirror=court.mirror, rng=np.random.default_rng(seed)):
        counts = visits.update(tracks)
        events += counts.events
        assert counts.totals["court"].occupancy == len(counts.visits)
    later = tracks.stamp.index + 301
    end = visits.update(tracks_of(Stamp("cam", later, later / FPS, (1000, 1000)), []))

    for event in events:
        if event.kind in ("entered", "left"):
            seen[person_of(event.visit.track_id)].append(event.kind)
    begun = sum(event.kind in ("entered", "appeared") for event in events)
    assert seen == list(truths)
    assert end.totals["court"].entries == sum(truth.count("entered") for truth in truths)
    assert end.totals["court"].exits == sum(truth.count("left") for truth in truths)
    assert (end.totals["court"].occupancy, end.totals["court"].num_visits) == (0, begun)


STEADY = Camera(lost=0, hidden=0, flicker=0, switch=0, crowd=0)


@settings(max_examples=50, deadline=None)
@given(court=COURTS, moves=st.lists(MOVES, min_size=1, max_size=6), seed=SEEDS)
def test_dwell_of_simulated_walkers(court: Court, moves: list[Move], seed: int) -> None:
    """A dwell time is off by the time through the band and one look, at either end."""
    walking = [m for m in moves if m.kind in ("straight", "curved")]
    way, truth = court.walk(False, walking)
    visits = ZoneVisits({"court": court.zone})
    dwells = []

    for tracks in STEADY.film([way], mirror=court.mirror, rng=np.random.default_rng(seed)):
        events = visits.update(tracks).events
        dwells += [e.visit.dwell_seconds for e in events if e.kind == "left"]

    crossings = _crossings(court, way)
    assert len(crossings) == len(truth)
    for (entry, late_in), (exit_, late_out), dwell in zip(
        crossings[::2], crossings[1::2], dwells, strict=False
    ):
        assert abs(dwell - (exit_ - entry)) <= late_in + late_out + 2 / FPS + 1e-9
    assert len(dwells) == len(crossings) // 2


def _crossings(court: Court, way: Way) -> list[tuple[float, float]]:
    """Return when the continuous way meets the rim, and for how long it is near the rim."""
    depth = _each(court.depth, way.places)
    found = []
    for index in np.flatnonzero(np.diff(np.sign(depth))):
        share = depth[index] / (depth[index] - depth[index + 1])
        found.append(((index + share) / FPS, _seconds_near(court, way.places, int(index))))
    return found


def _seconds_near(court: Court, places: F64, index: int) -> float:
    """Return for how long one is so near the rim that trembling may keep one in the band."""
    fine = np.linspace(max(index - 30, 0), min(index + 31, len(places) - 1), 1500)
    steps = np.arange(len(places))
    path = np.stack([np.interp(fine, steps, places[:, axis]) for axis in (0, 1)], axis=1)
    is_near = _each(court.rim_distance, path) <= BAND + TREMBLE * math.sqrt(2)
    return float(np.count_nonzero(is_near) * (fine[1] - fine[0]) / FPS)


def _each(measure: Callable[[F64], Any], places: F64) -> F64:
    return np.array([measure(place) for place in places])
