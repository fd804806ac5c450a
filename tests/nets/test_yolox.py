from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from torch import Tensor

from videoflow.errors import ModelError, ShapeError
from videoflow.nets.yolox import YoloX, YoloXSize, yolox_nano, yolox_s
from videoflow.nets.yolox_blocks import Stem

ROWS = [0, 51, 1000, 2703, 2704, 3000, 3379, 3380, 3548]
COLUMNS = [0, 1, 2, 3, 4, 5, 20, 84]
# The ONNX graph's output for _pattern(), by onnxruntime 1.32 on a CPU; columns from the
# fifth are probabilities.
GRAPH_OUTPUT = [
    [1.583424, 1.150234, 1.141193, 0.682296, 0.000002, 0.051910, 0.000120, 0.003039],
    [-1.079968, 0.877722, 1.166389, 0.471708, 0.000005, 0.047368, 0.000133, 0.003312],
    [1.281205, 1.174463, 1.652598, 2.194167, 0.000005, 0.035784, 0.000683, 0.065916],
    [-0.606074, -0.546615, 1.137423, 1.075368, 0.000136, 0.010183, 0.000190, 0.005055],
    [0.785653, 0.818670, 2.329831, 2.287029, 0.000001, 0.082195, 0.004252, 0.019427],
    [1.052156, 1.099330, 3.152561, 3.199998, 0.054018, 0.000760, 0.000381, 0.254929],
    [-0.474606, -1.260511, 1.068837, 1.515374, 0.015316, 0.008223, 0.000102, 0.001284],
    [1.425401, 1.720688, 0.942091, 1.233170, 0.000039, 0.312016, 0.027714, 0.003531],
    [-0.932339, -0.880281, 1.337741, 1.303020, 0.036459, 0.004276, 0.000645, 0.000519],
]


@pytest.fixture(scope="module")
def nano(test_data: Path) -> YoloX:
    return yolox_nano(test_data / "weights" / "yolox_nano_coco_416.onnx", num_classes=80)


@pytest.fixture
def small() -> YoloX:
    """A network with random weights."""
    torch.manual_seed(0)
    return YoloX(YoloXSize(0.33, 0.25, is_depthwise=True), num_classes=3).eval()


