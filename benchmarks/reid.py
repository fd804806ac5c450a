"""How well a model for embeddings tells the people of ``vtest.avi`` apart, and how fast.

    python benchmarks/reid.py ../shared/data

Takes every person of the ground truth (frames 1 to 69: 337 boxes of 6 people) and compares
those that are a second or more apart: neighbouring frames are too alike to say anything.
``same`` and ``different`` are the mean inner products of pairs of one and of two people,
``auc`` the chance that a pair of one person scores above a pair of two, ``rank1`` how often
the box most like another, among all that are a second away, shows the same person. Prints one
JSON object. The ground truth is told in the README of the data folder; none of it is here.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import av
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from videoflow.data import Frame, Stamp
from videoflow.nets.load import load_embedder

NUM_FRAMES = 69
LEAST_GAP = 10  # frames; the video has ten a second


def evaluate(data: Path, *, model: str = "osnet_retail_0248") -> dict[str, float]:
    """Return the figures of ``model``, and processor milliseconds a box with all around it."""
    frames = _read_frames(data / "video" / "vtest.avi")
    rows = np.loadtxt(
        data / "pets09_vtest" / "PETS09-S2L1_gt_frames1-69.txt", delimiter=",", ndmin=2
    )
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    boxes = np.hstack([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]]).astype(np.float32)
    times = rows[:, 0].astype(int)
    embedder = load_embedder(model, device="cpu")
    start = time.process_time()
    vectors = embedder.embed(
        frames, [boxes[times == number] for number in range(1, NUM_FRAMES + 1)]
    )
    milliseconds = (time.process_time() - start) / len(rows) * 1e3
    figures = separation(np.concatenate(vectors), rows[:, 1].astype(int), times)
    return {**figures, "cpu_ms_per_box": milliseconds}


def separation(
    vectors: NDArray[np.float32], ids: NDArray[np.int64], times: NDArray[np.int64]
) -> dict[str, float]:
    """Compare every vector with those that are at least ``LEAST_GAP`` frames away."""
    alike = vectors @ vectors.T
    is_far = np.abs(times[:, None] - times) >= LEAST_GAP
    is_same = ids[:, None] == ids
    pairs = np.triu(is_far)
    same, different = alike[pairs & is_same], alike[pairs & ~is_same]
    best = np.where(is_far, alike, -np.inf).argmax(axis=1)
    has_answer = (is_far & is_same).any(axis=1)
    return {
        "same": float(same.mean()),
        "different": float(different.mean()),
        "auc": float(mannwhitneyu(same, different).statistic / len(same) / len(different)),
        "rank1": float((ids[best] == ids)[has_answer].mean()),
    }


def _read_frames(video: Path) -> list[Frame]:
    frames = []
    with av.open(str(video)) as container:
        for index, picture in enumerate(container.decode(video=0)):
            if index == NUM_FRAMES:
                break
            pixels = torch.from_numpy(picture.to_ndarray(format="nv12"))
            stamp = Stamp("vtest", index, index / 10, (picture.height, picture.width))
            frames.append(Frame(pixels, stamp))
    return frames


def main() -> None:
    """Read the arguments, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="osnet_retail_0248")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    print(json.dumps({"model": chosen.model, **evaluate(chosen.data, model=chosen.model)}))


if __name__ == "__main__":
    main()
