"""CUDA graphs: recordings are spoiled by nobody, and give what the layers give one by one."""

from __future__ import annotations

import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.gpu.test_inference import CUDA, assert_alike, read_frames
from videoflow.consumers import VoidConsumer
from videoflow.core import Flow, Streams
from videoflow.data import Detections
from videoflow.errors import ModelError
from videoflow.nets.execution import GraphedNetwork
from videoflow.nets.load import load_detector
from videoflow.processors import ObjectDetector
from videoflow.producers import VideoFileReader
from videoflow.runtime.cuda import CudaDevice

pytestmark = pytest.mark.gpu

SIZES = (1, 2, 4, 8)


class Doubles(nn.Module):
    """Doubles its input, and does something else before."""

    def __init__(self, first: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.first = first

    def forward(self, images: Tensor) -> Tensor:
        self.first()
        return images * 2


@torch.inference_mode()
def record_sizes(network: nn.Module) -> None:
    """Every size is recorded, and gives the double."""
    stream = torch.cuda.Stream(CUDA)  # type: ignore[no-untyped-call] # torch's
    graphed = GraphedNetwork(network, name="doubles")
    with torch.cuda.stream(stream):
        for size in SIZES:
            images = torch.full((size, 3, 8, 8), float(size), device=CUDA)
            assert torch.equal(graphed(images), images * 2)


def test_threads_record_at_once() -> None:
    """Each thread of a process has its recordings, whatever the others record meanwhile."""
    with ThreadPoolExecutor(4) as pool:
        recordings = [pool.submit(record_sizes, Doubles()) for _ in range(4)]

        for recording in recordings:
            recording.result()


def test_other_threads_use_the_gpu() -> None:
    """A reader that decodes, waits for its own work and makes new slots spoils no recording."""
    device = CudaDevice("cuda:0")

    def read() -> None:
        with device.activate():
            slot = device.allocate(3 << 20)
            device.export(slot)
            event, _ = device.new_event()
            slot.fill_(1)
            device.record(event)
            device.wait_on_host(event)
            assert int(slot[-1]) == 1

    with ThreadPoolExecutor(1) as reader:
        record_sizes(Doubles(lambda: reader.submit(read).result()))


class Waits:
    """Waits for the GPU when it goes, like what frees memory of its own."""

    def __del__(self) -> None:
        torch.cuda.synchronize(CUDA)


def test_garbage_is_not_collected_meanwhile() -> None:
    """What is thrown away while a network is recorded is collected afterwards."""

    def litter() -> None:
        for _ in range(100):
            cycle: list[object] = [Waits()]
            cycle.append(cycle)

    threshold = gc.get_threshold()
    gc.set_threshold(10, 1, 1)
    try:
        record_sizes(Doubles(litter))
    finally:
        gc.set_threshold(*threshold)
    assert gc.isenabled()


def test_memory_is_given_back() -> None:
    """A network that is let go of leaves nothing on the GPU, and torch gives back the rest."""
    left: list[tuple[int, int]] = []

    for _ in range(3):
        record_sizes(Doubles())
        torch.cuda.empty_cache()
        left.append((torch.cuda.mem_get_info(CUDA)[0], torch.cuda.memory_allocated(CUDA)))

    assert left[1] == left[2]


def test_a_network_that_waits_is_refused() -> None:
    """The error names the first cause, and the GPU is usable as before.

    Before torch 2.15 a process whose recording has failed keeps the memory of later ones.
    """
    lamp = torch.ones(1, device=CUDA)
    cause = "not permitted when stream is capturing|STREAM_CAPTURE_UNSUPPORTED"

    with pytest.raises(ModelError, match=f"'doubles': cannot be recorded .*({cause})"):
        record_sizes(Doubles(lamp.item))

    record_sizes(Doubles())


@torch.inference_mode()
def test_a_recording_for_which_memory_does_not_last() -> None:
    """It is an error of memory, after which smaller batches are recorded."""
    num_calls = 0

    def run(images: Tensor) -> Tensor:
        nonlocal num_calls
        doubled = images * 2
        num_calls += 1
        if num_calls == 4:  # the first calls are trials
            torch.empty(1 << 42, dtype=torch.uint8, device=CUDA)
        return doubled

    graphed = GraphedNetwork(run, name="doubles")
    images = torch.ones(8, 3, 8, 8, device=CUDA)

    with (
        torch.cuda.stream(torch.cuda.Stream(CUDA)),  # type: ignore[no-untyped-call] # torch's
        pytest.raises(torch.OutOfMemoryError),
    ):
        graphed(images)

    with torch.cuda.stream(torch.cuda.Stream(CUDA)):  # type: ignore[no-untyped-call] # torch's
        assert torch.equal(graphed(images[:4]), images[:4] * 2)


@torch.inference_mode()
def test_recordings_that_were_let_go_of_are_made_again() -> None:
    """Also while somebody holds what one of them has written."""
    graphed = GraphedNetwork(Doubles(), name="doubles")
    images = torch.ones(2, 3, 8, 8, device=CUDA)

    with torch.cuda.stream(torch.cuda.Stream(CUDA)):  # type: ignore[no-untyped-call] # torch's
        held = graphed(images)
        graphed.forget()

        assert torch.equal(graphed(images), held)


@pytest.mark.usefixtures("weights")
def test_batches_of_all_sizes_in_flight(test_data: Path) -> None:
    """Batches that are begun before others have ended get their own results, on any GPU."""
    device = torch.device(
        "cuda", torch.cuda.device_count() - 1
    )  # not the first, if there is one
    frames = read_frames(test_data, 7, device)
    want = load_detector("yolox_nano", device=str(device)).detect(frames)
    detector = load_detector("yolox_nano", device=str(device), execution="graphs")

    finish: list[Callable[[], list[Detections]]] = []
    rest = iter(frames)
    while batch := list(islice(rest, (1, 3, 2, 1)[len(finish) % 4])):
        finish.append(detector.begin(batch))

    got = [found for results in finish for found in results()]
    assert len(finish) == 4
    assert_alike(got, want, pixels=0.5)


@pytest.mark.usefixtures("weights")
def test_a_flow_records_as_it_goes(test_data: Path) -> None:
    """Streams of two proportions in one worker: recorded beside the readers' decoding."""
    names = ("vtest_h264", "one-by-one-person-detection")
    readers = [VideoFileReader(test_data / "video" / f"{name}.mp4") for name in names]
    detect = ObjectDetector("yolox_nano", execution="graphs", max_batch_size=2)
    detect(Streams(*readers))
    flow = Flow([*readers], [VoidConsumer()(detect)], placement="fused")

    got = sorted(
        islice(flow.stream(detect), 8), key=lambda one: (one.stamp.stream, one.stamp.index)
    )
    flow.stop()
    flow.join(60)

    assert {one.stamp.stream for one in got} == set(names)
    street = [one for one in got if one.stamp.stream == names[0]]
    frames = read_frames(test_data, len(street), CUDA)
    want = load_detector("yolox_nano", device="cuda").detect(frames)
    assert_alike(street, want, pixels=2.0)
