"""What the host pays for a flow on a GPU, worker by worker; the GPU is not there.

    PYTHONPATH=. python benchmarks/host_cost.py --json host_cost.json

Runs the flow of ``gpu.py`` (files to counts, one detector for all streams) with the package's
own host code and stand-ins for all that a GPU does (``host_stand_ins.py``): decoding, the
network and copies take no time, CUDA's calls are not made. What is measured is the processor
time of each worker for a frame of the flow, when all of them have begun. Threads of a process
share one Python lock, so that a worker has one core at most: ``fps_bound`` is where it is full,
and the flow's is the least of them. It is an upper bound: on hardware the driver's calls come
on top. Figures are medians of the rounds, and the numbers of streams take turns.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from host_stand_ins import CannedDetector, FreeReader, write_noise
from machine import machine

from videoflow.consumers import VoidConsumer
from videoflow.core import Flow, ProducerNode, Streams
from videoflow.processors import ByteTracker, LineCounter
from videoflow.runtime import placement as placing
from videoflow.runtime.gpus import Gpu
from videoflow.runtime.local import LocalEngine
from videoflow.runtime.placement import WorkerPlan
from videoflow.runtime.planner import make_plan

GPUS = [Gpu("cuda:0")]
ENGINE = LocalEngine(find_gpus=lambda: GPUS, device_kinds={"cuda": "host_stand_ins:FreeDevice"})
CLIP_FRAMES = 1000
_TASKS = "of the tracker and the counter; never more than there are streams"


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured.

    Attributes:
        num_streams: How many files are read at once.
        nb_tasks: Of the tracker and of the counter.
        num_frames: Of all streams together, after a quarter as many to warm up.
        max_batch_size: Of the detector.
    """

    num_streams: int
    nb_tasks: int
    num_frames: int
    max_batch_size: int


def main() -> None:
    """Print one JSON object."""
    options = _parser().parse_args()
    placing.num_cores = lambda: options.cores  # so that the plan is that of such a machine
    cases = [
        Case(num, tasks, options.frames, options.batch)
        for num in options.streams
        for tasks in options.nb_tasks
        if tasks <= num
    ]
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        write_noise(clip, CLIP_FRAMES)
        rounds = [[measure(clip, case) for case in cases] for _ in range(options.rounds)]
    result = {
        "command": shlex.join(sys.argv),
        "gpu": "stand-ins: nothing is decoded, computed or copied by a GPU",
        **machine(),
        "planned_for_cores": options.cores,
        "cases": [
            {"num_streams": case.num_streams, "nb_tasks": case.nb_tasks}
            | medians([one[at] for one in rounds])
            for at, case in enumerate(cases)
        ],
    }
    text = json.dumps(result, indent=2)
    if options.json:
        options.json.write_text(text + "\n")
    print(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--nb-tasks", type=int, nargs="+", default=[1, 4], help=_TASKS)
    parser.add_argument("--cores", type=int, default=16, help="of the machine to plan for")
    parser.add_argument("--frames", type=int, default=8000, help="that are measured")
    parser.add_argument("--batch", type=int, default=64, help="max_batch_size of the detector")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    return parser


def medians(rounds: list[dict[str, float]]) -> dict[str, Any]:
    """Return what each worker costs in microseconds of a core for a frame of the flow.

    The system counts in hundredths of a second: what took less has no bound.
    """
    microseconds = {name: median(one[name] for one in rounds) * 1e6 for name in rounds[0]}
    bound = max(microseconds, key=microseconds.__getitem__)
    return {
        "cpu_microseconds_per_frame": {n: round(us, 1) for n, us in microseconds.items()},
        "fps_bound": {n: round(1e6 / us) if us else None for n, us in microseconds.items()},
        "bounded_by": bound,
        "flow_fps_bound": round(1e6 / microseconds[bound]),
        "cores_at_5000_fps": round(sum(microseconds.values()) * 5000 / 1e6, 2),
    }


def measure(clip: Path, case: Case) -> dict[str, float]:
    """Return the processor seconds of each worker for one frame of the flow."""
    flow = counting(clip, case)
    workers = make_plan(flow.graph(), find_gpus=lambda: GPUS).workers
    flow.run(engine=ENGINE)
    begun = _wait_for(flow, case.num_frames // 4)
    processes = _workers_of_this()
    before = _cpu_seconds(processes)
    num_frames = _wait_for(flow, begun + case.num_frames) - begun
    after = _cpu_seconds(processes)
    flow.stop()
    flow.join()
    spent = [(b - a) / num_frames for a, b in zip(before, after, strict=True)]
    return dict(zip(map(_short_name, workers), spent, strict=True))


def counting(clip: Path, case: Case) -> Flow:
    """Return the flow: read, detect, track and count."""
    readers: list[ProducerNode] = [
        FreeReader(clip, loop=True, stream=f"stream{n}", name=f"read{n}")
        for n in range(case.num_streams)
    ]
    people = CannedDetector(
        "yolox_nano", classes=["person"], max_batch_size=case.max_batch_size, name="detect"
    )(Streams(*readers))
    tracks = ByteTracker(name="track", nb_tasks=case.nb_tasks)(people)
    counts = LineCounter(name="count", nb_tasks=case.nb_tasks)(tracks)
    return Flow(readers, [VoidConsumer(name="end")(counts)], name="host_cost")


def _short_name(worker: WorkerPlan) -> str:
    """Return a worker's name, of a room of readers its first and its last."""
    first, *others = worker.name.split("+")
    is_room = others and first.startswith("read")
    return f"{first}..{others[-1]}" if is_room else worker.name


def _workers_of_this() -> list[psutil.Process]:
    """Return the flow's workers in the order of the plan, as the keeper forked them."""
    (keeper,) = psutil.Process().children()
    most = int(Path("/proc/sys/kernel/pid_max").read_text())
    # After the greatest number the smallest ones come again.
    return sorted(keeper.children(), key=lambda worker: (worker.pid - keeper.pid) % most)


def _cpu_seconds(processes: list[psutil.Process]) -> list[float]:
    return [sum(process.cpu_times()[:2]) for process in processes]


def _wait_for(flow: Flow, num_done: int) -> int:
    """Block until so many frames are done; return how many are."""
    while (now := flow.progress()).num_done < num_done and now.is_running:
        time.sleep(0.01)
    return now.num_done


if __name__ == "__main__":
    main()
