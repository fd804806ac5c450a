"""From a model's name to a detector or a segmenter that is ready to run."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import torch

from videoflow.errors import GraphError, ModelError
from videoflow.nets.card import ModelCard, load_card
from videoflow.nets.detector import DenseDetector, Detector, ObjectsDetector
from videoflow.nets.postprocess import Selection
from videoflow.nets.segmenter import Segmenter
from videoflow.nets.weights import find_weights

__all__ = ["Precision", "load_detector", "load_segmenter", "resolve_device"]

Precision = Literal["float32", "bfloat16"]

_DETECTORS: Final[dict[str, Callable[..., Detector]]] = {
    "cxcywh_logits": DenseDetector,
    "objects": ObjectsDetector,
}
_DTYPES: Final = {"float32": torch.float32, "bfloat16": torch.bfloat16}


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
        model: A name on the shelf, or the path of a model's folder.
        classes: Names or indices of the classes to keep; None for all.
        score_threshold: Least score of a detection, 0 to 1; None for the card's.
        nms_threshold: Intersection over union above which two boxes of one class are one;
            None for the card's.
        input_size: In place of the card's, in pixels: which side of the scaled pictures it
            is, the card's ``input.fit`` says.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: Number format of the network; its boxes are float32 always.
        weights: A file of the caller's own instead of the card's.
        allow_unknown_checksum: See ``find_weights``.

    Raises:
        ModelError: An unknown model or class, no weights, or weights that do not fit.
        GraphError: A device that is not there.
    """
    card = load_card(model)
    output = card.output
    detector = _DETECTORS.get(output.form)
    if detector is None:
        raise ModelError(
            f"model {card.name!r}: gives {output.form}, and no boxes",
            help="SemanticSegmenter is the node for it",
        )
    return detector(
        _load_network(
            card,
            device=resolve_device(device),
            dtype=_DTYPES[precision],
            weights=weights,
            allow_unknown_checksum=allow_unknown_checksum,
        ),
        labels=card.labels,
        contract=card.input,
        selection=Selection(
            output.score_threshold if score_threshold is None else score_threshold,
            output.nms_threshold if nms_threshold is None else nms_threshold,
            card.class_indices(classes),
        ),
        input_size=input_size or card.input.size,
        device=resolve_device(device),
        dtype=_DTYPES[precision],
    )


def load_segmenter(  # noqa: PLR0913 - see load_detector
    model: str | Path,
    *,
    input_size: int | None = None,
    device: str = "auto",
    precision: Precision = "float32",
    weights: str | Path | None = None,
    allow_unknown_checksum: bool = False,
) -> Segmenter:
    """Find a model's weights, build its network and put it on the device.

    Args:
        model: A name on the shelf, or the path of a model's folder.
        input_size: See ``load_detector``, as for all that follow.
        device: The same.
        precision: The same.
        weights: The same.
        allow_unknown_checksum: The same.

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
    return Segmenter(
        _load_network(
            card,
            device=where,
            dtype=_DTYPES[precision],
            weights=weights,
            allow_unknown_checksum=allow_unknown_checksum,
        ),
        labels=card.labels,
        contract=card.input,
        input_size=input_size or card.input.size,
        device=where,
        dtype=_DTYPES[precision],
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


def _load_network(
    card: ModelCard,
    *,
    device: torch.device,
    dtype: torch.dtype,
    weights: str | Path | None,
    allow_unknown_checksum: bool,
) -> Any:
    """Return what the card's factory makes of the weights."""
    if weights is not None:
        card = card.with_weights(Path(weights))
    build = _find_factory(card)
    file = find_weights(card, allow_unknown_checksum=allow_unknown_checksum)
    return build(file, num_classes=len(card.labels)).to(device=device, dtype=dtype)


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
