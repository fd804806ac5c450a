"""What the engine itself costs: small items, large frames, one hop, and memory over time.

    python benchmarks/overhead.py [--memory]

Three processes in each case (producer, processor, consumer), batch mode. Prints one JSON
object: ``items_per_second`` of ints with the planner's tickets; ``frames_1080p_per_second`` of
6.2 MB frames that the producer copies into its slot and the processor sums as uint64, with 4
slots; ``bare_frames_per_second`` of the same two loops with nothing but a shared memory and
two pipes between them, in the same run; the time of one small item through an idle flow.
With ``--memory``: how much memory 100,000 frames leave, after the first 1,000.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from machine import machine
from numpy.typing import NDArray

from videoflow.consumers import VoidConsumer
from videoflow.core import (
    ConsumerNode,
    Flow,
    FunctionProcessor,
    ProcessorNode,
    ProducerNode,
)
from videoflow.producers import IntProducer

NUM_ITEMS = 1_000_000
NUM_FRAMES = 10_000
NUM_HOPS = 1_000
NUM_SLOTS = 4
FRAME_SHAPE = (1080, 1920, 3)


class PlusOne(ProcessorNode):
    """Adds one."""

    def process(self, *inputs: Any) -> Any:
        """Return the input plus one."""
        return inputs[0] + 1


def source_frame() -> NDArray[np.uint8]:
    """Return the frame that is copied again and again."""
    return np.random.default_rng(0).integers(0, 255, FRAME_SHAPE, dtype=np.uint8)


def sum_of(frame: NDArray[np.uint8]) -> int:
    """Return the sum of a frame's memory, read as uint64."""
    return int(frame.reshape(-1).view(np.uint64).sum())


class FrameProducer(ProducerNode):
    """Copies a 1080p RGB frame into its slot; may wait once for a sign in the file system."""

    def __init__(
        self, num: int, *, pause_at: int | None = None, sign: Path | None = None
    ) -> None:
        super().__init__()
        self.num, self.pause_at, self.sign = num, pause_at, sign
        self.at = 0

    def open(self) -> None:
        """Make the source frame."""
        self.source = source_frame()

    def next(self) -> Any:
        """Return the next frame."""
        if self.at >= self.num:
            raise StopIteration
        if self.at == self.pause_at and self.sign is not None:
            self.sign.with_suffix(".reached").touch()
            while not self.sign.exists():
                time.sleep(0.05)
        self.at += 1
        slot = self.slot(FRAME_SHAPE)
        slot[...] = self.source
        return slot


class FrameSum(ProcessorNode):
    """Sums a frame as uint64."""

    def process(self, *inputs: Any) -> Any:
        """Return the sum."""
        return sum_of(inputs[0])


def items_per_second() -> float:
    """Return the speed of ints through three processes."""
    source = IntProducer(0, NUM_ITEMS - 1)
    flow = Flow([source], [VoidConsumer()(PlusOne()(source))], placement="process")
    return NUM_ITEMS / flow.run().join().elapsed_seconds


def frames_per_second() -> float:
    """Return the speed of 1080p frames through three processes."""
    source = FrameProducer(NUM_FRAMES)
    sink = VoidConsumer()(FrameSum()(source))
    flow = Flow([source], [sink], placement="process", tickets=NUM_SLOTS)
    return NUM_FRAMES / flow.run().join().elapsed_seconds


def bare_frames_per_second() -> float:
    """Return the speed of the same copy and sum with bare pipes between two processes."""
    num_bytes = int(np.prod(FRAME_SHAPE))
    slots = np.frombuffer(mmap.mmap(-1, NUM_SLOTS * num_bytes), np.uint8).reshape(NUM_SLOTS, -1)
    full, free = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        source, num_free = source_frame().reshape(-1), NUM_SLOTS
        for at in range(NUM_FRAMES):
            if not num_free:
                num_free += len(os.read(free[0], 64))
            slots[at % NUM_SLOTS][:] = source
            os.write(full[1], b"x")
            num_free -= 1
        os._exit(0)
    begin, at = time.monotonic(), 0
    while at < NUM_FRAMES:
        for _ in range(len(os.read(full[0], 64))):
            sum_of(slots[at % NUM_SLOTS])
            os.write(free[1], b"x")
            at += 1
    seconds = time.monotonic() - begin
    os.waitpid(child, 0)
    for fd in (*full, *free):
        os.close(fd)
    return NUM_FRAMES / seconds


