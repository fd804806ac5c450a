"""Time of hiding faces, in processor milliseconds a frame of 1920 x 1080.

    python benchmarks/face_blurrer.py --people 20

Prints one JSON object: the median over the rounds for each layout and method, which take turns.
The copy of the frame, which a flow makes into a slot, is part of it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import defaultdict

import numpy as np
import torch

from videoflow.data import Detections, Frame, Stamp
from videoflow.processors import FaceBlurrer

SIZE = (1080, 1920)


def measure(num_people: int, *, num_rounds: int) -> dict[str, float]:
    """Return the median for each layout and method."""
    stamp = Stamp("noise", 0, 0.0, SIZE)
    frames = [
        Frame(torch.randint(0, 256, (1620, 1920), dtype=torch.uint8), stamp),
        Frame(torch.randint(0, 256, (3, *SIZE), dtype=torch.uint8), stamp, "rgb"),
    ]
    left_top = np.random.default_rng(0).uniform((0, 0), (1840, 880), (num_people, 2))
    right_bottom = left_top + np.array([80, 200])
    boxes = np.hstack([left_top, right_bottom]).astype(np.float32)
    ones = np.ones(num_people, np.float32)
    people = Detections(stamp, boxes, ones, np.zeros(num_people, np.int64))
    seconds = defaultdict(list)
    for _ in range(num_rounds):
        for frame in frames:
            for node in (FaceBlurrer(method="pixelate"), FaceBlurrer(method="smooth")):
                state = node.make_state("noise")
                start = time.process_time()
                node.process(state, frame, people)
                seconds[f"{frame.layout}_{node.method}"].append(time.process_time() - start)
    return {key: round(statistics.median(each) * 1e3, 2) for key, each in seconds.items()}


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    figures = measure(chosen.people, num_rounds=chosen.rounds)
    print(json.dumps({"people": chosen.people, "threads": chosen.threads, **figures}))


if __name__ == "__main__":
    main()
