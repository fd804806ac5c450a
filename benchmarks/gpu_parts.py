"""The parts of ``gpu.py``: each measures one thing, and yields its figures as they grow."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import av
import torch
from gpu_hand_over import hand_over
from gpu_measure import Figures, Settings, timed

from videoflow.consumers import VoidConsumer
from videoflow.core import Flow, Streams
from videoflow.data import Frame, Stamp
from videoflow.nets.load import load_detector
from videoflow.processors import ByteTracker, LineCounter, ObjectDetector
from videoflow.producers import VideoFileReader
from videoflow.runtime.placement import num_cores
from videoflow.video.capabilities import choose_decoding, probe_video
from videoflow.video.opener import VideoOpener
from videoflow.video.playlist import Playlist

__all__ = ["PARTS"]


def decode(settings: Settings) -> Figures:
    """Yield the frames a second that decoders alone give, for numbers of sessions."""
    way = choose_decoding(probe_video(), settings.device)
    notes: set[str] = set()
    fps: dict[int, float] = {}
    found: dict[str, Any] = {"way": way.kind}
    if way.kind not in ("nvdec", "libav-cuda"):
        found["nvdec_skipped"] = way.reason
    _decoded_fps(settings, 1, notes, at_most=10)  # makes the context, loads the libraries
    for num in settings.sessions:
        fps[num] = _decoded_fps(settings, num, notes)
        yield found | {"decode_fps": fps, "notes": sorted(notes)}


def model(settings: Settings) -> Figures:
    """Yield the frames a second from frames in the device's memory to detections."""
    notes: list[str] = []
    detector = load_detector(
        settings.model,
        device=settings.device,
        precision=settings.precision,
        execution=settings.execution,
        input_size=settings.input_size,
        report=notes.append,
    )
    height, width = settings.size_hw
    pixels = torch.full((height * 3 // 2, width), 128, dtype=torch.uint8)
    frame = Frame(pixels.to(settings.where), Stamp("model", 0, 0.0, settings.size_hw))
    fps: dict[int, float] = {}
    for size in settings.batches:
        for _ in range(2):
            detector.detect([frame] * size)
        begin = time.monotonic()
        finish = detector.begin([frame] * size)
        for _ in range(settings.num_trials - 1):
            following = detector.begin([frame] * size)
            finish()
            finish = following
        finish()
        fps[size] = round(size * settings.num_trials / (time.monotonic() - begin), 1)
        best = max(fps, key=lambda size: fps[size])
        yield {"model_fps": fps, "best_batch": best, "notes": notes}


def flow(settings: Settings) -> Figures:
    """Yield the frames a second from files to counts, for numbers of streams."""
    fps: dict[int, float] = {}
    notes: set[str] = set()
    for num in settings.streams:
        seconds, report = timed(_counting(settings, num, "batch"))
        fps[num] = round(sum(one.num_delivered for one in report.streams) / seconds, 1)
        notes.update(report.notes)
        yield {"flow_fps": fps, "notes": sorted(notes)}


def ages(settings: Settings) -> Figures:
    """Yield how old frames of realtime streams were when they were counted, in seconds."""
    report = _counting(settings, settings.num_realtime, "realtime").run().join()
    read = sum(stream.num_read for stream in report.streams)
    delivered = sum(stream.num_delivered for stream in report.streams)
    yield {
        "num_streams": settings.num_realtime,
        "frames_read": read,
        "frames_delivered": delivered,
        **{
            f"age_{p}_seconds": round(
                statistics.median(getattr(age, f"{p}_seconds") for age in report.ages), 4
            )
            for p in ("p50", "p95", "p99")
        },
    }


def loop(settings: Settings) -> Figures:
    """Yield the frames a second of the plain loop: decode on the CPU, upload, model."""
    detector = load_detector(
        settings.model,
        device=settings.device,
        precision=settings.precision,
        input_size=settings.input_size,
    )
    num, begin = 0, None
    with av.open(str(settings.clip)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for picture in container.decode(video=0):
            planes = torch.from_numpy(picture.to_ndarray(format="nv12"))
            size_hw = (picture.height, picture.width)
            stamp = Stamp("loop", num, 0.0, size_hw)
            detector.detect([Frame(planes.to(settings.where), stamp)])
            begin = begin or time.monotonic()  # the first frame warms up
            num += 1
    assert begin is not None, "a clip has a frame"
    yield {"loop_fps": round((num - 1) / max(time.monotonic() - begin, 1e-9), 1)}


PARTS: dict[str, Callable[[Settings], Figures]] = {
    part.__name__: part for part in (decode, model, flow, hand_over, loop, ages)
}


def _counting(settings: Settings, num: int, flow_type: Any) -> Flow:
    """Return a flow that counts people in ``num`` streams, with one detector for all."""
    is_live = flow_type == "realtime"
    readers = [
        VideoFileReader(
            settings.clip, stream=f"stream{n}", realtime=is_live, device=settings.device
        )
        for n in range(num)
    ]
    frames = Streams(*readers)
    detect = ObjectDetector(
        settings.model,
        classes=["person"],
        precision=settings.precision,
        execution=settings.execution,
        input_size=settings.input_size,
        max_batch_size=max(settings.batches),
        device=settings.device,
    )(frames)
    tasks = max(1, min(num, num_cores() // 4))  # one tracker would bound the flow: docs/gpu.md
    tracks = ByteTracker(nb_tasks=tasks)(detect)
    count = LineCounter(nb_tasks=tasks)(tracks)
    return Flow(readers, [VoidConsumer()(count)], flow_type, name="gpu")


def _decoded_fps(
    settings: Settings, num: int, notes: set[str], *, at_most: int | None = None
) -> float:
    counts = [0] * num

    def play(at: int) -> None:
        opener = VideoOpener(device=settings.device, report=notes.add)
        playlist = Playlist([settings.clip], stream="decode", opener=opener, report=notes.add)
        held: dict[tuple[int, ...], torch.Tensor] = {}

        def memory(shape: tuple[int, ...]) -> torch.Tensor:
            if shape not in held:
                held[shape] = torch.empty(shape, dtype=torch.uint8, device=settings.where)
            return held[shape]

        with _own_stream(settings.where):
            while counts[at] != at_most and playlist.read(memory=memory) is not None:
                counts[at] += 1
        playlist.close()

    threads = [threading.Thread(target=play, args=(at,)) for at in range(num)]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if settings.where.type == "cuda":
        torch.cuda.synchronize(settings.where)
    if not all(counts):
        raise RuntimeError(f"{counts.count(0)} of {num} decoders gave no frame")
    return round(sum(counts) / (time.monotonic() - begin), 1)


def _own_stream(device: torch.device) -> AbstractContextManager[Any]:
    """Give a thread a CUDA stream, as a worker has one: they share the default one."""
    if device.type == "cpu":
        return nullcontext()
    return torch.cuda.stream(torch.cuda.Stream(device))  # type: ignore[no-untyped-call] # torch's