class Ticker(ProducerNode):
    """Sends the time, with a pause before each, so that the flow is idle."""

    def __init__(self) -> None:
        super().__init__()
        self.at = 0

    def next(self) -> Any:
        """Return the time."""
        if self.at >= NUM_HOPS:
            raise StopIteration
        self.at += 1
        time.sleep(0.002)
        return time.monotonic()


class HopTimes(ConsumerNode):
    """Writes how long items were under way, in seconds."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.seconds: list[float] = []

    def consume(self, *inputs: Any) -> None:
        """Note the age of an item."""
        self.seconds.append(time.monotonic() - inputs[0])

    def close(self) -> None:
        """Write the ages."""
        self.path.write_text(json.dumps(self.seconds))


def hop_microseconds(folder: Path) -> dict[str, float]:
    """Return p50 and p99 of one hop between processes; an item takes two."""
    path = folder / "hops.json"
    ticker = Ticker()

    def same(value: float) -> float:
        return value

    flow = Flow(
        [ticker], [HopTimes(path)(FunctionProcessor(same)(ticker))], placement="process"
    )
    flow.run().join()
    hops = np.array(json.loads(path.read_text())) / 2 * 1e6
    return {
        "hop_microseconds_p50": round(float(np.percentile(hops, 50)), 1),
        "hop_microseconds_p99": round(float(np.percentile(hops, 99)), 1),
    }


def memory_bytes(processes: list[psutil.Process]) -> int:
    """Return the memory of processes, each shared page once (proportional set size)."""
    return sum(process.memory_full_info().pss for process in processes)


def memory_growth(folder: Path, num_frames: int) -> dict[str, Any]:
    """Return the memory of all processes after 1,000 frames and after ``num_frames``."""
    told: dict[str, int] = {}

    def measure(name: str, sign: Path) -> None:
        while not sign.with_suffix(".reached").exists():
            time.sleep(0.05)
        time.sleep(0.5)
        me = psutil.Process()
        told[name] = memory_bytes([me, *me.children(recursive=True)])
        sign.touch()

    first, last = folder / "first", folder / "last"
    source = TwicePaused(num_frames, first, last)
    sink = VoidConsumer()(FrameSum()(source))
    flow = Flow([source], [sink], placement="process", tickets=NUM_SLOTS)
    watchers = [
        threading.Thread(target=measure, args=pair)
        for pair in (("after_1000_bytes", first), ("at_the_end_bytes", last))
    ]
    flow.run()
    for watcher in watchers:
        watcher.start()
    flow.join()
    for watcher in watchers:
        watcher.join()
    growth = told["at_the_end_bytes"] - told["after_1000_bytes"]
    return {
        "memory_frames": num_frames,
        **told,
        "memory_growth_percent": round(100 * growth / told["after_1000_bytes"], 2),
        "memory_growth_mb": round(growth / 1e6, 2),
    }


class TwicePaused(FrameProducer):
    """Waits for a sign after 1,000 frames, and again before the last one."""

    def __init__(self, num: int, first: Path, last: Path) -> None:
        super().__init__(num, pause_at=1000, sign=first)
        self.last = last

    def next(self) -> Any:
        """Return the next frame."""
        if self.at == self.num - 1:
            self.pause_at, self.sign = self.at, self.last
        return super().next()


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="100,000 frames: half a minute")
    arguments = parser.parse_args()
    items, frames, bare = [], [], []
    for _ in range(arguments.repeats):
        items.append(items_per_second())
        bare.append(bare_frames_per_second())
        frames.append(frames_per_second())
    result: dict[str, Any] = {
        "items_per_second": round(statistics.median(items)),
        "frames_1080p_per_second": round(statistics.median(frames)),
        "bare_frames_per_second": round(statistics.median(bare)),
        "frames_over_bare_ratio": round(
            statistics.median(f / b for f, b in zip(frames, bare, strict=True)), 2
        ),
        "items_all": [round(one) for one in items],
        "frames_all": [round(one) for one in frames],
        "bare_all": [round(one) for one in bare],
    }
    with tempfile.TemporaryDirectory() as name:
        result |= hop_microseconds(Path(name))
        if arguments.memory:
            result |= memory_growth(Path(name), 100_000)
    print(json.dumps(result | machine(), indent=2))


if __name__ == "__main__":
    main()
