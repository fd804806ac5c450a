"""The flow tests of device slots on a real GPU, and what they leave of its memory."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.flows import test_device_slots as slots
from tests.flows.nodes import Collect, collected, wait_until
from videoflow.core import Flow, ProcessorNode
from videoflow.data import Frame
from videoflow.errors import WorkerDiedError
from videoflow.runtime.gpus import visible_gpus
from videoflow.runtime.local import LocalEngine

pytestmark = pytest.mark.gpu

MIB = 1 << 20
SLACK_BYTES = 64 * MIB


def real_engine(num_gpus: int = 1) -> LocalEngine:
    """Return the engine as it is; tests that want more GPUs than there are, are skipped."""
    if len(visible_gpus()) < num_gpus:
        pytest.skip(f"wants {num_gpus} GPUs")
    return LocalEngine()


@pytest.fixture(autouse=True)
def _on_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "fake_engine", lambda num=1: real_engine(min(num, 1)))


@pytest.fixture(autouse=True)
def memory_is_given_back() -> Any:
    """Fail a test after which more of the GPU is in use than before."""
    before = free_bytes()
    yield
    deadline = time.monotonic() + 10
    while free_bytes() < before - SLACK_BYTES:
        assert time.monotonic() < deadline, f"{(before - free_bytes()) / MIB:.0f} MiB are left"
        time.sleep(0.1)


def free_bytes() -> int:
    """Return the first GPU's free memory, as NVML counts it: of all processes."""
    free = visible_gpus()[0].free_bytes
    if free is None:
        pytest.skip("NVML does not tell how much memory is free")
    return free


TESTS: list[Callable[..., None]] = [
    slots.test_a_join_reads_two_rings,
    slots.test_memory_outside_slots_is_copied_into_one,
    slots.test_a_view_of_an_input_goes_on,
]


@pytest.mark.parametrize("placement", ["process", "fused"])
@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.__name__)
def test_what_holds_for_the_stand_in(
    test: Callable[..., None], placement: str, tmp_path: Path
) -> None:
    """What the flow tests say of the stand-in holds for the GPU."""
    test(placement, tmp_path)


@pytest.mark.parametrize("placement", ["process", "fused"])
@pytest.mark.parametrize("num", [0, 60])
def test_frames_arrive_whole(
    num: int, placement: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No reader ever sees another frame, when slots are filled with garbage in between."""
    slots.test_frames_of_a_device_arrive_whole(num, placement, tmp_path, monkeypatch)


def test_streams_share_a_model(tmp_path: Path) -> None:
    """Frames of several producers of one GPU meet in one batch."""
    slots.test_streams_of_a_device_share_a_model(tmp_path)


def test_a_tap_gets_host_memory() -> None:
    """Whoever iterates a flow gets frames in host memory."""
    slots.test_a_tap_gets_copies_in_host_memory()


def test_a_stopped_flow_gives_its_memory_back(tmp_path: Path) -> None:
    """Also when somebody stops the flow."""
    slots.test_a_stopped_flow_gives_its_memory_back(tmp_path)


def test_a_killed_reader_leaves_nothing(tmp_path: Path) -> None:
    """A reader that dies by itself, in the middle of a frame, leaves no memory behind."""
    slots.test_a_killed_reader_leaves_nothing(tmp_path)


class Fails(ProcessorNode):
    """Raises at the tenth frame."""

    def process(self, *inputs: Frame) -> int:
        if inputs[0].index == 10:
            raise ValueError("as asked for")
        return int(inputs[0].pixels[0, 0])


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    """A node that fails takes the flow and all its memory with it."""
    source = slots.Pictures(1000)
    flow = Flow([source], [Collect(tmp_path / "got.json")(Fails()(slots.Brighter()(source)))])

    with pytest.raises(Exception, match="as asked for"):
        flow.run().join(60)


def test_killed_workers_leave_nothing(tmp_path: Path) -> None:
    """All workers killed at once, the owner of the slots among them."""
    source = slots.Pictures(1_000_000)
    end = Collect(tmp_path / "got.json")(slots.Sums()(slots.Brighter()(source)))
    flow = Flow([source], [end], placement="process")
    before = set(psutil.Process().children(recursive=True))
    flow.run()
    wait_until(lambda: flow.progress().num_done > 20)
    workers = [
        child
        for child in psutil.Process().children(recursive=True)
        if child not in before and not child.children()
    ]

    for worker in workers:
        os.kill(worker.pid, signal.SIGKILL)

    with pytest.raises(WorkerDiedError):
        flow.join(60)


class Late(ProcessorNode):
    """Reads its frame after much other work of its stream, so that the order must hold."""

    def process(self, *inputs: Frame) -> list[int]:
        import torch

        load = torch.ones(2048, 2048, device=inputs[0].pixels.device)
        for _ in range(4):
            load = (load @ load).clamp_(max=1.0)
        pixels = inputs[0].pixels
        return torch.stack((pixels.amin(), pixels.amax())).tolist()


@pytest.mark.hardware
@pytest.mark.parametrize("tickets", [2, 8])
def test_the_order_holds_under_load(tickets: int, tmp_path: Path) -> None:
    """Thousands of frames through few slots, read late: each is the one that was written."""
    num = 5000
    source = slots.Pictures(num)
    path = tmp_path / "got.json"
    end = Collect(path)(Late()(slots.Brighter()(source)))

    Flow([source], [end], placement="process", tickets=tickets).run().join(300)

    assert collected(path) == [[n % 251 + 1] * 2 for n in range(num)]
