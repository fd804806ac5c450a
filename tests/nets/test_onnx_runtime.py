from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from onnx import TensorProto, helper, save_model
from torch import Tensor

from videoflow.errors import MissingDependencyError, ModelError, ShapeError
from videoflow.nets.onnx_runtime import OnnxNetwork, TensorSpec, load_onnx

pytest.importorskip("onnxruntime")

CPU = torch.device("cpu")
Shape = list[int | str | None]
Build = Callable[..., OnnxNetwork]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Write a graph of one node and open it."""

    def build_one(
        operator: str,
        inputs: dict[str, tuple[int, Shape]],
        output: tuple[int, Shape],
        **attributes: Any,
    ) -> OnnxNetwork:
        node = helper.make_node(operator, list(inputs), ["out"], **attributes)
        graph = helper.make_graph(
            [node],
            "graph",
            [helper.make_tensor_value_info(name, *kind) for name, kind in inputs.items()],
            [helper.make_tensor_value_info("out", *output)],
        )
        opset = helper.make_opsetid("", 13)
        file = tmp_path / "graph.onnx"
        save_model(helper.make_model(graph, opset_imports=[opset], ir_version=8), file)
        return load_onnx(file, device=CPU)

    return build_one


def _sums(build: Build, num_rows: int | str) -> OnnxNetwork:
    """Return a network from float32 [num_rows, 2, 3] to the sums of each row's numbers."""
    return build(
        "ReduceMean",
        {"images": (TensorProto.FLOAT, [num_rows, 2, 3])},
        (TensorProto.FLOAT, [num_rows]),
        axes=[1, 2],
        keepdims=0,
    )


def test_what_the_graph_wants_and_gives_is_known(build: Build) -> None:
    """Names, shapes and types of inputs and outputs are there before the first call."""
    network = build(
        "ArgMax",
        {"scores": (TensorProto.FLOAT, ["n", 3, None])},
        (TensorProto.INT64, ["n", 1, None]),
        axis=1,
    )

    assert network.inputs == (TensorSpec("scores", (None, 3, None), torch.float32),)
    assert network.outputs == (TensorSpec("out", (None, 1, None), torch.int64),)
    assert network.batch_size is None


@pytest.mark.parametrize("num_rows", [1, 2, 3, 5], ids=str)
@pytest.mark.parametrize("batch_size", [1, 2, "n"], ids=["one", "two", "any"])
def test_a_batch_of_any_size_is_taken_by_every_graph(
    build: Build, batch_size: int | str, num_rows: int
) -> None:
    """A graph for one row, for two and for any gives the same for a batch."""
    network = _sums(build, batch_size)
    images = torch.randn(num_rows, 2, 3)

    (means,) = network(images)

    assert network.batch_size == (None if batch_size == "n" else batch_size)
    torch.testing.assert_close(means, images.mean(dim=(1, 2)))


def test_results_are_the_callers_own(build: Build) -> None:
    """A second call does not write into what the first one gave."""
    network = _sums(build, "n")

    (first,) = network(torch.ones(2, 2, 3))
    network(torch.zeros(2, 2, 3))

    assert first.tolist() == [1, 1]


def test_memory_of_any_strides_is_taken(build: Build) -> None:
    """A transposed view is read as what it shows."""
    network = _sums(build, "n")
    images = torch.randn(3, 2, 4).transpose(0, 2)[1:]

    (means,) = network(images)

    torch.testing.assert_close(means, images.mean(dim=(1, 2)))


def test_an_input_without_rows_goes_into_every_run(build: Build) -> None:
    """A number beside the batch is not split with it."""
    network = build(
        "Mul",
        {"images": (TensorProto.FLOAT, [1, 2]), "gain": (TensorProto.FLOAT, [])},
        (TensorProto.FLOAT, [1, 2]),
    )
    images = torch.randn(3, 2)

    (products,) = network(images, torch.tensor(4.0))

    torch.testing.assert_close(products, images * 4)


def test_two_inputs_are_split_together(build: Build) -> None:
    """Row k of one input meets row k of the other."""
    kind = (TensorProto.FLOAT, [2, 4])
    network = build("Add", {"a": kind, "b": kind}, kind)
    a, b = torch.randn(2, 5, 4)

    (sums,) = network(a, b)

    torch.testing.assert_close(sums, a + b)


@pytest.mark.parametrize(
    ("images", "want"),
    [
        pytest.param(torch.zeros(2, 2, 3, dtype=torch.uint8), "uint8", id="bytes"),
        pytest.param(torch.zeros(2, 3, 2), r"\[2, 3, 2\]", id="sides swapped"),
        pytest.param(torch.zeros(2, 3), r"\[2, 3\]", id="one picture"),
        pytest.param(torch.zeros(0, 2, 3), r"\[0, 2, 3\]", id="no rows"),
    ],
)
@pytest.mark.parametrize("num_rows", [1, "n"], ids=str)
def test_a_wrong_input_is_told_what_is_wanted(
    build: Build, images: Tensor, want: str, num_rows: int | str
) -> None:
    """The message names file and input, what came, and type and shape of the graph."""
    network = _sums(build, num_rows)

    with pytest.raises(
        ShapeError,
        match=rf"^graph.onnx, input 'images': got .*{want}.*, "
        r"want torch.float32 \[N >= 1, 2, 3\] on cpu$",
    ):
        network(images)


