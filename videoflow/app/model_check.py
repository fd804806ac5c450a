"""Whether a model works: it is loaded, run once, and asked the same in two ways."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from videoflow.data.detections import Detections
from videoflow.data.frame import Frame, Stamp
from videoflow.errors import ModelError
from videoflow.nets.card import load_card
from videoflow.nets.load import load_detector, load_embedder, load_segmenter
from videoflow.nets.shelf import model_names
from videoflow.nets.weights import find_weights, local_weights
from videoflow.vision.boxes import iou

__all__ = ["check_model", "here"]

_SIZE_HW = (480, 640)
_LOW_SCORE = 0.01
_TOLERANCE = 0.02
"""Of a score, and (from 1) of the overlap of two boxes: rounding differs with the batch."""

Look = Callable[[Sequence[Frame]], Sequence[Any]]


def here() -> list[str]:
    """Return the names of the models whose weights are here."""
    return [name for name in model_names() if local_weights(load_card(name))]


def check_model(name: str, *, device: str, allow_unknown_checksum: bool) -> dict[str, Any]:
    """Load a model and run it on four made-up frames, batched and one by one.

    Args:
        name: On the shelf, or a model's folder.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        allow_unknown_checksum: See ``find_weights``.

    Returns:
        ``name``, ``ok``, ``ms_per_frame`` (batched, after a first run), ``task``.

    Raises:
        ModelError: It cannot be loaded, or the two ways disagree.
    """
    card = load_card(name)
    find_weights(card, allow_unknown_checksum=allow_unknown_checksum)
    look, is_same = _LOOKS.get(card.output.form, _detector)(name, device)
    frames = [_frame(index) for index in range(4)]
    single = [look([frame])[0] for frame in frames]
    started = time.perf_counter()
    batched = look(frames)
    seconds = time.perf_counter() - started
    for frame, one, other in zip(frames, single, batched, strict=True):
        if not is_same(one, other):
            raise ModelError(
                f"model {name!r}: finds something else in frame {frame.stamp.index} "
                "when it stands in a batch than when it is alone",
                help="a batch dimension that was fixed in an export, or normalisation in "
                "training mode, does that",
            )
    return {
        "name": name,
        "ok": True,
        "task": card.task,
        "ms_per_frame": 1000 * seconds / len(frames),
    }


def _frame(index: int) -> Frame:
    """Make a frame with edges and colours, another for each index."""
    height, width = _SIZE_HW
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    planes = torch.stack((x + 40 * index, y * 2, (x * y) // 256 + 60 * index)) % 256
    planes[:, 120:400, 100 + 60 * index : 200 + 60 * index] = 30 + 50 * index
    return Frame(planes.to(torch.uint8), Stamp("check", index, 0.0, _SIZE_HW), "rgb")


def _detector(name: str, device: str) -> tuple[Look, Callable[[Any, Any], bool]]:
    detector = load_detector(name, device=device, score_threshold=_LOW_SCORE)
    return detector.detect, _are_same_detections


def _segmenter(name: str, device: str) -> tuple[Look, Callable[[Any, Any], bool]]:
    segmenter = load_segmenter(name, device=device)
    return segmenter.segment, lambda one, other: bool(
        np.mean(one.class_map == other.class_map) > 1 - _TOLERANCE
    )


def _embedder(name: str, device: str) -> tuple[Look, Callable[[Any, Any], bool]]:
    embedder = load_embedder(name, device=device)
    height, width = _SIZE_HW
    boxes = np.array([[0, 0, width / 2, height], [width / 4, 0, width, height]], np.float32)
    return (
        lambda frames: embedder.embed(frames, [boxes] * len(frames)),
        lambda one, other: bool(np.abs(one - other).max() < _TOLERANCE),
    )


_LOOKS = {"class_logits": _segmenter, "embedding": _embedder}


def _are_same_detections(one: Detections, other: Detections) -> bool:
    """Return whether each clear detection of the one is in the other, and the reverse."""
    return _has_all(one, other) and _has_all(other, one)


def _has_all(wanted: Detections, found: Detections) -> bool:
    clear = wanted[wanted.scores > _LOW_SCORE + _TOLERANCE]
    is_match = (
        (iou(clear.boxes_xyxy, found.boxes_xyxy) > 1 - 5 * _TOLERANCE)
        & (clear.labels[:, None] == found.labels)
        & (np.abs(clear.scores[:, None] - found.scores) < _TOLERANCE)
    )
    return bool(is_match.any(axis=1).all())
