"""The parts of ``gpu.py``: each measures one thing, and yields its figures as they grow."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import torch
import torch.multiprocessing

from videoflow.consumers import VoidConsumer
from videoflow.core import ConsumerNode, Flow, ProducerNode, Report
from videoflow.data import Frame, Stamp
from videoflow.nets.load import load_detector, resolve_device
from videoflow.processors import ByteTracker, LineCounter, ObjectDetector
from videoflow.producers import VideoFileReader
from videoflow.runtime.placement import num_cores
from videoflow.video.capabilities import choose_decoding, probe_video
from videoflow.video.opener import VideoOpener
from videoflow.video.playlist import Playlist

__all__ = ["PARTS", "Settings", "write_clip"]

_QUEUE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What is measured.

    Attributes:
        clip: H.264 video.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        model: Name on the shelf.
        precision: See ``ObjectDetector``.
        execution: See ``ObjectDetector``.
        input_size: See ``ObjectDetector``.
        sessions: How many decoders at once.
        batches: Sizes of batches.
        streams: How many files a flow reads at once.
        num_realtime: How many streams the ages are measured with.
        num_slots: How many frames are handed from process to process.
        size_hw: Of the frames that are handed over.
        num_trials: How often a batch is computed.
    """

    clip: Path
    device: str
    model: str
    precision: Any
    execution: Any
    input_size: int | None
    sessions: tuple[int, ...]
    batches: tuple[int, ...]
    streams: tuple[int, ...]
    num_realtime: int
    num_slots: int
    size_hw: tuple[int, int]
    num_trials: int

    @property
    def where(self) -> torch.device:
        """The device that computes."""
        return resolve_device(self.device)


def write_clip(
    path: Path, *, source: Path | None, size_hw: tuple[int, int], num_frames: int
) -> None:
    """Write an H.264 clip of 30 frames a second.

    Args:
        path: Of the clip.
        source: A video whose pictures are scaled up; None for a pattern that moves.
        size_hw: Height and width in pixels.
        num_frames: Its length; a source that is shorter begins again.
    """
    height, width = size_hw
    pictures = list(_read(source, num_frames)) if source else []
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(num_frames):
            picture = pictures[index % len(pictures)] if pictures else _pattern(index, size_hw)
            frame = picture.reformat(width=width, height=height, format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


Figures = Iterator[dict[str, Any]]
"""What is known so far; the last is all of it."""


def decode(settings: Settings) -> Figures:
    """Yield the frames a second that decoders alone give, for numbers of sessions."""
    way = choose_decoding(probe_video(), settings.device)
    notes: set[str] = set()
    fps: dict[int, float] = {}
    found: dict[str, Any] = {"way": way.kind}
    if way.kind not in ("nvdec", "libav-cuda"):
        found["nvdec_skipped"] = way.reason
    _decoded_fps(
        settings, 1, notes, at_most=10
    )  # makes the context, loads what is to be loaded
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
        seconds, report = _timed(_counting(settings, num, "batch"))
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


def hand_over(settings: Settings) -> Figures:
    """Yield what a frame costs from process to process, in microseconds.

    Beside it, in the same run, a queue of ``torch.multiprocessing`` that gets a new tensor for
    each frame.
    """
    found: dict[str, Any] = {
        "num_frames": settings.num_slots,
        "frame_bytes": settings.size_hw[0] * settings.size_hw[1] * 3 // 2,
    }
    source = Blanks(settings.num_slots, settings.size_hw, device=settings.device)
    look = Looks(device=settings.device)(source)
    seconds, _ = _timed(Flow([source], [look], placement="process"))
    found["slot_microseconds"] = round(1e6 * seconds / settings.num_slots, 1)
    yield found
    found["torch_queue_microseconds"] = round(1e6 * _queue_seconds(settings), 1)
    yield found


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


class Blanks(ProducerNode):
    """Gives frames in slots, without writing them."""

    auto_device = "gpu"
    preload = ("torch",)

    def __init__(self, num: int, size_hw: tuple[int, int], **options: Any) -> None:
        super().__init__(**options)
        self.num, self.picture_hw, self.at = num, size_hw, 0

    @property
    def num_items(self) -> int:
        """How many frames there are."""
        return self.num

    def next(self) -> Frame:
        """Return the next frame."""
        if self.at == self.num:
            raise StopIteration
        height, width = self.picture_hw
        buffer = self.slot_tensor((height * 3 // 2, width))
        self.at += 1
        return Frame(buffer, Stamp(self.stream, self.at - 1, 0.0, self.picture_hw))


class Looks(ConsumerNode):
    """Takes the frame, and does nothing with it."""

    preload = ("torch",)

    def consume(self, *inputs: Any) -> None:
        """Take the frame's memory."""
        inputs[0].pixels.data_ptr()


def _timed(flow: Flow) -> tuple[float, Report]:
    """Run a flow; return its report, and the seconds from all nodes open to the last frame.

    That a GPU's processes take their time to go is not part of it.
    """
    running = flow.run()
    now = running.progress()
    while now.is_running and now.num_done < (now.num_total or 0):
        time.sleep(0.002)
        now = running.progress()
    return now.elapsed_seconds, running.join()


def _counting(settings: Settings, num: int, flow_type: Any) -> Flow:
    """Return a flow that counts people in ``num`` streams, with one detector for all."""
    from videoflow.core import Streams

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


def _queue_seconds(settings: Settings) -> float:
    """Return what one frame takes through a queue, after the first ones."""
    context = torch.multiprocessing.get_context("spawn")
    queue, room, done = context.Queue(), context.Semaphore(4), context.Event()
    num_first = 10
    reader = context.Process(
        target=_take_frames,
        args=(queue, room, done, num_first + settings.num_slots),
        daemon=True,
    )
    reader.start()
    height, width = settings.size_hw
    begin = 0.0
    for at in range(num_first + settings.num_slots):
        if at == num_first:
            begin = time.monotonic()
        if not room.acquire(timeout=_QUEUE_SECONDS):  # as many in flight as slots would be
            raise RuntimeError("the queue's reader takes nothing")
        queue.put(
            torch.empty((height * 3 // 2, width), dtype=torch.uint8, device=settings.where)
        )
    if not done.wait(_QUEUE_SECONDS):
        raise RuntimeError("the queue's reader did not come to its end")
    seconds = (time.monotonic() - begin) / settings.num_slots
    reader.join()
    if settings.where.type == "cuda":
        torch.cuda.ipc_collect()  # what the reader gave back; torch fails at its exit otherwise
    return seconds


def _take_frames(queue: Any, room: Any, done: Any, num: int) -> None:
    for _ in range(num):
        frame = queue.get()
        frame.data_ptr()
        del frame
        room.release()
    done.set()


def _read(source: Path, num: int) -> Any:
    with av.open(str(source)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index == num:
                return
            yield frame


def _pattern(index: int, size_hw: tuple[int, int]) -> Any:
    height, width = size_hw
    rows = torch.arange(height)[:, None] + 3 * index
    columns = torch.arange(width)[None, :] + 5 * index
    levels = ((rows ^ columns) % 256).to(torch.uint8)
    pixels = torch.stack((levels, levels.flip(0), levels.flip(1)), dim=2)
    return av.VideoFrame.from_ndarray(pixels.contiguous().numpy(), format="rgb24")
