"""Score a tracker on MOT17 val-half with TrackEval, and time it.

    python benchmarks/mot17.py --data ../shared/data --tracker motiontrack [--warps]

Protocol: the second half of each sequence (frames n // 2 + 2 to n, renumbered from 1), the
detections of ``det_yolox_x.txt``, boxes kept when w * h > 100 and w / h <= 1.6, TrackEval's
MotChallenge2DBox, class pedestrian. The sequences and their licence are told in the README of
the data folder; nothing of them is part of this repository.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from videoflow.data import Detections, MotRows, Stamp, Tracks, read_mot, read_warps
from videoflow.evaluation import MotScore, score_mot
from videoflow.vision.boxes import F64
from videoflow.vision.trackers import BotSort, ByteTrack, MotionTrack, OcSort, Sort, Tracker

SEQUENCES = ("MOT17-02", "MOT17-04", "MOT17-05", "MOT17-10")
TRACKERS: dict[str, Callable[[], Tracker]] = {
    "motiontrack": MotionTrack,
    "bytetrack": ByteTrack,
    "ocsort": OcSort,
    "sort": Sort,
    "botsort": BotSort,
}


def main() -> None:
    """Print a table of scores and the time a frame takes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, default=default_data())
    parser.add_argument("--tracker", choices=TRACKERS, default="motiontrack")
    parser.add_argument("--warps", action="store_true", help="hand in gmc.txt's camera motion")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    scores, milliseconds = evaluate(
        options.data, TRACKERS[options.tracker], with_warps=options.warps
    )
    print("sequence      HOTA   MOTA   IDF1  IDs")
    for name, s in scores.items():
        print(f"{name:<12}{s.hota:6.2f} {s.mota:6.2f} {s.idf1:6.2f} {s.id_switches:4d}")
    print(f"{milliseconds:.2f} ms a frame")
    if options.json:
        figures = {name: [s.hota, s.mota, s.idf1, s.id_switches] for name, s in scores.items()}
        options.json.write_text(json.dumps({"scores": figures, "ms_per_frame": milliseconds}))


def default_data() -> Path:
    """Return the data folder: ``$VIDEOFLOW_TEST_DATA``, or beside the repository."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    return Path(os.environ.get("VIDEOFLOW_TEST_DATA", beside))


def evaluate(
    data: Path, make: Callable[[], Tracker], *, with_warps: bool = False
) -> tuple[dict[str, MotScore], float]:
    """Track and score all sequences, each with a new tracker.

    Returns:
        Name to score, ``together`` last; and the tracker's milliseconds a frame.
    """
    pairs = {}
    seconds, num_frames = 0.0, 0
    for name in SEQUENCES:
        sequence = data / "mot17" / name
        truth, frames = val_half(sequence)
        warps = read_warps(sequence / "gmc.txt")[-len(frames) :] if with_warps else None
        began = time.process_time()
        tracks = follow(make(), frames, warps)
        seconds += time.process_time() - began
        num_frames += len(frames)
        pairs[name] = (truth, kept(tracks))
    return score_mot(pairs), 1000 * seconds / num_frames


def val_half(sequence: Path) -> tuple[MotRows, list[Detections]]:
    """Return the ground truth and the detections of the second half, from frame 1."""
    lines = (sequence / "seqinfo.ini").read_text().splitlines()
    length = int(next(line.split("=")[1] for line in lines if line.startswith("seqLength")))
    first = length // 2 + 2
    found = read_mot(sequence / "det_yolox_x.txt").between(first, length)
    stamps = [
        Stamp("mot17", index, index / 30, (1080, 1920)) for index in range(length - first + 1)
    ]
    frames = [found.detections(stamp.index + 1, stamp) for stamp in stamps]
    return read_mot(sequence / "gt.txt").between(first, length), frames


def follow(
    tracker: Tracker, frames: list[Detections], warps: F64 | None = None
) -> list[Tracks]:
    """Run a tracker over the frames."""
    of_frames = [None] * len(frames) if warps is None else warps
    return [tracker.update(d, warp=warp) for d, warp in zip(frames, of_frames, strict=True)]


def kept(tracks: list[Tracks]) -> MotRows:
    """Return the boxes that the protocol keeps."""
    frames = np.repeat([of.stamp.index + 1 for of in tracks], [len(of) for of in tracks])
    boxes = np.concatenate([of.boxes_xyxy for of in tracks]).astype(np.float64)
    boxes[:, 2:] -= boxes[:, :2]
    width, height = boxes[:, 2:].T
    rows = (width * height > 100) & (width <= 1.6 * height)
    ids = np.concatenate([of.ids for of in tracks])
    return MotRows(frames[rows], ids[rows], boxes[rows], np.ones(rows.sum()))


if __name__ == "__main__":
    main()
