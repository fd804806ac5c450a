"""Time the trackers beside those of the library ``trackers``, and many streams at once.

    python benchmarks/trackers.py --data ../shared/data

The detections are those of MOT17 val-half, prepared for either side outside the timing. All is
timed in one process on one thread, the two sides alternating; a figure is the median of the
repeats, in processor time, so that what else runs on the machine disturbs little. The library
is an optional one: ``pip install "videoflow[bench]"``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before NumPy is imported

from machine import machine
from mot17 import SEQUENCES, TRACKERS, default_data, val_half

from videoflow.data import Detections
from videoflow.vision.trackers import Tracker, update_many

NUM_STREAMS = 64
NUM_BATCHED_FRAMES = 60
Run = Callable[[], int]
"""Do the work of one repeat; return how many frames that was."""


def main() -> None:
    """Print a table of times and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, default=default_data())
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    sequences = read_sequences(options.data)
    figures = {}
    print("tracker        ms a frame   library   ratio   64 streams   ratio to one by one")
    for name, make in TRACKERS.items():
        runs = {"ours": lambda make=make: follow(sequences, make)}
        if name in LIBRARY:
            theirs = to_supervision(sequences, least_score=LEAST_SCORES.get(name, 0.0))
            runs["library"] = lambda name=name, theirs=theirs: follow_library(theirs, name)
        runs["one_by_one"] = lambda make=make: follow_streams(sequences, make, batched=False)
        runs["batched"] = lambda make=make: follow_streams(sequences, make, batched=True)
        ms = medians(runs, options.repeats)
        figures[name] = ms
        library = (
            f"{ms['library']:9.3f} {ms['library'] / ms['ours']:7.2f}"
            if name in LIBRARY
            else " " * 17
        )
        print(
            f"{name:<14}{ms['ours']:10.3f} {library} {ms['batched']:12.3f} "
            f"{ms['one_by_one'] / ms['batched']:12.2f}"
        )
    if options.json:
        result = {"machine": machine(), "ms_per_frame": figures, "num_streams": NUM_STREAMS}
        options.json.write_text(json.dumps(result, indent=2) + "\n")


LIBRARY = {"bytetrack": "ByteTrackTracker", "ocsort": "OCSORTTracker", "sort": "SORTTracker"}
LEAST_SCORES = {"sort": 0.6}  # the library's SORT takes every box that it is given


def read_sequences(data: Path) -> list[list[Detections]]:
    """Return the detections of the val halves, frame by frame."""
    return [val_half(data / "mot17" / name)[1] for name in SEQUENCES]


def medians(runs: dict[str, Run], repeats: int) -> dict[str, float]:
    """Return the median milliseconds a frame of each, all of them run in turn."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            began = time.process_time()
            num_frames = run()
            times[name].append(1000 * (time.process_time() - began) / num_frames)
    return {name: median(values) for name, values in times.items()}


def follow(sequences: list[list[Detections]], make: Callable[[], Tracker]) -> int:
    """Run our tracker over all sequences."""
    for frames in sequences:
        tracker = make()
        for found in frames:
            tracker.update(found)
    return sum(map(len, sequences))


def follow_streams(
    sequences: list[list[Detections]], make: Callable[[], Tracker], *, batched: bool
) -> int:
    """Run 64 streams side by side, each beginning elsewhere in a sequence."""
    trackers = [make() for _ in range(NUM_STREAMS)]
    for index in range(NUM_BATCHED_FRAMES):
        now = []
        for stream in range(NUM_STREAMS):
            frames = sequences[stream % len(sequences)]
            now.append(frames[(stream * 4 + index) % len(frames)])
        if batched:
            update_many(trackers, now)
        else:
            for tracker, found in zip(trackers, now, strict=True):
                tracker.update(found)
    return NUM_BATCHED_FRAMES * NUM_STREAMS


def to_supervision(sequences: list[list[Detections]], *, least_score: float) -> list[list[Any]]:
    """Return the same detections as the library takes them."""
    import supervision

    return [
        [
            supervision.Detections(
                xyxy=found.boxes_xyxy, confidence=found.scores, class_id=found.labels
            )
            for found in (look[look.scores >= least_score] for look in frames)
        ]
        for frames in sequences
    ]


def follow_library(sequences: list[list[Any]], name: str) -> int:
    """Run the library's tracker over all sequences."""
    make = getattr(the_library(), LIBRARY[name])
    for frames in sequences:
        tracker = make()
        for found in frames:
            tracker.update(found)
    return sum(map(len, sequences))


def the_library() -> Any:
    """Import the library ``trackers``, which this file has the name of."""
    found = sys.modules.get("trackers")
    if found is None:
        here = Path(__file__).parent.resolve()
        path, sys.path = sys.path, [p for p in sys.path if Path(p).resolve() != here]
        try:
            found = importlib.import_module("trackers")
        finally:
            sys.path = path
    return found


if __name__ == "__main__":
    main()
