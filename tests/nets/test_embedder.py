from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.pictures import as_nv12, as_rgb, noisy_picture, smooth_picture
from videoflow.errors import LeaseError, ModelError
from videoflow.nets.card import InputContract
from videoflow.nets.embedder import Embedder
from videoflow.nets.load import load_embedder

CONTRACT = InputContract(channels="rgb", size=(8, 4), fit="stretch", pad_value=0)
NAN = float("nan")


class Means:
    """A network whose vector is each crop's mean colour; it counts its calls."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, crops: Tensor) -> Tensor:
        self.sizes.append(len(crops))
        return crops.mean(dim=(2, 3))


def _embedder(network: Means, *, max_crops: int = 32) -> Embedder:
    return Embedder(network, 3, CONTRACT, max_crops, torch.device("cpu"))


def _boxes(*boxes: tuple[float, ...]) -> np.ndarray:
    return np.array(boxes, np.float32).reshape(-1, 4)


def _flat(*rgb: int) -> Tensor:
    return torch.tensor(rgb, dtype=torch.uint8).view(3, 1, 1).expand(3, 20, 30).contiguous()


def test_vectors_have_length_one_and_stand_with_their_boxes() -> None:
    """Each frame gets its own rows, in their order."""
    frames = [as_rgb(_flat(0, 3, 4)), as_rgb(_flat(6, 0, 8))]
    boxes = [_boxes((0, 0, 9, 9), (5, 5, 20, 20)), _boxes((1, 1, 9, 9))]

    first, second = _embedder(Means()).embed(frames, boxes)

    np.testing.assert_allclose(first, [[0, 0.6, 0.8]] * 2, atol=1e-6)
    np.testing.assert_allclose(second, [[0.6, 0, 0.8]], atol=1e-6)
    assert first.dtype == np.float32


def test_a_box_that_shows_nothing_has_a_vector_of_zeros() -> None:
    """Zero size, not a number, outside: zeros, and the others are as without them."""
    frame = as_rgb(_flat(0, 3, 4))
    boxes = _boxes((5, 5, 5, 9), (0, 0, 9, 9), (NAN, 0, 9, 9), (40, 0, 50, 9))

    (vectors,) = _embedder(Means()).embed([frame], [boxes])

    np.testing.assert_allclose(vectors[1], [0, 0.6, 0.8], atol=1e-6)
    assert not vectors[[0, 2, 3]].any()


@pytest.mark.parametrize(
    ("counts", "sizes"),
    [
        pytest.param([], [], id="no frames"),
        pytest.param([0], [], id="nobody"),
        pytest.param([0, 1, 0], [1], id="one"),
        pytest.param([2, 1], [3], id="full"),
        pytest.param([2, 0, 3, 2], [3, 3, 1], id="last partial"),
    ],
)
def test_boxes_of_all_frames_share_the_calls(counts: list[int], sizes: list[int]) -> None:
    """The network is called with up to ``max_crops`` crops, whatever frames they are of."""
    network = Means()
    frames = [as_rgb(_flat(0, 3, 4)) for _ in counts]

    vectors = _embedder(network, max_crops=3).embed(
        frames, [_boxes(*[(0, 0, 9, 9)] * count) for count in counts]
    )

    assert [len(of_frame) for of_frame in vectors] == counts
    assert all(of_frame.shape[1] == 3 for of_frame in vectors)
    assert network.sizes == sizes


def test_a_frame_after_its_time_is_refused() -> None:
    """A lent frame whose slot was written again is not looked at."""

    class Over:
        def check(self) -> None:
            raise LeaseError("too late")

    frame = replace(as_rgb(_flat(1, 2, 3)), lease=Over())

    with pytest.raises(LeaseError, match="too late"):
        _embedder(Means()).embed([frame], [_boxes((0, 0, 9, 9))])


def test_a_model_for_something_else_is_refused() -> None:
    """A detector's name is answered with what it is for."""
    with pytest.raises(ModelError, match=r"'yolox_nano': got one for detection, want .*embed"):
        load_embedder("yolox_nano")


@pytest.mark.usefixtures("weights")
def test_a_batch_gives_what_its_boxes_give_one_by_one() -> None:
    """Which frames and boxes stand together does not matter, in either layout."""
    embedder = load_embedder("osnet_retail_0248", device="cpu")
    pictures = [smooth_picture((120, 90)), noisy_picture((64, 48))]
    frames = [as_rgb(pictures[0]), as_nv12(pictures[0]), as_nv12(pictures[1])]
    boxes = [
        _boxes((3, 5, 40, 110)),
        _boxes((3, 5, 40, 110), (9, 9, 80, 99)),
        _boxes((0, 0, 48, 64)),
    ]

    together = embedder.embed(frames, boxes)

    for frame, of_frame, vectors in zip(frames, boxes, together, strict=True):
        for box, vector in zip(of_frame, vectors, strict=True):
            ((alone,),) = embedder.embed([frame], [box[None]])
            np.testing.assert_allclose(vector, alone, atol=1e-4)
    assert together[0][0] @ together[1][0] > 0.95  # RGB and NV12 of one picture


@pytest.mark.usefixtures("weights")
def test_people_are_told_apart(test_data: Path) -> None:
    """On a street with six people, looks alone tell who is who, a second and more apart."""
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "reid.py"
    spec = importlib.util.spec_from_file_location("reid", path)
    assert spec
    assert spec.loader
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)

    figures = benchmark.evaluate(test_data)

    assert figures["auc"] > 0.94
    assert figures["rank1"] > 0.88
    assert figures["same"] - figures["different"] > 0.35


@pytest.mark.gpu
@pytest.mark.usefixtures("weights")
def test_a_gpu_gives_what_the_cpu_gives() -> None:
    """Vectors agree between devices."""
    frames, boxes = [as_nv12(smooth_picture((120, 90)))], [_boxes((3, 5, 40, 110))]

    (want,), (got,) = (
        load_embedder("osnet_retail_0248", device=device).embed(frames, boxes)
        for device in ("cpu", "cuda")
    )

    np.testing.assert_allclose(got, want, atol=5e-3)
