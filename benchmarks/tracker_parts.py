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
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import mean

import numpy as np
from mot17 import SEQUENCES, default_data, follow, kept

from videoflow.data import Detections, MotRows, Stamp, read_mot, read_warps
from videoflow.evaluation import score_mot
from videoflow.vision.boxes import F64, iou
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
    views = {name: read_view(options.data, name) for name in VIEWS}
    for variant, (make, with_warps) in VARIANTS.items():
        row = {
            name: together(sequences, make, with_warps=with_warps)
            for name, sequences in views.items()
        }
        row["mean"] = mean(row.values())
        figures[variant] = row
        print(f"{variant:<28}" + "".join(f"{value:11.2f}" for value in row.values()))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at a sequence: its truth, its detections, its camera's motion."""

    truth: MotRows
    frames: list[Detections]
    warps: F64


def read_view(data: Path, name: str) -> dict[str, View]:
    """Return one view of all sequences."""
    rng = np.random.default_rng(5)
    views = {}
    for sequence in SEQUENCES:
        folder = data / "mot17" / sequence
        warps = read_warps(folder / "gmc.txt")  # one for each frame of the sequence
        numbers = frames_of(name, len(warps))
        found = read_mot(folder / "det_yolox_x.txt")
        frames = []
        for index, number in enumerate(numbers):
            stamp = Stamp(sequence, index, index / 30, (1080, 1920))
            here = found.detections(number, stamp)
            is_kept = rng.random(len(here)) > (0.1 if name == "dropped" else 0.0)
            frames.append(here[is_kept])
        truth = renumbered(read_mot(folder / "gt.txt"), numbers)
        views[sequence] = View(truth, frames, chained(warps, numbers))
    return views


def frames_of(view: str, length: int) -> list[int]:
    """Return the frames of a view, counted from 1 in the sequence."""
    if view == "first":
        return list(range(1, length // 2 + 1))
    return list(range(length // 2 + 2, length + 1, 2 if view == "half rate" else 1))


def renumbered(truth: MotRows, numbers: list[int]) -> MotRows:
    """Return the rows of some frames, these counted from 1."""
    rows = np.isin(truth.frames, numbers)
    return MotRows(
        np.searchsorted(numbers, truth.frames[rows]) + 1,
        truth.ids[rows],
        truth.boxes_xywh[rows],
        truth.scores[rows],
        None if truth.classes is None else truth.classes[rows],
    )


def chained(warps: F64, numbers: list[int]) -> F64:
    """Return the camera's motion into each frame of a view from the one before it there."""
    chain = [np.eye(2, 3)]
    for before, number in pairwise(numbers):
        motion = np.eye(3)
        for warp in warps[before:number]:  # warps[n] is that into frame n + 1
            motion = np.vstack([warp, [0, 0, 1]]) @ motion
        chain.append(motion[:2])
    return np.stack(chain)


def together(
    sequences: dict[str, View], make: Callable[[], Tracker], *, with_warps: bool
) -> float:
    """Track all sequences of a view; return the HOTA of them all."""
    pairs = {
        name: (
            view.truth,
            kept(follow(make(), view.frames, view.warps if with_warps else None)),
        )
        for name, view in sequences.items()
    }
    return score_mot(pairs)["together"].hota


if __name__ == "__main__":
    main()
