"""Time the counters on people who wander about, 20 of them and crowds.

    python benchmarks/counting.py

Two lines, two zones, a heat map of cells of 16 px in 1080p, speeds in a window of a second. A
new id comes and an old one goes every 20 frames.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine

from videoflow.data import Homography, Line, Polygon, Stamp, Tracks
from videoflow.vision.counting import FloorSpeeds, LineCrossings, StandingHeat, ZoneVisits

SIZE = (1080, 1920)
NUM_FRAMES = 300
LINES = {"down": Line((0, 500), (1900, 500)), "right": Line((900, 1000), (900, 0))}
ZONES = {
    "square": Polygon(((100, 100), (500, 100), (500, 500), (100, 500))),
    "house": Polygon(((600, 600), (900, 600), (900, 900), (750, 950), (600, 900))),
}
COUNTERS: dict[str, Callable[[], Any]] = {
    "lines": lambda: LineCrossings(LINES),
    "zones": lambda: ZoneVisits(ZONES),
    "heat": StandingHeat,
    "speeds": lambda: FloorSpeeds(Homography(np.diag([0.01, 0.01, 1.0]))),
}


def main() -> None:
    """Print the median milliseconds that a frame takes each counter."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    figures = {}
    for num_people in (20, 200, 2000):
        films = list(wander(num_people))
        figures[num_people] = {name: measure(make(), films) for name, make in COUNTERS.items()}
        told = "  ".join(f"{name} {ms:.3f}" for name, ms in figures[num_people].items())
        print(f"{num_people:5d} people, ms a frame: {told}")
    if options.json:
        options.json.write_text(
            json.dumps({"machine": machine(), "ms_per_frame": figures}, indent=1) + "\n"
        )


def wander(num_people: int) -> Iterator[Tracks]:
    """Yield the tracks of people on a random walk, the same each time."""
    rng = np.random.default_rng(0)
    feet = rng.uniform(0, 1000, (num_people, 2))
    steps = rng.normal(0, 5, (num_people, 2))
    scores, labels = np.ones(num_people, np.float32), np.zeros(num_people, np.int64)
    for index in range(NUM_FRAMES):
        feet, steps = (feet + steps) % 1000, steps + rng.normal(0, 0.5, steps.shape)
        ids = np.arange(1, num_people + 1) + index // 20
        boxes = np.tile(feet, 2) + np.array([-20, -100, 20, 0])
        stamp = Stamp("cam", index, index / 25, SIZE)
        yield Tracks(stamp, ids, boxes.astype(np.float32), scores, labels)


def measure(counter: Any, films: list[Tracks]) -> float:
    """Return the median milliseconds of a frame."""
    seconds = []
    for tracks in films:
        start = time.perf_counter()
        counter.update(tracks)
        seconds.append(time.perf_counter() - start)
    return round(statistics.median(seconds) * 1000, 4)


if __name__ == "__main__":
    main()
