"""Reads YOLOX's own checkpoints, and knows how the official code calls its layers.

Nothing in a file is run: it is read with ``weights_only=True``. A checkpoint may be what the
official trainer saves (a dictionary with the key ``model`` beside optimizer and epoch), the
parameters alone, or either of them from several GPUs (names begin with ``module.``).

Source: https://github.com/Megvii-BaseDetection/YOLOX, release 0.1.1rc0, ``yolox/models``.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from videoflow.errors import ModelError
from videoflow.nets.conv_weights import ConvWeights, fold_normalization

__all__ = ["official_layers", "read_checkpoint"]

_EPS: Final = 1e-3
"""Of all normalisations. Source: ``init_yolo`` in ``yolox/exp/yolox_base.py``."""

_SCALAR: Final = np.float64().__reduce__()[0]
_SCALARS: Final[list[Any]] = [
    # The trainer saves the best precision so far as a NumPy number; two names, because NumPy 2
    # calls the function that makes it otherwise.
    *((_SCALAR, f"{module}.multiarray.scalar") for module in ("numpy.core", "numpy._core")),
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("float64", "float32", "int64")),
]


def official_layers(*, depth: float, is_depthwise: bool) -> list[str]:
    """Return what the official code calls its convolutions, in the order in which they run.

    Args:
        depth: Factor of the number of blocks in a stage.
        is_depthwise: The 3 x 3 convolutions are split into depthwise and pointwise ones.
    """

    def spatial(name: str) -> list[str]:
        return [f"{name}.dconv", f"{name}.pconv"] if is_depthwise else [name]

    def stage(name: str, num_blocks: int) -> list[str]:
        blocks = [f"{name}.m.{index}" for index in range(num_blocks)]
        inside = [part for b in blocks for part in (f"{b}.conv1", *spatial(f"{b}.conv2"))]
        return [f"{name}.conv1", f"{name}.conv2", *inside, f"{name}.conv3"]

    def head(level: int) -> list[str]:
        def branch(kind: str) -> list[str]:
            return [
                part for i in range(2) for part in spatial(f"head.{kind}_convs.{level}.{i}")
            ]

        return [
            f"head.stems.{level}",
            *branch("cls"),
            f"head.cls_preds.{level}",
            *branch("reg"),
            f"head.reg_preds.{level}",
            f"head.obj_preds.{level}",
        ]

    trunk, blocks = "backbone.backbone", round(3 * depth)
    return [
        f"{trunk}.stem.conv",
        *(*spatial(f"{trunk}.dark2.0"), *stage(f"{trunk}.dark2.1", blocks)),
        *(*spatial(f"{trunk}.dark3.0"), *stage(f"{trunk}.dark3.1", 3 * blocks)),
        *(*spatial(f"{trunk}.dark4.0"), *stage(f"{trunk}.dark4.1", 3 * blocks)),
        *(*spatial(f"{trunk}.dark5.0"), f"{trunk}.dark5.1.conv1", f"{trunk}.dark5.1.conv2"),
        *stage(f"{trunk}.dark5.2", blocks),
        *("backbone.lateral_conv0", *stage("backbone.C3_p4", blocks)),
        *("backbone.reduce_conv1", *stage("backbone.C3_p3", blocks)),
        *(*spatial("backbone.bu_conv2"), *stage("backbone.C3_n3", blocks)),
        *(*spatial("backbone.bu_conv1"), *stage("backbone.C3_n4", blocks)),
        *(part for level in range(3) for part in head(level)),
    ]


def read_checkpoint(file: Path, layers: Sequence[str]) -> list[ConvWeights]:
    """Return weights and biases of ``layers``, in their order, with normalisation folded.

    Raises:
        ModelError: The file is no checkpoint, or holds fewer or more layers than these.
    """
    state = _read_state(file)
    found = [_read_layer(state, name, file=file) for name in layers]
    if left := sorted(state):
        raise ModelError(
            f"{file}: got {left[0]!r} (and {len(left) - 1} more), "
            f"want the {len(layers)} convolutions of the model and no more",
            help="the file is of a larger model, or of another family",
        )
    return found


def _read_state(file: Path) -> dict[str, Tensor]:
    try:
        with torch.serialization.safe_globals(_SCALARS):
            content = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise ModelError(
            f"{file}: is no checkpoint that can be read without running code in it: "
            f"{str(error).splitlines()[0] if str(error) else type(error).__name__}",
            help="save the parameters alone: torch.save(model.state_dict(), FILE)",
        ) from error
    for key in ("model", "state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not all(
        isinstance(value, Tensor) for value in content.values()
    ):
        raise ModelError(
            f"{file}: got {type(content).__name__}, want a dictionary of tensors, "
            "or one with the key 'model'"
        )
    return {
        str(name).removeprefix("module."): tensor.float()
        for name, tensor in content.items()
        if not str(name).endswith("num_batches_tracked")
    }


def _read_layer(state: dict[str, Tensor], name: str, *, file: Path) -> ConvWeights:
    """Take a layer out of ``state``."""

    def take(key: str) -> Tensor:
        if f"{name}.{key}" not in state:
            raise ModelError(
                f"{file}: has no '{name}.{key}'",
                help="want a checkpoint of YOLOX, of the size that the model is",
            )
        return state.pop(f"{name}.{key}")

    if f"{name}.weight" in state:  # the last layer of a branch
        return ConvWeights(name, take("weight"), take("bias"))
    if f"{name}.conv.bias" in state:  # folded already
        return ConvWeights(name, take("conv.weight"), take("conv.bias"))
    weight, bias = fold_normalization(
        take("conv.weight"),
        gamma=take("bn.weight"),
        beta=take("bn.bias"),
        mean=take("bn.running_mean"),
        variance=take("bn.running_var"),
        eps=_EPS,
    )
    return ConvWeights(name, weight, bias)
