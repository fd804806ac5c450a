"""From a model's name to a detector, a segmenter or an embedder that is ready to run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import torch
from torch import nn

from videoflow.errors import GraphError, ModelError
from videoflow.nets.builder import find_function, is_builder
from videoflow.nets.card import ModelCard, load_card
from videoflow.nets.detector import DenseDetector, Detector, ObjectsDetector
from videoflow.nets.embedder import Embedder
from videoflow.nets.execution import BucketedNetwork, Execution, executed
from videoflow.nets.fill_choice import choose_fill
from videoflow.nets.labels import class_indices
from videoflow.nets.listed_detector import ListedDetector
from videoflow.nets.network import Network, described_network, load_network
from videoflow.nets.output_forms import DENSE_FORMS, LISTED_FORMS, DenseNetwork
from videoflow.nets.own_detector import OwnDetector, build_model
from videoflow.nets.postprocess import Selection
from videoflow.nets.segmenter import Segmenter
from videoflow.nets.stages import make_stages
from videoflow.nets.weights import find_weights

__all__ = [
    "Precision",
    "load_detector",
    "load_embedder",
    "load_segmenter",
    "resolve_device",
]

Precision = Literal["float32", "float16", "bfloat16"]
"""The number type that a network computes in."""

_DTYPES: Final = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}


def load_detector(  # noqa: PLR0913 - what a detector can be told, all of it optional
    model: str | Path,
    *,
    classes: Sequence[str | int] | None = None,
    score_threshold: float | None = None,
    nms_threshold: float | None = None,
    input_size: int | None = None,
    device: str = "auto",
    precision: Precision = "float32",
    execution: Execution = "eager",
    weights: str | Path | None = None,
    allow_unknown_checksum: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> Detector:
    """Find a model's weights, build its network and put it on the device.

    Args:
        model: A name on the shelf, the path of a model's folder, or
            ``package.module:function`` (see ``nets.builder``).
        classes: Names or indices of the classes to keep; None for all.
        score_threshold: Least score of a detection, 0 to 1; None for the model's.
        nms_threshold: Intersection over union above which two boxes of one class are one;
            None for the model's.
        input_size: In place of the model's, in pixels: which side of the scaled pictures it
            is, the card's ``input.fit`` says.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: Number format of the network; its boxes are float32 always.
        execution: How its layers are run; see ``nets.execution``.
        weights: A file of the caller's own instead of the card's.
        allow_unknown_checksum: See ``find_weights``.
        report: Hears what was chosen for the device.

    Raises:
        ModelError: An unknown model or class, no weights, or weights that do not fit.
        MissingDependencyError: An ONNX file, and no ONNX Runtime for the device.
        GraphError: A device that is not there, or that does not run networks in this way.
    """
    where = resolve_device(device)
    network = _find_network(
        model,
        device=where,
        precision=precision,
        weights=weights,
        allow_unknown_checksum=allow_unknown_checksum,
    )
    kept = class_indices(classes, network.labels, model=str(model))
    if isinstance(network, OwnDetector):
        if execution != "eager":
            raise ModelError(
                f"model {str(model)!r}: got execution={execution!r} for a whole detector",
                help="leave execution out; how it runs is the detector's own affair",
            )
        return network.selecting(Selection(score_threshold or 0.0, nms_threshold or 1.0, kept))
    network = executed(network, execution, device=where)
    output = network.output
    selection = Selection(
        output.score_threshold if score_threshold is None else score_threshold,
        output.nms_threshold if nms_threshold is None else nms_threshold,
        kept,
    )
    parts = _frame_model_parts(network, input_size=input_size, device=where, report=report)
    return _make_detector(network, selection=selection, **parts)


def load_segmenter(  # noqa: PLR0913 - see load_detector
    model: str | Path,
    *,
    input_size: int | None = None,
    device: str = "auto",
    precision: Precision = "float32",
    execution: Execution = "eager",
    weights: str | Path | None = None,
    allow_unknown_checksum: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> Segmenter:
    """Find a model's weights, build its network and put it on the device.

    Args:
        model: A name on the shelf, or the path of a model's folder.
        input_size: See ``load_detector``, as for all that follow.
        device: The same.
        precision: The same.
        execution: The same.
        weights: The same.
        allow_unknown_checksum: The same.
        report: The same.

    Raises:
        ModelError: An unknown model, one that gives boxes, no weights, or weights that do
            not fit.
        GraphError: A device that is not there.
    """
    card = load_card(model)
    if card.output.form != "class_logits":
        raise ModelError(
            f"model {card.name!r}: gives {card.output.form}, and no class for each pixel",
            help="ObjectDetector is the node for it",
        )
    where = resolve_device(device)
    network = load_network(
        card,
        _find_file(card, weights, allow_unknown_checksum),
        device=where,
        dtype=_DTYPES[precision],
    )
    network = executed(network, execution, device=where)
    parts = _frame_model_parts(network, input_size=input_size, device=where, report=report)
    return Segmenter(network.run, **parts)


def load_embedder(model: str | Path, *, max_crops: int = 32, device: str = "auto") -> Embedder:
    """Find the weights of a model for embeddings, build it and put it on the device.

    Args:
        model: A name on the shelf, or the path of a model's folder.
        max_crops: At most so many crops in one call of the network.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        ModelError: An unknown model or one for something else, no weights, or weights that do
            not fit.
        GraphError: A device that is not there.
    """
    card = load_card(model, tasks=["embedding"])
    if not isinstance(card.input.size, tuple):
        raise ModelError(
            f"model {card.name!r}, $.input.size: got {card.input.size}, want height and width",
            help="crops are stretched to one size",
        )
    where = resolve_device(device)
    build = find_function(str(card.factory), where=f"model {card.name!r}, $.factory")
    network = build(find_weights(card))
    return Embedder(
        network.to(device=where, memory_format=torch.channels_last),
        embedding_size=network.embedding_size,
        contract=card.input,
        max_crops=max_crops,
        device=where,
        stages=make_stages(where),
    )


def resolve_device(device: str) -> torch.device:
    """Turn ``auto`` into the first GPU, or into the CPU where there is none.

    Args:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        GraphError: No device, or a GPU that is not there.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        where = torch.device(device)
    except RuntimeError as error:
        raise GraphError(
            f"device: got {device!r}, want 'auto', 'cpu', 'cuda' or 'cuda:N'",
            help="device='auto' takes a GPU if there is one, and the CPU if not",
        ) from error
    if where.type == "cuda" and (where.index or 0) >= torch.cuda.device_count():
        raise GraphError(
            f"device: got {device!r}, and torch sees {torch.cuda.device_count()} GPUs",
            help="device='auto' takes a GPU if there is one, and the CPU if not",
        )
    return where


