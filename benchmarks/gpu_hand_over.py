"""What a frame costs from process to process: by slots, and by torch's own queue."""

from __future__ import annotations

import time
from typing import Any

import torch
import torch.multiprocessing
from gpu_measure import Figures, Settings, timed

from videoflow.core import ConsumerNode, Flow, ProducerNode
from videoflow.data import Frame, Stamp

__all__ = ["hand_over"]

_QUEUE_SECONDS = 60.0


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
    seconds, _ = timed(Flow([source], [look], placement="process"))
    found["slot_microseconds"] = round(1e6 * seconds / settings.num_slots, 1)
    yield found
    found["torch_queue_microseconds"] = round(1e6 * _queue_seconds(settings), 1)
    yield found


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
