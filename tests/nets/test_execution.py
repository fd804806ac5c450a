"""Other ways to run a network's layers give what running them one by one gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.nets.own_models import Brightest
from tests.nets.test_own_models import BOXES, FRAMES, MODULE
from videoflow.errors import GraphError, ModelError
from videoflow.nets.execution import BucketedNetwork, GraphedNetwork, bucket_sizes
from videoflow.nets.load import load_detector
from videoflow.nets.predictions import Predictions


@pytest.mark.parametrize(
    ("max_batch_size", "want"),
    [(1, (1,)), (2, (1, 2)), (5, (1, 2, 4, 8)), (16, (1, 2, 4, 8, 16))],
)
def test_buckets_are_the_powers_of_two(max_batch_size: int, want: tuple[int, ...]) -> None:
    """Every batch up to the largest has a bucket that it fits into."""
    assert bucket_sizes(max_batch_size) == want


class Sums(nn.Module):
    """Gives the sum of each picture in every form; notes the sizes of its batches."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def forward(self, images: Tensor) -> Any:
        self.sizes.append(len(images))
        sums = images.sum(dim=(1, 2, 3))
        return {"named": sums, "parts": [sums, (sums,)], "form": Predictions(sums, sums, sums)}


@pytest.mark.parametrize("num", [1, 2, 3, 5])
def test_batches_are_filled_up_and_cut_off(num: int) -> None:
    """The network sees a power of two, and the caller its own pictures."""
    network = Sums()
    images = torch.arange(num * 12.0).view(num, 3, 2, 2)

    found = BucketedNetwork(network)(images)

    assert network.sizes == [bucket_sizes(num)[-1]]
    want = images.sum(dim=(1, 2, 3)).tolist()
    assert found["named"].tolist() == want
    assert found["parts"][0].tolist() == found["parts"][1][0].tolist() == want
    assert isinstance(found["form"], Predictions)
    assert found["form"].classes.tolist() == want


class Recorder:
    """Records as a GPU does: what is replayed reads and writes the memory of the recording."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def __call__(
        self, run: Callable[[Tensor], Any], images: Tensor
    ) -> tuple[Any, Callable[[], None]]:
        self.shapes.append(tuple(images.shape))
        outputs = run(images)
        return outputs, lambda: outputs.copy_(run(images))


def test_a_network_is_recorded_once_for_each_size() -> None:
    """Pictures of a size that was seen before are copied in, and the recording runs again."""
    record = Recorder()
    graphed = GraphedNetwork(lambda images: images * 2, name="twice", record=record)
    shapes = [(1, 3, 2, 2), (2, 3, 2, 2), (1, 3, 2, 2), (1, 3, 2, 4)]

    for seed, shape in enumerate(shapes):
        images = torch.full(shape, float(seed))
        assert torch.equal(graphed(images), images * 2)
        assert torch.equal(images, torch.full(shape, float(seed)))

    assert record.shapes == [shapes[0], shapes[1], shapes[3]]


def test_recordings_are_made_again_after_they_were_let_go_of() -> None:
    """A network that gave its memory back records each size anew."""
    record = Recorder()
    network = BucketedNetwork(GraphedNetwork(lambda x: x * 2, name="twice", record=record))
    images = torch.ones(2, 3, 2, 2)
    network(images)

    network.forget()

    assert torch.equal(network(images), images * 2)
    assert record.shapes == [(2, 3, 2, 2)] * 2


class NoRoom:
    """The stages of a GPU that is full."""

    def begin(self, ingest: Callable[[], Any], compute: Callable[[Any], Any]) -> Any:
        raise torch.OutOfMemoryError("full")


def test_a_call_without_memory_makes_room_for_the_next() -> None:
    """What a network holds is given back, so that a smaller batch has it."""
    calls: list[str] = []
    loaded: Any = load_detector(f"{MODULE}:build_network", device="cpu")
    detector = replace(loaded, stages=NoRoom(), make_room=lambda: calls.append("room"))

    with pytest.raises(torch.OutOfMemoryError):
        detector.detect(FRAMES)

    assert calls == ["room"]


def test_graphs_are_refused_on_a_cpu() -> None:
    """CUDA graphs without a GPU are an error that says what to do."""
    with pytest.raises(GraphError, match=r"execution='graphs' on cpu\n  help: .*'compiled'"):
        load_detector(f"{MODULE}:build_network", device="cpu", execution="graphs")


@pytest.mark.parametrize(
    "model", ["tests.nets.test_execution:build_final", f"{MODULE}:build_detector"]
)
def test_what_is_run_as_it_is_cannot_be_compiled(model: str) -> None:
    """A network that settles overlaps itself, and a whole detector, are run as they are."""
    with pytest.raises(ModelError, match=r"execution='compiled'"):
        load_detector(model, device="cpu", execution="compiled")


def build_final(device: torch.device) -> nn.Module:
    """Return a network that settles overlaps itself."""
    return Brightest("xyxy_batch")


def build_dense(device: torch.device) -> nn.Module:
    """Return a network that may be compiled."""
    return Brightest("cxcywh_scores")


@pytest.mark.slow
def test_a_compiled_network_finds_the_same() -> None:
    """The compiler changes how a network is run, and not what it finds."""
    detector = load_detector(
        "tests.nets.test_execution:build_dense", device="cpu", execution="compiled"
    )

    found = detector.detect(FRAMES)

    for one, boxes in zip(found, BOXES, strict=True):
        np.testing.assert_allclose(one.boxes_xyxy, np.reshape(boxes, (-1, 4)), atol=0.5)
