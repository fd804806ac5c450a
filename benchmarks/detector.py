"""Time of each step of detection, in milliseconds a frame.

    python benchmarks/detector.py vtest.avi --threads 2

Reads some frames of a video as NV12 into memory, then times preprocess, network and
postprocess at several batch sizes. Prints one JSON object; each figure is the median of the
rounds, and the rounds of the batch sizes take turns, so that all share the machine's moods.

Under glibc a process gives freed memory back at once, and pays for it with page faults at the
next batch. ``MALLOC_TRIM_THRESHOLD_=536870912 MALLOC_MMAP_THRESHOLD_=33554432`` in front of
the command measures the network without them. Beside other busy processes, idle OpenMP threads
that spin cost more than all the rest; ``OMP_WAIT_POLICY=passive`` lets them sleep.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import av
import torch

from videoflow.data import Frame, Stamp
from videoflow.nets.detector import DenseDetector
from videoflow.nets.load import Precision, load_detector
from videoflow.nets.postprocess import make_detections
from videoflow.nets.preprocess import make_inputs


def read_frames(path: Path, num_frames: int) -> list[Frame]:
    """Return the first frames of a video as NV12 on the CPU."""
    frames = []
    with av.open(str(path)) as container:
        for index, picture in enumerate(container.decode(video=0)):
            if index == num_frames:
                break
            pixels = torch.from_numpy(picture.to_ndarray(format="nv12"))
            stamp = Stamp(path.stem, index, picture.time, (picture.height, picture.width))
            frames.append(Frame(pixels, stamp))
    return frames


@torch.inference_mode()
def time_steps(detector: DenseDetector, frames: list[Frame]) -> dict[str, float]:
    """Return seconds for each step of one batch."""
    (batch,), preprocess = _timed(
        lambda: make_inputs(
            frames,
            contract=detector.contract,
            input_size=detector.input_size,
            device=detector.device,
            dtype=detector.dtype,
        ),
        detector.device,
    )
    predictions, network = _timed(lambda: detector.network(batch.images), detector.device)
    _, postprocess = _timed(
        lambda: make_detections(
            predictions,
            stamps=[frame.stamp for frame in frames],
            letterboxes=batch.letterboxes,
            selection=detector.selection,
        ),
        detector.device,
    )
    return {"preprocess": preprocess, "network": network, "postprocess": postprocess}


def _timed(step: Callable[[], Any], device: torch.device) -> tuple[Any, float]:
    start = time.perf_counter()
    result = step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return result, time.perf_counter() - start


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--model", default="yolox_nano")
    parser.add_argument("--input-size", type=int, default=416)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    detector = load_detector(
        chosen.model,
        input_size=chosen.input_size,
        device=chosen.device,
        precision=cast("Precision", chosen.precision),
    )
    assert isinstance(detector, DenseDetector)
    frames = read_frames(chosen.video, max(chosen.batch_sizes))
    rounds: dict[tuple[int, str], list[float]] = defaultdict(list)
    for turn in range(chosen.rounds + 2):
        for size in chosen.batch_sizes:
            for step, seconds in time_steps(detector, frames[:size]).items():
                if turn >= 2:  # the first rounds warm up
                    rounds[size, step].append(1e3 * seconds / size)
    result: dict[str, Any] = {
        "benchmark": "detector",
        "model": chosen.model,
        "input_size": chosen.input_size,
        "precision": chosen.precision,
        "device": str(detector.device),
        "threads": chosen.threads,
        "processor": f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
        "torch": torch.__version__,
        "source_hw": list(frames[0].size_hw),
        "ms_per_frame": {
            f"batch_{size}": {
                step: round(statistics.median(rounds[size, step]), 3)
                for step in ("preprocess", "network", "postprocess")
            }
            for size in chosen.batch_sizes
        },
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
