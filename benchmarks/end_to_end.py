"""People counted in a video: the flow against the plainest loop of the same steps.

    python benchmarks/end_to_end.py vtest.avi --threads 2 --repeats 3

The loop is one process that takes one frame through all steps and then the next: the same
nodes, the same model code, the same number of threads. Both run alternately. Prints one JSON
object; ``ratio`` is the median over pairs. With ``--idle`` it measures instead how much of a
core a realtime flow costs whose source has no frames.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: as in the flow's workers

import psutil
import torch
from machine import machine

from videoflow.consumers import JsonLinesWriter, MotWriter, VideoFileWriter
from videoflow.core import Flow, FunctionConsumer, ProducerNode
from videoflow.core.node import PerStreamProcessorNode
from videoflow.processors import ByteTracker, LineCounter, ObjectDetector, PeopleAnnotator
from videoflow.producers import VideoFileReader

IDLE_SECONDS = 10.0


def make_nodes(video: Path, out: Path, *, num_threads: int, batch: int) -> dict[str, Any]:
    """Return the nodes of people counting, not connected."""
    return {
        "read": VideoFileReader(video),
        "detect": ObjectDetector(
            "yolox_nano",
            classes=["person"],
            max_batch_size=batch,
            device="cpu",
            num_threads=num_threads,
        ),
        "track": ByteTracker(track_threshold=0.4, new_track_threshold=0.7),
        "count": LineCounter(),
        "draw": PeopleAnnotator(),
        "video": VideoFileWriter(out / "annotated.mp4"),
        "counts": JsonLinesWriter(out / "counts.jsonl"),
        "tracks": MotWriter(out / "tracks.txt"),
    }


def run_flow(video: Path, out: Path, *, num_threads: int, batch: int) -> float:
    """Return the flow's frames a second, from the moment when all nodes are open."""
    nodes = make_nodes(video, out, num_threads=num_threads, batch=batch)
    nodes["detect"](nodes["read"])
    nodes["track"](nodes["detect"])
    nodes["count"](nodes["track"])
    nodes["draw"](nodes["read"], nodes["track"], nodes["count"])
    nodes["video"](nodes["draw"])
    nodes["counts"](nodes["count"])
    nodes["tracks"](nodes["track"])
    writers = [nodes["video"], nodes["counts"], nodes["tracks"]]
    report = Flow([nodes["read"]], writers, "batch", name="people").run().join()
    return report.streams[0].num_delivered / report.elapsed_seconds


def run_loop(video: Path, out: Path, *, num_threads: int) -> float:
    """Return the loop's frames a second, from the moment when all nodes are open."""
    torch.set_num_threads(num_threads)
    nodes = make_nodes(video, out, num_threads=num_threads, batch=1)
    for node in nodes.values():
        node.open()
    track, count, draw = (nodes[name] for name in ("track", "count", "draw"))
    states = {n: n.make_state("video") for n in (track, count, draw) if is_stateful(n)}
    num_frames = 0
    begin = time.monotonic()
    while True:
        try:
            frame = nodes["read"].next()
        except StopIteration:
            break
        detections = nodes["detect"].process_batch([frame])[0]
        tracks = call(track, states, detections)
        counts = call(count, states, tracks)
        nodes["video"].consume(call(draw, states, frame, tracks, counts))
        nodes["counts"].consume(counts)
        nodes["tracks"].consume(tracks)
        num_frames += 1
    for name in ("video", "counts", "tracks"):
        nodes[name].end_stream(frame.stream, "finished")
    for node in nodes.values():
        node.close()
    return num_frames / (time.monotonic() - begin)


def is_stateful(node: Any) -> bool:
    """Say whether a node keeps a state for each stream."""
    return isinstance(node, PerStreamProcessorNode)


def call(node: Any, states: dict[Any, Any], *inputs: Any) -> Any:
    """Call a processor, with its state if it has one."""
    return node.process(states[node], *inputs) if node in states else node.process(*inputs)


class Silence(ProducerNode):
    """A live source without frames."""

    def next(self) -> Any:
        """Block for ever."""
        while True:
            time.sleep(3600)


def idle_percent() -> float:
    """Return how much of a core an idle realtime flow costs, in per cent."""
    silence = Silence()
    flow = Flow([silence], [FunctionConsumer(len)(silence)], "realtime", placement="process")
    flow.run()
    time.sleep(2.0)
    me = psutil.Process()
    processes = [me, *me.children(recursive=True)]
    before = sum(sum(p.cpu_times()[:2]) for p in processes)
    time.sleep(IDLE_SECONDS)
    used = sum(sum(p.cpu_times()[:2]) for p in processes) - before
    flow.stop()
    flow.join()
    return 100 * used / IDLE_SECONDS


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    threads = arguments.threads
    flows, loops = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.repeats):
            out = Path(folder)
            flows.append(
                run_flow(arguments.video, out, num_threads=threads, batch=arguments.batch)
            )
            loops.append(run_loop(arguments.video, out, num_threads=threads))
    result = {
        "flow_fps": round(statistics.median(flows), 1),
        "loop_fps": round(statistics.median(loops), 1),
        "ratio": round(
            statistics.median(f / one for f, one in zip(flows, loops, strict=True)), 2
        ),
        "flow_fps_all": [round(fps, 1) for fps in flows],
        "loop_fps_all": [round(fps, 1) for fps in loops],
        "idle_percent_of_a_core": round(idle_percent(), 2),
        "num_threads": threads,
        "max_batch_size": arguments.batch,
        **machine(),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
