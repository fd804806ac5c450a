"""From a model's name to a detector that is ready to run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import torch
from torch import Tensor, nn

from videoflow.errors import GraphError, ModelError
from videoflow.nets.card import InputContract, ModelCard, OutputContract, load_card
from videoflow.nets.detector import DenseDetector, Detector
from videoflow.nets.labels import class_indices
from videoflow.nets.listed_detector import ListedDetector
from videoflow.nets.network_files import load_network_file
from videoflow.nets.output_forms import DENSE_FORMS, LISTED_FORMS, DenseNetwork
from videoflow.nets.own_detector import OwnDetector, find_function, is_builder
from videoflow.nets.postprocess import Selection
from videoflow.nets.weights import find_weights

__all__ = ["Precision", "load_detector", "resolve_device"]

Precision = Literal["float32", "bfloat16"]

_DTYPES: Final = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class _Model(NamedTuple):
    """A network on its device, and what a card or its own attributes say about it."""

    name: str
    network: Callable[[Any], Any]
    labels: tuple[str, ...]
    input: InputContract
    output: OutputContract
    dtype: torch.dtype
    batch_size: int | None = None


def load_detector(  # noqa: PLR0913 - what a detector can be told, all of it optional
    model: str | Path,
    *,
    classes: Sequence[str | int] | None = None,
    score_threshold: float | None = None,
    nms_threshold: float | None = None,
    input_size: int | None = None,
    device: str = "auto",
    precision: Precision = "float32",
    weights: str | Path | None = None,
    allow_unknown_checksum: bool = False,
) -> Detector:
    """Find a model's weights, build its network and put it on the device.

    Args:
        model: A name on the shelf, the path of a model's folder, or
            ``package.module:function`` (see ``docs/add-a-model.md``).
        classes: Names or indices of the classes to keep; None for all.
        score_threshold: Least score of a detection, 0 to 1; None for the card's.
        nms_threshold: Intersection over union above which two boxes of one class are one;
            None for the card's.
        input_size: Longest side of the scaled pictures in pixels; None for the card's.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: Number format of the network; its boxes are float32 always.
        weights: A file of the caller's own instead of the card's.
        allow_unknown_checksum: See ``find_weights``.

    Raises:
        ModelError: An unknown model or class, no weights, or weights that do not fit.
        MissingDependencyError: An ONNX file, and no ONNX Runtime for the device.
        GraphError: A device that is not there.
    """
    where = resolve_device(device)
    if is_builder(model):
        built = _build(model, where)
        if not isinstance(built, nn.Module):
            kept = class_indices(classes, built.labels, model=model)
            selection = Selection(score_threshold or 0.0, nms_threshold or 1.0, kept)
            return OwnDetector(built, tuple(built.labels), selection, model)
        found = _described(built, model, where, _DTYPES[precision])
    else:
        card = load_card(model)
        if weights is not None:
            card = card.with_weights(Path(weights))
        card.class_indices(classes)  # a wrong name is told before anything is downloaded
        file = find_weights(card, allow_unknown_checksum=allow_unknown_checksum)
        found = _from_file(card, file, where, precision)
    output = found.output
    selection = Selection(
        output.score_threshold if score_threshold is None else score_threshold,
        output.nms_threshold if nms_threshold is None else nms_threshold,
        class_indices(classes, found.labels, model=found.name),
    )
    return _detector(found, selection, found.input.input_size(input_size), where)


def resolve_device(device: str) -> torch.device:
    """Turn ``auto`` into the first GPU, or into the CPU where there is none.

    Args:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        GraphError: A GPU that is not there.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    where = torch.device(device)
    if where.type == "cuda" and (where.index or 0) >= torch.cuda.device_count():
        raise GraphError(
            f"device: got {device!r}, and torch sees {torch.cuda.device_count()} GPUs",
            help="device='auto' takes a GPU if there is one, and the CPU if not",
        )
    return where


def _build(function: str, device: torch.device) -> Any:
    built = find_function(function, where="model")(device)
    wanted = (
        ("labels", "input", "output") if isinstance(built, nn.Module) else ("labels", "detect")
    )
    if missing := [name for name in wanted if not hasattr(built, name)]:
        raise ModelError(
            f"model {function!r}: built a {type(built).__name__} without {', '.join(missing)}",
            help="want a network with labels, input and output, or a detector with labels "
            "and detect(): see docs/add-a-model.md",
        )
    return built


def _described(network: Any, name: str, device: torch.device, dtype: torch.dtype) -> _Model:
    """Take what a network says about itself."""
    for key, kind in (("input", InputContract), ("output", OutputContract)):
        if not isinstance(getattr(network, key), kind):
            came = type(getattr(network, key)).__name__
            raise ModelError(
                f"model {name!r}: its network's {key!r} is {came}, want {kind.__name__}"
            )
    labels = tuple(map(str, network.labels))
    placed = network.eval().requires_grad_(False).to(device=device, dtype=dtype)
    return _Model(name, placed, labels, network.input, network.output, dtype)


def _from_file(
    card: ModelCard, file: Path, device: torch.device, precision: Precision
) -> _Model:
    if card.factory is not None:
        build = find_function(card.factory, where=f"model {card.name!r}, $.factory")
        network = build(file, num_classes=len(card.labels))
        network.to(device=device, dtype=_DTYPES[precision])
        return _Model(
            card.name, network, card.labels, card.input, card.output, _DTYPES[precision]
        )
    if precision != "float32":
        raise ModelError(
            f"model {card.name!r}: got precision={precision!r} for a network out of a file, "
            "which computes in the format that it was exported in",
            help="leave precision out, or export the network in that format",
        )
    run, dtype, batch_size, input_hw = load_network_file(file, device=device)
    if input_hw is not None and input_hw != card.input.size:
        raise ModelError(
            f"model {card.name!r}, $.input.size: got {card.input.size}, and {file.name} takes "
            f"{list(input_hw)} only",
            help="write [height, width] into the card",
        )
    return _Model(card.name, run, card.labels, card.input, card.output, dtype, batch_size)


def _detector(
    model: _Model,
    selection: Selection,
    input_size: int | tuple[int, int],
    device: torch.device,
) -> Detector:
    form = model.output.form
    if form in LISTED_FORMS:
        return ListedDetector(
            model.network,
            model.labels,
            model.input,
            model.output,
            selection,
            input_size,
            device,
            model.dtype,
            batch_size=1 if form == "xyxy_single" else model.batch_size,
        )
    if form not in DENSE_FORMS:
        raise ModelError(f"model {model.name!r}: the form {form!r} is not one of a detector")
    network: Callable[[Tensor], Any] = DenseNetwork(
        model.network, model.output, num_classes=len(model.labels), batch_size=model.batch_size
    )
    return DenseDetector(
        network, model.labels, model.input, selection, input_size, device, model.dtype
    )
