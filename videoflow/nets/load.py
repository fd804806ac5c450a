"""From a model's name to a detector that is ready to run."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import torch

from videoflow.errors import GraphError, ModelError
from videoflow.nets.card import ModelCard, load_card
from videoflow.nets.detector import DenseDetector, Detector
from videoflow.nets.embedder import Embedder
from videoflow.nets.postprocess import Selection
from videoflow.nets.weights import find_weights

__all__ = ["Precision", "load_detector", "load_embedder", "resolve_device"]

Precision = Literal["float32", "bfloat16"]

_DTYPES: Final = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def load_detector(  # noqa: PLR0913 - what a detector can be told, all of it optional
    model: str | Path,
    *,
    classes: Sequence[str | int] | None = None,
    score_threshold: float = 0.1,
    nms_threshold: float = 0.65,
    input_size: int | None = None,
    device: str = "auto",
    precision: Precision = "float32",
    weights: str | Path | None = None,
    allow_unknown_checksum: bool = False,
) -> Detector:
    """Find a model's weights, build its network and put it on the device.

    Args:
        model: A name on the shelf, or the path of a model's folder.
        classes: Names or indices of the classes to keep; None for all.
        score_threshold: Least score of a detection, 0 to 1.
        nms_threshold: Intersection over union above which two boxes of one class are one.
        input_size: Longest side of the scaled pictures in pixels; None for the card's.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: Number format of the network; its boxes are float32 always.
        weights: A file of the caller's own instead of the card's.
        allow_unknown_checksum: See ``find_weights``.

    Raises:
        ModelError: An unknown model or class, no weights, or weights that do not fit.
        GraphError: A device that is not there.
    """
    card = load_card(model)
    if weights is not None:
        card = card.with_weights(Path(weights))
    where = resolve_device(device)
    selection = Selection(score_threshold, nms_threshold, card.class_indices(classes))
    build = _find_factory(card)
    file = find_weights(card, allow_unknown_checksum=allow_unknown_checksum)
    network = build(file, num_classes=len(card.labels))
    network.to(device=where, dtype=_DTYPES[precision])
    return DenseDetector(
        network,
        labels=card.labels,
        contract=card.input,
        selection=selection,
        input_size=card.input.input_size(input_size),
        device=where,
        dtype=_DTYPES[precision],
    )


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
    network = _find_factory(card)(find_weights(card))
    return Embedder(
        network.to(device=where, memory_format=torch.channels_last),
        embedding_size=network.embedding_size,
        contract=card.input,
        max_crops=max_crops,
        device=where,
    )


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


def _find_factory(card: ModelCard) -> Callable[..., Any]:
    module_name, _, function_name = card.factory.partition(":")
    try:
        factory: Callable[..., Any] = getattr(
            importlib.import_module(module_name), function_name
        )
    except (ImportError, AttributeError) as error:
        raise ModelError(
            f"model {card.name!r}, $.factory: cannot find {card.factory!r}: {error}",
            help="want 'package.module:function', importable in the worker",
        ) from error
    return factory
