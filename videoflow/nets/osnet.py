"""OSNet: a small network that tells people apart by what they look like.

The network only: crops of one person each in, one vector each out. Batch normalisation is
folded. Modules are defined in the order in which the layers were made when the stored weights
were trained, because that order is how the weights find them.

Source: Zhou et al., *Omni-Scale Feature Learning for Person Re-Identification*,
arXiv:1905.00953, with instance normalisation of the crop and of the first layer.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from videoflow.errors import ModelError, ShapeError
from videoflow.nets.onnx_weights import read_operands, read_tensors

__all__ = ["OsNet", "osnet_retail_0248"]

_GATE_REDUCTION: Final = 16


class OsNet(nn.Module):
    """The network of a quarter of the paper's width and less, with random weights.

    Attributes:
        embedding_size: Numbers in a vector.
        size_hw: Height and width of a crop in pixels: the last layer has a weight for every
            place.
    """

    embedding_size: Final = 256
    size_hw: Final = (256, 128)

    scale: Tensor
    shift: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(3, 1, 1))
        self.register_buffer("shift", torch.zeros(3, 1, 1))
        self.crop_norm = nn.InstanceNorm2d(3, affine=True)
        self.stem = nn.Conv2d(3, 16, 7, stride=2, padding=3, bias=False)
        self.stem_norm = nn.InstanceNorm2d(16, affine=True)
        self.body = nn.Sequential(
            _Block(16, 16, 64),
            _Block(64, 16, 64),
            _Pointwise(64, 64),
            nn.AvgPool2d(2),
            _Block(64, 24, 96),
            _Block(96, 24, 96),
            _Pointwise(96, 96),
            nn.AvgPool2d(2),
            _Block(96, 32, 128),
            _Block(128, 32, 128),
            _Pointwise(128, 128),
        )
        self.places = nn.Conv2d(128, 128, (16, 8), groups=128)
        self.head = nn.Linear(128, self.embedding_size)
        self.head_slope = nn.PReLU()

    def forward(self, crops: Tensor) -> Tensor:
        """Return one vector for each crop; its length has no meaning, its direction has.

        Args:
            crops: float ``[N, 3, 256, 128]``, RGB, 0 to 255.

        Returns:
            float ``[N, 256]``.

        Raises:
            ShapeError: Crops of another size.
        """
        if crops.dim() != 4 or crops.shape[1:] != (3, *self.size_hw):
            raise ShapeError(f"OSNet: got {list(crops.shape)}, want [N, 3, 256, 128]")
        x = self.crop_norm(crops * self.scale + self.shift)
        x = F.relu_(self.stem_norm(self.stem(x)))
        x = self.body(F.max_pool2d(x, 3, stride=2, padding=1))
        vectors: Tensor = self.head_slope(self.head(self.places(x).flatten(1)))
        return vectors


class _Pointwise(nn.Conv2d):
    """A 1 x 1 convolution and a ReLU."""

    def __init__(self, num_in: int, num_out: int) -> None:
        super().__init__(num_in, num_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu_(super().forward(x))


class _Light(nn.Module):
    """A 3 x 3 convolution split into a pointwise and a depthwise one, and a ReLU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(width, width, 1, bias=False)
        self.spread = nn.Conv2d(width, width, 3, padding=1, groups=width)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu_(self.spread(self.mix(x)))


class _Gate(nn.Module):
    """Weighs the channels of each picture by their means."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.squeeze = _Pointwise(width, width // _GATE_REDUCTION)
        self.excite = nn.Conv2d(width // _GATE_REDUCTION, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean(dim=(2, 3), keepdim=True)
        weights: Tensor = self.excite(self.squeeze(means)).sigmoid_()
        return x * weights


class _Block(nn.Module):
    """Looks at four sizes of surroundings at once: one to four 3 x 3 convolutions deep."""

    def __init__(self, num_in: int, width: int, num_out: int) -> None:
        super().__init__()
        self.narrow = _Pointwise(num_in, width)
        self.streams = nn.ModuleList(
            nn.Sequential(*(_Light(width) for _ in range(depth))) for depth in (1, 2, 3, 4)
        )
        self.gate = _Gate(width)
        self.widen = nn.Conv2d(width, num_out, 1)
        self.shortcut = nn.Identity() if num_in == num_out else nn.Conv2d(num_in, num_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        narrow = self.narrow(x)
        total = self.gate(self.streams[0](narrow))
        for stream in self.streams[1:]:
            total = total + self.gate(stream(narrow))
        return F.relu_(self.widen(total) + self.shortcut(x))


def osnet_retail_0248(weights: Path) -> OsNet:
    """Build the network and fill it from ``person-reidentification-retail-0248.onnx``.

    The graph in that file differs from the network that was trained in two places, which its
    way through other formats explains: it normalises a crop over its colours and places
    together, and it pads strided layers to the right and below only. Here each colour is
    normalised by itself and padding is even, as in the authors' definition; the model's README
    has figures of both.

    Args:
        weights: The file that the model's card names.

    Returns:
        The network on the CPU in evaluation mode, without gradients.

    Raises:
        ModelError: The file does not fit the network.
    """
    network = OsNet()
    tensors = read_tensors(weights)
    try:
        _fill_convolutions(network, tensors, read_operands(weights, "Conv"))
        _fill_rest(network, tensors)
    except (KeyError, IndexError) as error:
        raise ModelError(
            f"{weights}: does not fit OSNet: {error}", help="want the file of the model's card"
        ) from error
    return network.requires_grad_(False).eval()


def _fill_convolutions(
    network: OsNet, tensors: dict[str, Tensor], operands: list[tuple[str, ...]]
) -> None:
    """Give each layer the next stored weight of its shape.

    The graph runs the branches in an order of its own, and the layers of a gate four times; the
    numbers in the names of the weights tell in which order the layers were made.
    """
    by_shape = defaultdict(list)
    biases = {weight: bias for _, weight, *bias in operands}
    for name in sorted(biases, key=_layer_number):
        by_shape[tensors[name].shape].append(name)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            name = by_shape[layer.weight.shape].pop(0)
            layer.weight = nn.Parameter(tensors[name])
            if layer.bias is not None:
                layer.bias = nn.Parameter(tensors[biases[name][0]])


def _layer_number(weight_name: str) -> int:
    """Return 9 for ``model/conv2d_9/...``, 0 for ``model/conv2d/...``."""
    found = re.search(r"conv2d_(\d+)/", weight_name)
    return int(found[1]) if found else 0


def _fill_rest(network: OsNet, tensors: dict[str, Tensor]) -> None:
    def number(name: str) -> Tensor:
        return tensors[f"model/tf.{name}:0"].flatten()

    network.scale = number("math.multiply/Mul/y").view(3, 1, 1)
    network.shift = number("math.add/Add/y").view(3, 1, 1)
    for norm, place in ((network.crop_norm, 1), (network.stem_norm, 2)):
        norm.weight = nn.Parameter(number(f"math.multiply_{place}/Mul/y"))
        norm.bias = nn.Parameter(number(f"math.add_{place}/Add/y"))
    gain, offset = number("math.multiply_27/Mul/y"), number("math.add_155/Add/y")
    matrix = tensors["model/tf.linalg.matmul/MatMul/b:0"]
    network.head.weight = nn.Parameter(matrix * gain[:, None])
    network.head.bias = nn.Parameter(number("math.add_154/Add/y") * gain + offset)
    network.head_slope.weight = nn.Parameter(-tensors["model/p_re_lu/Neg:0"].flatten())
