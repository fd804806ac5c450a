"""Reads trained numbers out of ONNX files. The only file that imports ``onnx``.

Only the stored tensors are read: the network itself is our own PyTorch code, and no ONNX
runtime is needed. The library costs 25 ms to import beside torch and 35 MB on disk with
protobuf; a parser of our own would be a hundred lines about somebody else's format.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError  # type: ignore[import-untyped] # no stubs
from onnx import numpy_helper
from torch import Tensor

from videoflow.errors import ModelError
from videoflow.nets.conv_weights import ConvWeights

__all__ = ["read_convolutions", "read_operands", "read_tensors"]


def read_convolutions(file: Path) -> list[ConvWeights]:
    """Return weights and biases of all convolutions, in the order in which the graph runs them.

    Exporters that fold batch normalisation give what they folded running numbers for names,
    so that the order is the only name that is left; whoever loads compares every shape.

    Raises:
        ModelError: The file is no ONNX file, or holds a convolution without stored weights.
    """
    graph = _read_graph(file)
    stored = {tensor.name: tensor for tensor in graph.initializer}
    found = []
    for node in graph.node:
        if node.op_type != "Conv":
            continue
        if len(node.input) != 3 or not set(node.input[1:]) <= stored.keys():
            raise ModelError(
                f"{file}, node {node.name!r}: got a convolution without stored weight and bias",
                help="export in evaluation mode, with batch normalisation folded",
            )
        weight, bias = (_tensor(stored[name]) for name in node.input[1:])
        found.append(ConvWeights(node.name, weight, bias))
    return found


def read_operands(file: Path, operator: str) -> list[tuple[str, ...]]:
    """Return what each node of one kind takes, by name, in the order of the graph.

    Raises:
        ModelError: The file is no ONNX file.
    """
    return [tuple(node.input) for node in _read_graph(file).node if node.op_type == operator]


def read_tensors(file: Path) -> dict[str, Tensor]:
    """Return every stored tensor by its name, as float32.

    Raises:
        ModelError: The file is no ONNX file.
    """
    return {tensor.name: _tensor(tensor) for tensor in _read_graph(file).initializer}


def _read_graph(file: Path) -> onnx.GraphProto:
    try:
        return onnx.load(file, load_external_data=False).graph
    except DecodeError as error:
        raise ModelError(f"{file}: is no ONNX file: {error}") from error


def _tensor(stored: onnx.TensorProto) -> Tensor:
    return torch.from_numpy(np.array(numpy_helper.to_array(stored), np.float32))
