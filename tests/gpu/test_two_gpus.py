"""Flows over two real GPUs: streams are spread, and a frame that goes elsewhere is copied."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows import test_device_slots as slots
from tests.gpu.test_slots import real_engine
from videoflow.core import Streams

pytestmark = pytest.mark.gpu
placements = pytest.mark.parametrize("placement", ["process", "fused"])


@pytest.fixture(autouse=True)
def _on_two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "fake_engine", real_engine)
    real_engine(2)  # skips


@placements
@pytest.mark.parametrize("device", ["cpu", "cuda:1"])
def test_a_node_elsewhere_gets_a_copy(device: str, placement: str, tmp_path: Path) -> None:
    """A node on another GPU, or on the CPU, gets the pixels of the GPU that made them."""
    source = slots.Pictures(60)
    values = slots.Values(device=device)(slots.Brighter()(source))

    got, _ = slots.run(tmp_path, [source], values, placement=placement)

    assert got == [[[n + 1], device] for n in range(60)]


@placements
def test_streams_are_spread(placement: str, tmp_path: Path) -> None:
    """Every frame of every stream arrives whole, from whatever GPU it was on."""
    sources = [slots.Pictures(40, name=name) for name in "abcd"]
    models = slots.Values(max_batch_size=4)(slots.Brighter()(Streams(*sources)))

    got, _ = slots.run(tmp_path, sources, models, placement=placement)

    assert sorted(values[0] for values, _ in got) == sorted(4 * list(range(1, 41)))
    devices = {device for _, device in got}
    assert devices == ({"cuda:0"} if placement == "fused" else {"cuda:0", "cuda:1"})


def test_parts_of_a_flow_are_dealt_to_the_gpus(tmp_path: Path) -> None:
    """What has nothing to do with each other goes to different GPUs, each part to one."""
    slots.test_parts_of_a_flow_are_dealt_to_the_gpus(tmp_path)
