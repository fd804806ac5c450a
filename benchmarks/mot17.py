"""Score a tracker on MOT17 val-half with TrackEval, and time it.

    python benchmarks/mot17.py --data ../shared/data --tracker motiontrack [--warps]

Protocol: the second half of each sequence (frames n // 2 + 2 to n, renumbered from 1), the
detections of ``det_yolox_x.txt``, boxes kept when w * h > 100 and w / h <= 1.6, TrackEval's
MotChallenge2DBox, class pedestrian. The sequences and their licence are told in the README of
the data folder; nothing of them is part of this repository.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from videoflow.data import Detections, Stamp, Tracks
from videoflow.vision.boxes import F64
from videoflow.vision.camera_motion import read_warps
from videoflow.vision.trackers import BotSort, ByteTrack, MotionTrack, OcSort, Sort, Tracker

SEQUENCES = ("MOT17-02", "MOT17-04", "MOT17-05", "MOT17-10")
TRACKERS: dict[str, Callable[[], Tracker]] = {
    "motiontrack": MotionTrack,
    "bytetrack": ByteTrack,
    "ocsort": OcSort,
    "sort": Sort,
    "botsort": BotSort,
}


@dataclass(frozen=True, slots=True)
class Score:
    """TrackEval's verdict on one sequence, in per cent, and the number of id switches."""

    hota: float
    mota: float
    idf1: float
    id_switches: int


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
) -> tuple[dict[str, Score], float]:
    """Track and score all sequences, each with a new tracker.

    Returns:
        Name to score, ``together`` last; and the tracker's milliseconds a frame.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        seconds, num_frames = 0.0, 0
        for name in SEQUENCES:
            frames, before = val_half(data / "mot17" / name, root, name)
            warps = warps_of(data / "mot17" / name, before, len(frames)) if with_warps else None
            began = time.process_time()
            tracks = follow(make(), frames, warps)
            seconds += time.process_time() - began
            num_frames += len(frames)
            write_tracks(tracks, root / "trackers" / "ours" / "data" / f"{name}.txt")
        return trackeval_scores(root), 1000 * seconds / num_frames


def num_frames_before(sequence: Path) -> int:
    """Return how many frames come before the val half."""
    return sequence_length(sequence) // 2 + 1


def sequence_length(sequence: Path) -> int:
    """Read ``seqLength``."""
    lines = (sequence / "seqinfo.ini").read_text().splitlines()
    return int(next(line.split("=")[1] for line in lines if line.startswith("seqLength")))


def val_half(sequence: Path, root: Path, name: str) -> tuple[list[Detections], int]:
    """Write the ground truth of the val half for TrackEval; return its detections."""
    length, before = sequence_length(sequence), num_frames_before(sequence)
    truth = np.loadtxt(sequence / "gt.txt", delimiter=",", ndmin=2)
    truth = truth[truth[:, 0] > before]
    truth[:, 0] -= before
    home = root / "gt" / name
    (home / "gt").mkdir(parents=True)
    np.savetxt(home / "gt" / "gt.txt", truth, delimiter=",", fmt="%g")
    (home / "seqinfo.ini").write_text(f"[Sequence]\nname={name}\nseqLength={length - before}\n")
    rows = np.loadtxt(sequence / "det_yolox_x.txt", delimiter=",", ndmin=2)
    frames = [rows[rows[:, 0] == before + 1 + i] for i in range(length - before)]
    return [detections(of_frame, i) for i, of_frame in enumerate(frames)], before


def detections(rows: F64, index: int) -> Detections:
    """Turn rows of frame, id, x, y, w, h, score into the detections of frame ``index``."""
    boxes = np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1)
    stamp = Stamp("mot17", index, index / 30, (1080, 1920))
    labels = np.zeros(len(rows), np.int64)
    return Detections(stamp, boxes.astype(np.float32), rows[:, 6].astype(np.float32), labels)


def warps_of(sequence: Path, before: int, num_frames: int) -> list[F64 | None]:
    """Return the camera motion into each frame of the val half; its file counts all frames."""
    warps = read_warps(sequence / "gmc.txt")
    return [warps.get(before + index) for index in range(num_frames)]


def follow(
    tracker: Tracker, frames: list[Detections], warps: Sequence[F64 | None] | None = None
) -> list[Tracks]:
    """Run a tracker over the frames."""
    warps = warps or [None] * len(frames)
    return [tracker.update(d, warp=warp) for d, warp in zip(frames, warps, strict=True)]


def write_tracks(tracks: list[Tracks], path: Path) -> None:
    """Write the boxes that the protocol keeps, in MOTChallenge form."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        for of_frame in tracks:
            for track_id, box in zip(of_frame.ids, of_frame.boxes_xyxy, strict=True):
                x, y, w, h = box[0], box[1], box[2] - box[0], box[3] - box[1]
                if w * h > 100 and w / h <= 1.6:
                    frame = of_frame.stamp.index + 1
                    place = f"{x:.2f},{y:.2f},{w:.2f},{h:.2f}"
                    file.write(f"{frame},{track_id},{place},1,-1,-1,-1\n")


def trackeval_scores(root: Path) -> dict[str, Score]:
    """Hand the files under ``root`` to TrackEval."""
    import trackeval

    dataset = trackeval.datasets.MotChallenge2DBox(
        {
            "GT_FOLDER": str(root / "gt"),
            "TRACKERS_FOLDER": str(root / "trackers"),
            "SEQ_INFO": dict.fromkeys(SEQUENCES),
            "SKIP_SPLIT_FOL": True,
            "DO_PREPROC": True,
            "PRINT_CONFIG": False,
        }
    )
    quiet = dict.fromkeys(
        ("PRINT_RESULTS", "PRINT_CONFIG", "TIME_PROGRESS", "OUTPUT_SUMMARY"), False
    )
    files = dict.fromkeys(("OUTPUT_DETAILED", "PLOT_CURVES", "OUTPUT_EMPTY_CLASSES"), False)
    evaluator = trackeval.Evaluator(quiet | files | {"USE_PARALLEL": False})
    parts = trackeval.metrics
    metrics = [
        parts.HOTA(),
        parts.CLEAR({"PRINT_CONFIG": False}),
        parts.Identity({"PRINT_CONFIG": False}),
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        results, _ = evaluator.evaluate([dataset], metrics)
    table = results["MotChallenge2DBox"]["ours"]
    names = {name: name for name in SEQUENCES} | {"COMBINED_SEQ": "together"}
    return {shown: _score(table[name]["pedestrian"]) for name, shown in names.items()}


def _score(result: dict[str, dict[str, float]]) -> Score:
    return Score(
        hota=100 * float(np.mean(result["HOTA"]["HOTA"])),
        mota=100 * float(result["CLEAR"]["MOTA"]),
        idf1=100 * float(result["Identity"]["IDF1"]),
        id_switches=int(result["CLEAR"]["IDSW"]),
    )


if __name__ == "__main__":
    main()