def test_the_number_of_inputs_is_checked(build: Build) -> None:
    """A call with too many tensors is refused with the names of the inputs."""
    network = _sums(build, "n")

    with pytest.raises(ShapeError, match=r"got 2 tensors, want 1 \(images\)"):
        network(torch.zeros(1, 2, 3), torch.zeros(1))


def test_inputs_with_different_rows_are_refused(build: Build) -> None:
    """Where the graph has a fixed number of rows, inputs that are split match."""
    kind = (TensorProto.FLOAT, [1, 4])
    network = build("Add", {"a": kind, "b": kind}, kind)

    with pytest.raises(ShapeError, match=r"input 'b': got .*\[2, 4\].*want .*\[3, 4\]"):
        network(torch.zeros(3, 4), torch.zeros(2, 4))


def test_outputs_that_are_not_one_for_each_row_are_not_joined(build: Build) -> None:
    """A list of findings cannot be told apart by rows, unless the graph is run once."""
    network = build(
        "NonZero", {"x": (TensorProto.FLOAT, [1, 2])}, (TensorProto.INT64, [2, None])
    )

    (once,) = network(torch.tensor([[0.0, 3.0]]))

    assert once.tolist() == [[0], [1]]
    with pytest.raises(ShapeError, match=r"output 'out': got .* for 1 rows, want one for each"):
        network(torch.ones(2, 2))


@pytest.mark.parametrize(
    "content", [pytest.param(b"no graph", id="text"), pytest.param(b"", id="empty")]
)
def test_a_file_that_is_no_graph_is_refused(tmp_path: Path, content: bytes) -> None:
    """What is not ONNX is a ModelError with the file's name."""
    file = tmp_path / "broken.onnx"
    file.write_bytes(content)

    with pytest.raises(ModelError, match=r"broken\.onnx"):
        load_onnx(file, device=CPU)


def test_a_graph_with_texts_is_refused(build: Build) -> None:
    """Inputs that torch has no type for are named."""
    with pytest.raises(ModelError, match=r"'names': got tensor\(string\)"):
        build("Identity", {"names": (TensorProto.STRING, [1])}, (TensorProto.STRING, [1]))


def test_a_device_that_the_library_has_not_is_refused(tmp_path: Path) -> None:
    """Nothing falls back to the CPU silently."""
    runtime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in runtime.get_available_providers():
        pytest.skip("this ONNX Runtime computes on GPUs")

    with pytest.raises(MissingDependencyError, match=r"(?s)device cuda:0.*onnxruntime-gpu"):
        load_onnx(tmp_path / "any.onnx", device=torch.device("cuda:0"))


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ONNX Runtime the error has the line that installs it."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    with pytest.raises(MissingDependencyError, match=r"pip install \"videoflow\[onnxruntime\]"):
        load_onnx(tmp_path / "any.onnx", device=CPU)


def test_threads_are_torchs(build: Build) -> None:
    """The number of threads that a worker was given holds for ONNX Runtime too."""
    network = _sums(build, "n")

    assert network._session.get_session_options().intra_op_num_threads == 1


@pytest.mark.parametrize(
    ("file", "shape"),
    [
        pytest.param("weights/yolox_nano_coco_416.onnx", (3, 416, 416), id="yolox"),
        pytest.param("reid/person-reidentification-retail-0248.onnx", (256, 128, 3), id="reid"),
    ],
)
def test_real_files_run_row_by_row(test_data: Path, file: str, shape: tuple[int, ...]) -> None:
    """Exports for one picture give for two what they give for each."""
    network = load_onnx(test_data / file, device=CPU)
    images = torch.rand(2, *shape) * 255

    (both,) = network(images)

    assert network.batch_size == 1
    for row, image in zip(both, images, strict=True):
        torch.testing.assert_close(row, network(image[None])[0][0])


@pytest.mark.gpu
def test_a_gpu_gives_what_the_cpu_gives(test_data: Path) -> None:
    """On a GPU inputs and outputs are tensors there, with the values of the CPU."""
    runtime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" not in runtime.get_available_providers():
        pytest.skip("this ONNX Runtime does not compute on GPUs")
    file = test_data / "reid/person-reidentification-retail-0248.onnx"
    images = torch.rand(3, 256, 128, 3) * 255

    (want,) = load_onnx(file, device=CPU)(images)
    (got,) = load_onnx(file, device=torch.device("cuda:0"))(images.cuda())

    assert got.is_cuda
    torch.testing.assert_close(got.cpu(), want, rtol=1e-2, atol=1e-2)
