"""Measure what each part of ``MotionTrack`` brings, by leaving it out.

    python benchmarks/tracker_parts.py --data ../shared/data

Beside the MOT17 val half, as in ``mot17.py``, each variant is scored on the first half of the
sequences, on every second frame of the val half, and with one detection in ten thrown away:
one figure alone is luck to some tenths. For other cameras and another detector
see ``tests/vision/trackers/test_figures.py``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

import numpy as np
from mot17 import (
    SEQUENCES,
    default_data,
    detections,
    follow,
    sequence_length,
    trackeval_scores,
    write_tracks,
)

from videoflow.data import Detections
from videoflow.vision.boxes import F64, iou
from videoflow.vision.camera_motion import read_warps
from videoflow.vision.kalman import AspectMotion, SidesMotion
from videoflow.vision.trackers import ByteTrack, MotionTrack, Tracker
from videoflow.vision.trackers import table as c
from videoflow.vision.trackers.strength import whole_pixels
from videoflow.vision.trackers.tracker import Pairs

VIEWS = ("val", "first", "half rate", "dropped")


class WithoutShift(MotionTrack):
    """The camera's motion is not felt."""

    def _shift(self, tracks: F64, boxes_xyxy: F64, found: F64, known: Pairs) -> F64 | None:
        return None


class WithoutHeights(MotionTrack):
    """Overlap of the areas alone."""

    def _likeness(self, tracks: F64, boxes_xyxy: F64, found: F64) -> tuple[F64, F64]:
        overlap = iou(whole_pixels(boxes_xyxy), whole_pixels(found[:, c.BOX]))
        overlap *= tracks[:, c.LABEL, None] == found[:, c.FOUND_LABEL]
        return overlap * found[:, c.FOUND_SCORE], overlap


def without_lost() -> Tracker:
    """Return one whose weak boxes find no lost tracks, at ByteTrack's gate."""
    tracker = MotionTrack()
    tracker._gates = replace(tracker._gates, weak=0.5, weak_finds_lost=False)
    return tracker


def without_doubt() -> Tracker:
    """Return one that believes sides as much as places."""
    tracker = MotionTrack()
    tracker._motion = SidesMotion()
    return tracker


def without_sides() -> Tracker:
    """Return one with ByteTrack's filter."""
    tracker = MotionTrack()
    tracker._motion = AspectMotion()
    return tracker


VARIANTS: dict[str, tuple[Callable[[], Tracker], bool]] = {
    "all, with warps": (MotionTrack, True),
    "all": (MotionTrack, False),
    "- camera felt from boxes": (WithoutShift, False),
    "- height overlap": (WithoutHeights, False),
    "- weak boxes find the lost": (without_lost, False),
    "- doubt of sides": (without_doubt, False),
    "- width and height filter": (without_sides, False),
    "ByteTrack": (ByteTrack, False),
}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, default=default_data())
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    figures = {}
    print(f"{'HOTA':<28}" + "".join(f"{name:>11}" for name in (*VIEWS, "mean")))
    with TemporaryDirectory() as folder:
        views = {name: read_view(options.data, Path(folder) / name, name) for name in VIEWS}
        for variant, (make, with_warps) in VARIANTS.items():
            row = {}
            for name, sequences in views.items():
                score(sequences, Path(folder) / name, make, with_warps=with_warps)
                row[name] = trackeval_scores(Path(folder) / name)["together"].hota
            row["mean"] = mean(row.values())
            figures[variant] = row
            print(f"{variant:<28}" + "".join(f"{value:11.2f}" for value in row.values()))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


Sequence = tuple[list[Detections], list[F64 | None]]


def read_view(data: Path, root: Path, view: str) -> dict[str, Sequence]:
    """Write the ground truth of one view of all sequences; return detections and warps."""
    sequences = {}
    rng = np.random.default_rng(5)
    for name in SEQUENCES:
        folder = data / "mot17" / name
        frames = frames_of(view, sequence_length(folder))
        write_truth(folder, root / "gt" / name, frames)
        rows = np.loadtxt(folder / "det_yolox_x.txt", delimiter=",", ndmin=2)
        found = []
        for index, frame in enumerate(frames):
            here = rows[rows[:, 0] == frame]
            if view == "dropped":
                here = here[rng.random(len(here)) > 0.1]
            found.append(detections(here, index))
        sequences[name] = (found, chained(read_warps(folder / "gmc.txt"), frames))
    return sequences


def frames_of(view: str, length: int) -> list[int]:
    """Return the frames of a view, counted from 1 in the sequence."""
    if view == "first":
        return list(range(1, length // 2 + 1))
    return list(range(length // 2 + 2, length + 1, 2 if view == "half rate" else 1))


def write_truth(folder: Path, home: Path, frames: list[int]) -> None:
    """Write the ground truth of some frames, renumbered from 1."""
    truth = np.loadtxt(folder / "gt.txt", delimiter=",", ndmin=2)
    truth = truth[np.isin(truth[:, 0], frames)]
    truth[:, 0] = np.searchsorted(frames, truth[:, 0]) + 1
    (home / "gt").mkdir(parents=True)
    np.savetxt(home / "gt" / "gt.txt", truth, delimiter=",", fmt="%g")
    text = f"[Sequence]\nname={home.name}\nseqLength={len(frames)}\n"
    (home / "seqinfo.ini").write_text(text)


def chained(warps: dict[int, F64], frames: list[int]) -> list[F64 | None]:
    """Return the camera's motion from each frame of a view to its next."""
    chain: list[F64 | None] = [None]
    for before, frame in pairwise(frames):
        motion = np.eye(3)
        for index in range(before, frame):  # frames count from 1 here, and from 0 there
            motion = np.vstack([warps.get(index, np.eye(2, 3)), [0, 0, 1]]) @ motion
        chain.append(motion[:2])
    return chain


def score(
    sequences: dict[str, Sequence],
    root: Path,
    make: Callable[[], Tracker],
    *,
    with_warps: bool,
) -> None:
    """Track all sequences of a view and write the tracks for TrackEval."""
    for name, (found, warps) in sequences.items():
        tracks = follow(make(), found, warps if with_warps else None)
        write_tracks(tracks, root / "trackers" / "ours" / "data" / f"{name}.txt")


if __name__ == "__main__":
    main()
