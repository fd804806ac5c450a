from __future__ import annotations

import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.nets.yolox_reference import ReferenceYoloX, make_reference
from videoflow.errors import ModelError, ShapeError
from videoflow.nets import yolox
from videoflow.nets.card import load_card
from videoflow.nets.onnx_runtime import load_onnx
from videoflow.nets.yolox import YoloX, YoloXSize, yolox_nano, yolox_s
from videoflow.nets.yolox_blocks import Stem

SIZES = {
    "yolox_nano": YoloXSize(0.33, 0.25, is_depthwise=True),
    "yolox_tiny": YoloXSize(0.33, 0.375),
    "yolox_s": YoloXSize(0.33, 0.5),
    "yolox_m": YoloXSize(0.67, 0.75),
    "yolox_l": YoloXSize(1.0, 1.0),
    "yolox_x": YoloXSize(1.33, 1.25),
}
FACTORIES: dict[str, Any] = {name: getattr(yolox, name) for name in SIZES}

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


def test_network_computes_what_onnx_runtime_computes(nano: YoloX, test_data: Path) -> None:
    """The whole output agrees with the graph's own to 1e-4, on noise as on a pattern."""
    pytest.importorskip("onnxruntime", reason="the graph is run by it")
    file = test_data / "weights" / "yolox_nano_coco_416.onnx"
    graph = load_onnx(file, device=torch.device("cpu"))
    torch.manual_seed(0)
    images = torch.cat((_pattern(), torch.rand(1, 3, 416, 416) * 255))

    with torch.inference_mode():
        raw = nano.raw(images)
        (want,) = graph(images)

    ours = torch.cat(
        (raw.boxes, raw.objectness.sigmoid().unsqueeze(-1), raw.classes.sigmoid()), dim=-1
    )
    torch.testing.assert_close(ours, want, rtol=0, atol=1e-4)


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
    ("name", "millions"),
    [
        ("yolox_nano", 0.91),
        ("yolox_tiny", 5.06),
        ("yolox_s", 9.0),
        ("yolox_m", 25.3),
        ("yolox_l", 54.2),
        ("yolox_x", 99.1),
    ],
)
def test_sizes_have_the_published_number_of_parameters(name: str, millions: float) -> None:
    """Every member of the family is as large as its paper says, and as its card says."""
    size = SIZES[name]
    with torch.device("meta"):
        ours = YoloX(size, num_classes=80)
        theirs = ReferenceYoloX(size.depth, size.width, size.is_depthwise, num_classes=80)

    card = load_card(name)
    assert count(ours) == card.num_parameters
    assert count(theirs) / 1e6 == pytest.approx(millions, abs=0.06 if millions > 1 else 0.006)
    num_normalized = sum(
        module.num_features for module in theirs.modules() if isinstance(module, nn.BatchNorm2d)
    )
    assert count(ours) == count(theirs) - num_normalized  # two numbers become one bias


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def raw_rows(model: YoloX, images: Tensor) -> Tensor:
    raw = model.raw(images)
    return torch.cat((raw.boxes, raw.objectness.unsqueeze(-1), raw.classes), dim=-1)


