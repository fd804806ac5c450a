from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from tests.pictures import noisy_picture, smooth_picture
from videoflow.errors import ModelError, ShapeError
from videoflow.nets.onnx_runtime import load_onnx
from videoflow.nets.osnet import OsNet, osnet_retail_0248

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def file(test_data: Path) -> Path:
    return test_data / "reid" / "person-reidentification-retail-0248.onnx"


@pytest.fixture(scope="module")
def network(file: Path) -> OsNet:
    return osnet_retail_0248(file)


@pytest.fixture(scope="module")
def crops() -> torch.Tensor:
    """Five crops that are unlike each other."""
    size = OsNet.size_hw
    waves = smooth_picture(size)
    pictures = [waves, 255 - waves, waves.flip(1), waves // 4, noisy_picture(size)]
    return torch.stack(pictures).float()


def _as_trained(file: Path, copy: Path) -> Path:
    """Copy the graph, with colours normalised by themselves and even padding."""
    model = onnx.load(file)
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        attributes = {attribute.name: attribute for attribute in node.attribute}
        if node.op_type == "ReduceMean" and list(attributes["axes"].ints) == [0, 1, 2, 3]:
            attributes["axes"].ints[:] = [1, 2]
        for pads in [attributes["pads"].ints] if "pads" in attributes else []:
            pads[:] = [pads[3]] * 4  # the right and lower side have what all should have
        if node.op_type == "Reshape" and node.output[0] == "Transpose__660:0":
            shape = numpy_helper.to_array(stored[node.input[1]]).copy()
            shape[1] = 16
            stored[node.input[1]].CopyFrom(numpy_helper.from_array(shape, node.input[1]))
    onnx.save(model, copy)
    return copy


def test_vectors_are_those_of_the_graph_as_it_was_trained(
    network: OsNet, file: Path, crops: torch.Tensor, tmp_path: Path
) -> None:
    """The network computes what the file's graph does, where its two slips are undone."""
    pytest.importorskip("onnxruntime")
    graph = load_onnx(_as_trained(file, tmp_path / "trained.onnx"), device=CPU)

    got = network(crops)

    (want,) = graph(crops.permute(0, 2, 3, 1).flip(3))  # BGR, channels last
    torch.testing.assert_close(got, want, atol=1e-4, rtol=0)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_a_crop_does_not_depend_on_the_others(
    network: OsNet, crops: torch.Tensor, layout: torch.memory_format
) -> None:
    """A batch gives what its crops give one by one."""
    together = network(crops.to(memory_format=layout))

    alone = torch.cat([network(crop[None]) for crop in crops])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=0)


def test_a_black_crop_has_a_vector(network: OsNet) -> None:
    """Normalisation of a picture without contrast divides by no zero."""
    assert network(torch.zeros(1, 3, 256, 128)).isfinite().all()


@pytest.mark.parametrize("shape", [(1, 3, 128, 256), (1, 3, 256, 127), (3, 256, 128)], ids=str)
def test_crops_of_another_size_are_refused(network: OsNet, shape: tuple[int, ...]) -> None:
    """The message says which size is wanted."""
    with pytest.raises(ShapeError, match=r"want \[N, 3, 256, 128\]"):
        network(torch.zeros(shape))


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    """A graph without OSNet's layers is a ModelError with the file's name."""
    weight = numpy_helper.from_array(torch.zeros(16, 3, 7, 7).numpy(), "conv2d/weight")
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "conv2d/weight"], ["y"])],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [weight],
    )
    onnx.save(helper.make_model(graph), tmp_path / "other.onnx")

    with pytest.raises(ModelError, match=r"other\.onnx: does not fit OSNet"):
        osnet_retail_0248(tmp_path / "other.onnx")
