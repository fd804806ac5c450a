from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from videoflow.errors import ModelError
from videoflow.nets.onnx_weights import read_convolutions

WEIGHT = np.arange(18, dtype=np.float32).reshape(2, 1, 3, 3)


def _save(file: Path, *, has_bias: bool = True, dtype: type = np.float32) -> Path:
    stored = [numpy_helper.from_array(WEIGHT.astype(dtype), "9")]
    if has_bias:
        stored.append(numpy_helper.from_array(np.ones(2, dtype), "7"))
    names = [tensor.name for tensor in stored]
    nodes = [
        helper.make_node("Relu", ["x"], ["y"], name="first"),
        helper.make_node("Conv", ["y", *names], ["z"], name="second"),
    ]
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 8, 8])
    output = helper.make_tensor_value_info("z", TensorProto.FLOAT, None)
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", [image], [output], stored)), file)
    return file


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_convolutions_come_with_weight_and_bias(tmp_path: Path, dtype: type) -> None:
    """Weights are read by their place in the graph, as float32."""
    (conv,) = read_convolutions(_save(tmp_path / "a.onnx", dtype=dtype))

    assert conv.name == "second"
    np.testing.assert_array_equal(conv.weight.numpy(), WEIGHT)
    assert conv.bias.tolist() == [1, 1]


def test_convolution_without_bias_is_refused(tmp_path: Path) -> None:
    """An export without folded normalisation is refused by file and node."""
    file = _save(tmp_path / "a.onnx", has_bias=False)

    with pytest.raises(ModelError, match=r"a\.onnx, node 'second'"):
        read_convolutions(file)


def test_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    """A file that is no ONNX file is refused by its name."""
    file = tmp_path / "a.onnx"
    file.write_bytes(b"PK\x03\x04 no graph at all")

    with pytest.raises(ModelError, match=r"a\.onnx: is no ONNX file"):
        read_convolutions(file)