@pytest.mark.parametrize(
    "name",
    [
        *("yolox_nano", "yolox_tiny", "yolox_s", "yolox_m"),
        *(pytest.param(name, marks=pytest.mark.exhaustive) for name in ("yolox_l", "yolox_x")),
    ],
)
def test_official_checkpoint_computes_what_it_did_unfolded(name: str, tmp_path: Path) -> None:
    """Folded into convolutions, a checkpoint of any size gives what normalisation gave."""
    size = SIZES[name]
    reference = make_reference(size.depth, size.width, size.is_depthwise, num_classes=3)
    torch.save({"model": reference.state_dict(), "start_epoch": 300}, tmp_path / "a.pth")
    images = torch.rand(2, 3, 64, 96, dtype=torch.double) * 255

    model = FACTORIES[name](tmp_path / "a.pth", num_classes=3)

    with torch.inference_mode():
        got, want = raw_rows(model.double(), images), reference.double()(images)
    assert want.std(dim=(0, 1)).min() > 0.1  # it says something
    torch.testing.assert_close(got, want, rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", ["yolox_nano", "yolox_tiny", "yolox_m"])
def test_onnx_export_computes_what_the_checkpoint_did(name: str, tmp_path: Path) -> None:
    """An export with folded normalisation, as exporters write it, gives the same numbers."""
    size = SIZES[name]
    reference = make_reference(size.depth, size.width, size.is_depthwise, num_classes=3)
    images = torch.rand(1, 3, 64, 96) * 255
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        torch.onnx.export(reference, (images,), tmp_path / "a.onnx", dynamo=False)

    model = FACTORIES[name](tmp_path / "a.onnx", num_classes=3)

    with torch.inference_mode():
        torch.testing.assert_close(
            raw_rows(model, images), reference(images), rtol=1e-3, atol=3e-3
        )


def _bare(state: dict[str, Tensor]) -> Any:
    return state


def _of_several_gpus(state: dict[str, Tensor]) -> Any:
    return {"model": {f"module.{name}": value for name, value in state.items()}}


def _with_best_precision(state: dict[str, Tensor]) -> Any:
    return {"model": state, "best_ap": np.float64(0.4), "optimizer": {"state": {}}}


def _half(state: dict[str, Tensor]) -> Any:
    return {"model": {name: value.half() for name, value in state.items()}}


@pytest.mark.parametrize("wrap", [_bare, _of_several_gpus, _with_best_precision])
def test_checkpoints_come_in_several_wrappings(wrap: Any, tmp_path: Path) -> None:
    """The parameters alone, those of several GPUs, and those with a trainer's notes load."""
    reference = make_reference(0.33, 0.25, True, num_classes=2)
    torch.save(wrap(reference.state_dict()), tmp_path / "a.pth")

    model = yolox_nano(tmp_path / "a.pth", num_classes=2)

    images = torch.rand(1, 3, 32, 32) * 255
    with torch.inference_mode():
        torch.testing.assert_close(
            raw_rows(model, images), reference(images), rtol=1e-3, atol=3e-3
        )


def test_checkpoint_that_was_written_with_numpy_1_loads(tmp_path: Path) -> None:
    """NumPy's numbers had another address before NumPy 2, and old checkpoints keep it."""
    reference = make_reference(0.33, 0.25, True, num_classes=2)
    torch.save(_with_best_precision(reference.state_dict()), tmp_path / "new.pth")
    with (
        zipfile.ZipFile(tmp_path / "new.pth") as new,
        zipfile.ZipFile(tmp_path / "old.pth", "w") as old,
    ):
        for name in new.namelist():
            old.writestr(name, new.read(name).replace(b"numpy._core", b"numpy.core"))

    assert yolox_nano(tmp_path / "old.pth", num_classes=2).num_classes == 2


class Malice:
    """What a checkpoint must not be able to do."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("touched"),)


def test_nothing_in_a_checkpoint_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that would run code is refused, and has not run it."""
    monkeypatch.chdir(tmp_path)
    torch.save({"model": Malice()}, "a.pth")

    with pytest.raises(ModelError, match="without running code in it"):
        yolox_nano(tmp_path / "a.pth", num_classes=2)

    assert not Path("touched").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param([1, 2], "got list, want a dictionary of tensors", id="list"),
        pytest.param({"model": {"a": 1}}, "want a dictionary of tensors", id="numbers"),
        pytest.param({}, r"has no 'backbone.backbone.stem.conv.conv.weight'", id="empty"),
    ],
)
def test_checkpoint_of_something_else_is_refused(
    content: Any, message: str, tmp_path: Path
) -> None:
    """What is no checkpoint of this family is refused by what is missing."""
    torch.save(content, tmp_path / "a.pth")

    with pytest.raises(ModelError, match=message):
        yolox_s(tmp_path / "a.pth", num_classes=80)


def test_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    """A file that is no checkpoint at all is refused by its name."""
    (tmp_path / "a.pth").write_bytes(b"no checkpoint")

    with pytest.raises(ModelError, match=r"a\.pth: is no checkpoint"):
        yolox_s(tmp_path / "a.pth", num_classes=80)


@pytest.mark.parametrize(
    ("trained", "loaded", "message"),
    [
        pytest.param("yolox_m", "yolox_s", r"got 'backbone.*want the", id="deeper"),
        pytest.param("yolox_s", "yolox_m", r"has no 'backbone", id="shallower"),
        pytest.param("yolox_tiny", "yolox_s", r"got weight \[24, 3, 6, 6\]", id="narrower"),
        pytest.param("yolox_nano", "yolox_tiny", r"has no 'backbone", id="depthwise"),
    ],
)
def test_checkpoint_of_another_size_is_refused(
    trained: str, loaded: str, message: str, tmp_path: Path
) -> None:
    """A checkpoint of another member of the family is refused by the layer that differs."""
    size = SIZES[trained]
    torch.save(
        ReferenceYoloX(size.depth, size.width, size.is_depthwise, num_classes=3).state_dict(),
        tmp_path / "a.pth",
    )

    with pytest.raises(ModelError, match=message):
        FACTORIES[loaded](tmp_path / "a.pth", num_classes=3)


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
