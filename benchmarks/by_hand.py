"""Time what Videoflow writes by hand beside the library that does the same.

    python benchmarks/by_hand.py --json benchmarks/results/by_hand-1-thread-cpu-2-cores.json

The cases are those of docs/written-by-hand.md that no other benchmark has. All is timed on one
thread, the two sides in turn; a figure is the median of the rounds, in milliseconds of
processor time a frame, but for ``between_processes``, which is milliseconds of the clock.
The libraries come with ``pip install "videoflow[bench]"``.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before NumPy is imported

import av
import cv2
import numpy as np
import onnxruntime
import supervision as sv
import torch
from machine import machine
from numpy.typing import NDArray
from overhead import NUM_SLOTS, FrameProducer, FrameSum, source_frame, sum_of

from videoflow.consumers import VoidConsumer
from videoflow.core import Flow
from videoflow.data import ColorSpec, Frame, Stamp, Tracks, to_supervision
from videoflow.data.color import nv12_to_rgb
from videoflow.nets.card import InputContract
from videoflow.nets.preprocess import make_inputs
from videoflow.nets.yolox import yolox_nano
from videoflow.processors import SceneAnnotator
from videoflow.vision.camera_motion import estimate_warp

SIZE = (1080, 1920)
COLOR = ColorSpec("bt709", is_full_range=False)
INPUT = InputContract(channels="bgr", size=416, stride=32, pad_value=114)
NUM_TRACKS = 20
NUM_SENT = 300
NUM_FRAMES = {"videoflow_fitted": 4}
"""Of a run, where it is not one."""

Run = Callable[[], object]


def main() -> None:
    """Print a table of times and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--weights", type=Path, help="yolox_nano_coco_416.onnx, to time it")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    planes = nv12()
    cases = {
        "nv12_to_rgb": conversions(planes),
        "network_input": network_inputs(planes),
        "annotation": annotations(planes),
        "camera_shift": camera_shifts(planes),
    }
    if options.weights:
        cases["yolox_nano"] = networks(options.weights)
    figures = {name: medians(runs, options.rounds) for name, runs in cases.items()}
    figures["between_processes"] = hand_overs(max(1, options.rounds // 5))
    for name, ms in figures.items():
        print(f"{name:<18}", *(f"{side} {value:.2f} ms  " for side, value in ms.items()))
    if options.json:
        result = {"machine": machine(), "libraries": versions(), "ms_per_frame": figures}
        options.json.write_text(json.dumps(result, indent=2) + "\n")


def versions() -> dict[str, str]:
    """Return which libraries were timed."""
    libraries = {"opencv": cv2, "supervision": sv, "av": av, "onnxruntime": onnxruntime}
    return {name: library.__version__ for name, library in libraries.items()}


def nv12() -> NDArray[np.uint8]:
    """Return a picture with edges and areas, uint8 ``[1620, 1920]``."""
    small = np.random.default_rng(0).integers(16, 236, (102, 120), dtype=np.uint8)
    return np.asarray(cv2.resize(small, (1920, 1620), interpolation=cv2.INTER_CUBIC))


def medians(runs: dict[str, Run], rounds: int) -> dict[str, float]:
    """Return the median milliseconds of each, all of them run in turn, once for nothing."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for at in range(rounds + 1):
        for name, run in runs.items():
            began = time.process_time()
            run()
            if at:
                seconds = (time.process_time() - began) / NUM_FRAMES.get(name, 1)
                times[name].append(1000 * seconds)
    return {name: round(median(values), 3) for name, values in times.items()}


def conversions(planes: NDArray[np.uint8]) -> dict[str, Run]:
    """A whole picture of 1080p becomes RGB."""
    batch = torch.from_numpy(planes)[None]
    swscale = av.VideoFrame.from_ndarray(planes, format="nv12")
    return {
        "videoflow": lambda: nv12_to_rgb(batch, COLOR),
        "swscale": lambda: swscale.reformat(format="rgb24", dst_colorspace=1).to_ndarray(),
        "opencv": lambda: cv2.cvtColorTwoPlane(*halves(planes), cv2.COLOR_YUV2RGB_NV12),
    }


def network_inputs(planes: NDArray[np.uint8]) -> dict[str, Run]:
    """A picture of 1080p becomes what YOLOX-nano is given: 3 x 256 x 416 numbers."""
    stamp = Stamp("noise", 0, 0.0, SIZE)
    frames = [Frame(torch.from_numpy(planes), stamp, color=COLOR)]
    ours = partial(
        make_inputs, frames, contract=INPUT, input_size=416, device=torch.device("cpu")
    )

    def with_opencv() -> torch.Tensor:
        picture = cv2.cvtColorTwoPlane(*halves(planes), cv2.COLOR_YUV2BGR_NV12)
        content = cv2.resize(picture, (416, 234), interpolation=cv2.INTER_LINEAR)
        padded = np.full((256, 416, 3), 114, np.uint8)
        padded[:234] = content
        return torch.from_numpy(padded).permute(2, 0, 1)[None].float()

    return {"videoflow": ours, "opencv": with_opencv}


def annotations(planes: NDArray[np.uint8]) -> dict[str, Run]:
    """Boxes and labels of 20 tracks are drawn into a copy of a picture of 1080p."""
    rng = np.random.default_rng(1)
    left_top = rng.uniform((0, 0), (1700, 700), (NUM_TRACKS, 2))
    boxes = np.hstack([left_top, left_top + np.array([120, 300])]).astype(np.float32)
    stamp = Stamp("noise", 0, 0.0, SIZE)
    ids, ones = np.arange(1, NUM_TRACKS + 1), np.ones(NUM_TRACKS, np.float32)
    tracks = Tracks(stamp, ids, boxes, ones, np.zeros(NUM_TRACKS, np.int64))
    frame = Frame(torch.from_numpy(planes), stamp, color=COLOR)
    picture = cv2.cvtColorTwoPlane(*halves(planes), cv2.COLOR_YUV2BGR_NV12)
    node = SceneAnnotator(layers=["boxes", "labels"])
    state = node.make_state("noise")
    drawn, box, label = to_supervision(tracks), sv.BoxAnnotator(), sv.LabelAnnotator()
    texts = [f"#{number}" for number in ids]

    def with_supervision(image: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(label.annotate(box.annotate(image, drawn), drawn, texts))

    def there_and_back() -> None:
        with_supervision(cv2.cvtColorTwoPlane(*halves(planes), cv2.COLOR_YUV2BGR_NV12))
        cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)

    return {
        "videoflow": lambda: node.process(state, frame, tracks),
        "supervision": lambda: with_supervision(picture.copy()),
        "supervision_nv12": there_and_back,
    }


def camera_shifts(planes: NDArray[np.uint8]) -> dict[str, Run]:
    """How far the picture moved, from luma planes of a quarter of the size."""
    before = planes[:1080:4, ::4].copy()
    after = np.roll(before, (3, 5), (0, 1))
    window = cv2.createHanningWindow(before.shape[::-1], cv2.CV_64F)

    def with_opencv() -> object:
        return cv2.phaseCorrelate(before.astype(np.float64), after.astype(np.float64), window)

    return {"videoflow": lambda: estimate_warp(before, after), "opencv": with_opencv}


def networks(weights: Path) -> dict[str, Run]:
    """YOLOX-nano for a picture of 416 x 416, and for four as 4:3 pictures are fitted."""
    network = yolox_nano(weights, num_classes=80)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(weights, options, ["CPUExecutionProvider"])
    (name,) = (each.name for each in session.get_inputs())
    square = torch.rand(1, 3, 416, 416).mul_(255)
    fitted = torch.rand(4, 3, 320, 416).mul_(255).to(memory_format=torch.channels_last)

    def forward(images: torch.Tensor) -> object:
        with torch.inference_mode():
            return network(images)

    return {
        "videoflow": lambda: forward(square.to(memory_format=torch.channels_last)),
        "onnxruntime": lambda: session.run(None, {name: square.numpy()}),
        "videoflow_fitted": lambda: forward(fitted),
    }


def halves(planes: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return luma ``[H, W]`` and chroma ``[H / 2, W / 2, 2]`` of NV12."""
    return planes[: SIZE[0]], planes[SIZE[0] :].reshape(SIZE[0] // 2, SIZE[1] // 2, 2)


def hand_overs(rounds: int) -> dict[str, float]:
    """Pictures of 1080p RGB are copied in one process and summed in another."""
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, run in {
            "videoflow": through_flow,
            "multiprocessing": lambda: through_queue(as_tensors=False),
            "torch_multiprocessing": lambda: through_queue(as_tensors=True),
        }.items():
            times.setdefault(name, []).append(1000 * run() / NUM_SENT)
    return {name: round(median(values), 3) for name, values in times.items()}


def through_flow() -> float:
    """Return the seconds of a flow, without those in which its workers start."""
    source = FrameProducer(NUM_SENT)
    sink = VoidConsumer()(FrameSum()(source))
    flow = Flow([source], [sink], placement="process", tickets=NUM_SLOTS)
    return flow.run().join().elapsed_seconds


def through_queue(*, as_tensors: bool) -> float:
    """Return the seconds of a queue of as many places, from its first picture on."""
    context = torch.multiprocessing.get_context("fork")
    queue: Any = context.Queue(NUM_SLOTS)
    done = context.Event()
    child = context.Process(target=_fill, args=(queue, done, as_tensors))
    child.start()
    total = sum_of(np.asarray(queue.get()))
    began = time.monotonic()
    for _ in range(NUM_SENT - 1):
        total += sum_of(np.asarray(queue.get()))
    seconds = time.monotonic() - began
    done.set()
    child.join()
    assert total == NUM_SENT * sum_of(source_frame())
    return seconds


def _fill(queue: Any, done: Any, as_tensors: bool) -> None:
    source = source_frame()
    for _ in range(NUM_SENT):
        queue.put(torch.from_numpy(source).clone() if as_tensors else source.copy())
    done.wait()  # a tensor's memory is its sender's


if __name__ == "__main__":
    main()