def _pattern() -> Tensor:
    y, x = torch.meshgrid(torch.arange(416), torch.arange(416), indexing="ij")
    planes = torch.stack(((x * 3 + y) % 256, (x + y * 2) % 256, (x * y // 64) % 256))
    return planes.float().unsqueeze(0)


def test_raw_outputs_are_those_of_the_exported_graph(nano: YoloX) -> None:
    """The network computes what the graph computes that its weights come from."""
    with torch.inference_mode():
        raw = nano.raw(_pattern())

    outputs = torch.cat(
        (raw.boxes, raw.objectness.sigmoid().unsqueeze(-1), raw.classes.sigmoid()), dim=-1
    )
    assert outputs.shape == (1, 3549, 85)
    picked = outputs[0][ROWS][:, COLUMNS]
    torch.testing.assert_close(picked, torch.tensor(GRAPH_OUTPUT), rtol=0, atol=1e-4)


def test_boxes_are_offsets_from_their_place(small: YoloX) -> None:
    """A box is centre (place + offset) x stride, and size exp(log size) x stride."""
    images = torch.rand(1, 3, 32, 64) * 255

    with torch.inference_mode():
        raw, decoded = small.raw(images).boxes[0], small(images).boxes[0]

    # strides 8, 16 and 32 have 4 x 8, 2 x 4 and 1 x 2 places, row by row
    for row, (column, line, stride) in {
        9: (1, 1, 8),
        32 + 6: (2, 1, 16),
        41: (1, 0, 32),
    }.items():
        x, y, width, height = raw[row].tolist()
        want = torch.tensor([column + x, line + y, torch.e**width, torch.e**height]) * stride
        torch.testing.assert_close(decoded[row], want)


@pytest.mark.parametrize("size_hw", [(32, 32), (32, 96), (320, 416)])
@pytest.mark.parametrize("num_images", [0, 1, 3])
def test_any_multiple_of_the_stride_works(
    small: YoloX, size_hw: tuple[int, int], num_images: int
) -> None:
    """The input may have any size that is a multiple of 32, and any number of images."""
    height, width = size_hw

    with torch.inference_mode():
        found = small(torch.zeros(num_images, 3, height, width))

    num_places = height * width * 21 // 1024  # 1/64 + 1/256 + 1/1024
    assert found.boxes.shape == (num_images, num_places, 4)
    assert found.objectness.shape == (num_images, num_places)
    assert found.classes.shape == (num_images, num_places, 3)


@pytest.mark.parametrize("size_hw", [(31, 32), (32, 33), (0, 32)])
def test_other_sizes_are_refused(small: YoloX, size_hw: tuple[int, int]) -> None:
    """A size that is no multiple of the stride is refused, not rounded."""
    with pytest.raises(ShapeError, match="multiples of 32"):
        small(torch.zeros(1, 3, *size_hw))


def test_stem_is_the_focus_convolution() -> None:
    """One strided convolution gives what slices, concatenation and convolution give."""
    torch.manual_seed(0)
    images, weight = torch.rand(1, 3, 8, 8), torch.rand(5, 12, 3, 3)
    stem = Stem(5)
    stem.weight.data, stem.bias = Stem.from_focus(weight), torch.nn.Parameter(torch.zeros(5))

    got = stem(images)

    slices = [images[..., y::2, x::2] for y, x in ((0, 0), (1, 0), (0, 1), (1, 1))]
    focus = torch.nn.functional.conv2d(torch.cat(slices, dim=1), weight, padding=1)
    torch.testing.assert_close(got, torch.nn.functional.silu(focus))


@pytest.mark.parametrize(
    ("size", "millions"),
    [
        pytest.param(YoloXSize(0.33, 0.25, is_depthwise=True), 0.91, id="nano"),
        pytest.param(YoloXSize(0.33, 0.375), 5.06, id="tiny"),
        pytest.param(YoloXSize(0.33, 0.5), 9.0, id="s"),
        pytest.param(YoloXSize(0.67, 0.75), 25.3, id="m"),
        pytest.param(YoloXSize(1.0, 1.0), 54.2, id="l"),
        pytest.param(YoloXSize(1.33, 1.25), 99.1, id="x"),
    ],
)
def test_sizes_have_the_published_number_of_parameters(
    size: YoloXSize, millions: float
) -> None:
    """Every member of the family is as large as its paper says (table 2 and 3)."""
    with torch.device("meta"):
        model = YoloX(size, num_classes=80)

    num_parameters = sum(parameter.numel() for parameter in model.parameters())
    assert num_parameters / 1e6 == pytest.approx(millions, rel=0.01)


def test_weights_of_another_size_are_refused(test_data: Path) -> None:
    """A file of another member of the family is refused before anything runs."""
    file = test_data / "weights" / "yolox_nano_coco_416.onnx"

    with pytest.raises(ModelError, match="got 113 convolutions, want "):
        yolox_s(file, num_classes=80)


def test_weights_of_other_classes_are_refused_by_layer(test_data: Path) -> None:
    """A label list of another length is refused at the layer that it does not fit."""
    file = test_data / "weights" / "yolox_nano_coco_416.onnx"

    with pytest.raises(
        ModelError, match=r"for 'heads\.0\.classes': got weight \[80, 64, 1, 1\]"
    ):
        yolox_nano(file, num_classes=3)


def test_network_pickles_without_what_it_remembers(small: YoloX) -> None:
    """The places remembered for a size do not travel."""
    with torch.inference_mode():
        want = small(torch.ones(1, 3, 32, 32))
        got = pickle.loads(pickle.dumps(small))(torch.ones(1, 3, 32, 32))

    assert torch.equal(got.boxes, want.boxes)