def _find_network(
    model: str | Path,
    *,
    device: torch.device,
    precision: Precision,
    weights: str | Path | None,
    allow_unknown_checksum: bool,
) -> Network | OwnDetector:
    if not is_builder(model):
        card = load_card(model)
        file = _find_file(card, weights, allow_unknown_checksum)
        return load_network(card, file, device=device, dtype=_DTYPES[precision])
    built = build_model(model, device=device)
    if isinstance(built, nn.Module):
        return described_network(built, name=model, device=device, dtype=_DTYPES[precision])
    return built


def _frame_model_parts(
    network: Network,
    *,
    input_size: int | None,
    device: torch.device,
    report: Callable[[str], None],
) -> dict[str, Any]:
    """Return what every ``FrameModel`` has, by name."""
    size = network.input.input_size(input_size)
    held = {"make_room": network.run.forget} if isinstance(network.run, BucketedNetwork) else {}
    return {
        **held,
        "labels": network.labels,
        "contract": network.input,
        "input_size": size,
        "device": device,
        "dtype": network.dtype,
        "stages": make_stages(device),
        "fill": choose_fill(
            network.input, input_size=size, device=device, dtype=network.dtype, report=report
        ),
    }


def _make_detector(network: Network, **parts: Any) -> Detector:
    form = network.output.form
    if form == "objects":
        return ObjectsDetector(network.run, **parts)
    if form in LISTED_FORMS:
        batch_size = 1 if form == "xyxy_single" else network.batch_size
        return ListedDetector(
            network.run, output=network.output, batch_size=batch_size, **parts
        )
    if form not in DENSE_FORMS:
        raise ModelError(
            f"model {network.name!r}: gives {form}, and no boxes",
            help="SemanticSegmenter is the node for class_logits",
        )
    dense = DenseNetwork(
        network.run, network.output, len(network.labels), batch_size=network.batch_size
    )
    return DenseDetector(dense, **parts)


def _find_file(
    card: ModelCard, weights: str | Path | None, allow_unknown_checksum: bool
) -> Path:
    if weights is not None:
        card = card.with_weights(Path(weights))
    return find_weights(card, allow_unknown_checksum=allow_unknown_checksum)
