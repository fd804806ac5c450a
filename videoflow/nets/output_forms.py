"""What networks give, in the forms that a card can name, and how each one is read.

N pictures, A places, C classes, K objects; boxes are in pixels of the input.

*Dense* forms say something about every place; overlaps are still to be settled:

- ``cxcywh_logits``: ``boxes [N, A, 4]`` (centre x, y, width, height), ``objectness [N, A]`` and
  ``classes [N, A, C]``, both as logits.
- ``cxcywh_scores``: one tensor ``[N, A, 5 + C]``: the box, then objectness and classes, each 0
  to 1. A YOLOX export with the decoding in it (``--decode_in_inference``); YOLOv5.
- ``cxcywh_class_scores``: one tensor ``[N, 4 + C, A]``, without objectness. YOLOv8 and later.
- ``yolox_raw``: as ``cxcywh_scores``, with boxes as offsets from the place's corner and
  logarithms of sizes, both in strides of 8, 16 and 32. YOLOX's usual ONNX export.

*Listed* forms are final, apart from the score threshold and the wish for certain classes; a
box is left, top, right, bottom:

- ``xyxy_batch``: ``boxes [N, K, 4]``, ``scores [N, K]``, ``labels [N, K]``.
- ``xyxy_single``: ``boxes [K, 4]``, ``scores [K]``, ``labels [K]`` of one picture a call.
- ``xyxy_list``: a list of pictures in, and for each a dictionary with these three. What
  torchvision's detection models take and give.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor

from videoflow.errors import ShapeError
from videoflow.nets.card import OutputContract
from videoflow.nets.predictions import Predictions
from videoflow.nets.yolox_places import decode_boxes, make_places

__all__ = ["DENSE_FORMS", "LISTED_FORMS", "DenseNetwork", "Listed", "read_dense", "read_listed"]

DENSE_FORMS: Final = ("cxcywh_logits", "cxcywh_scores", "cxcywh_class_scores", "yolox_raw")
"""Forms with a row for each place that the network looks at."""
LISTED_FORMS: Final = ("xyxy_batch", "xyxy_single", "xyxy_list")
"""Forms with a row for each object, overlaps already removed."""


class Listed(NamedTuple):
    """What a network found in one picture.

    Attributes:
        boxes_xyxy: float ``[K, 4]``, pixels of the input.
        scores: float ``[K]``, 0 to 1.
        labels: ``[K]``, whole numbers of any type.
    """

    boxes_xyxy: Tensor
    scores: Tensor
    labels: Tensor


def read_dense(
    raw: Any, contract: OutputContract, *, images: Tensor, num_classes: int
) -> Predictions:
    """Read what a network gave in one of ``DENSE_FORMS``.

    Args:
        raw: A tensor, a sequence of tensors in the form's order (more than it has are passed
            over), or a mapping from names.
        contract: Names the form.
        images: ``[N, 3, H, W]``, what the network got.
        num_classes: Length of the label list.

    Raises:
        ShapeError: Outputs that are not of this form.
    """
    if contract.form == "cxcywh_logits":
        names = contract.names or ("boxes", "objectness", "classes")
        boxes, objectness, classes = _take(raw, names, contract)
    else:
        (rows,) = _take(raw, contract.names or ("output",), contract)
        if contract.form == "cxcywh_class_scores":
            _check(rows, (len(images), 4 + num_classes, None), contract)
            rows = rows.transpose(1, 2)
            boxes, class_scores = rows[..., :4], rows[..., 4:]
            objectness = torch.full_like(boxes[..., 0], torch.inf)
        else:
            _check(rows, (len(images), None, 5 + num_classes), contract)
            boxes, class_scores = rows[..., :4], rows[..., 5:]
            objectness = torch.logit(rows[..., 4].float())
        classes = torch.logit(class_scores.float())
    if contract.form == "yolox_raw":
        places = make_places(*images.shape[2:]).to(boxes.device)
        _check(boxes, (len(images), len(places), 4), contract)
        boxes = decode_boxes(boxes, places)
    _check(boxes, (len(images), None, 4), contract)
    _check(objectness, tuple(boxes.shape[:2]), contract)
    _check(classes, (*boxes.shape[:2], num_classes), contract)
    return Predictions(boxes, objectness, classes)


@dataclass(frozen=True, slots=True)
class DenseNetwork:
    """A network with its outputs read.

    Attributes:
        network: From float ``[N, 3, H, W]`` to one of ``DENSE_FORMS``.
        contract: Names the form.
        num_classes: Length of the label list.
        batch_size: How many pictures a call takes, at most; None for any number.
    """

    network: Callable[[Tensor], Any]
    contract: OutputContract
    num_classes: int
    batch_size: int | None = None

    def __call__(self, images: Tensor) -> Predictions:
        """Return what the network predicts for ``images``; see ``read_dense``."""
        found = [
            read_dense(
                self.network(part), self.contract, images=part, num_classes=self.num_classes
            )
            for part in torch.split(images, self.batch_size or len(images))
        ]
        if len(found) == 1:
            return found[0]
        return Predictions(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def read_listed(raw: Any, contract: OutputContract, *, num_images: int) -> list[Listed]:
    """Read what a network gave in one of ``LISTED_FORMS``, picture by picture.

    Args:
        raw: For ``xyxy_list`` a sequence of mappings; else see ``read_dense``.
        contract: Names the form.
        num_images: How many pictures it got.

    Raises:
        ShapeError: Outputs that are not of this form.
    """
    names = contract.names or ("boxes", "scores", "labels")
    if contract.form == "xyxy_list":
        if not isinstance(raw, Sequence) or len(raw) != num_images:
            raise ShapeError(
                f"output of the form 'xyxy_list': got {_shapes(raw)}, "
                f"want a list of {num_images} dictionaries"
            )
        found = [Listed(*_take(one, names, contract)) for one in raw]
    else:
        tensors = _take(raw, names, contract)
        if contract.form == "xyxy_single":
            found = [Listed(*tensors)]
        else:
            for tensor in tensors:
                _check(tensor, (num_images, *tensor.shape[1:]), contract)
            found = [Listed(*rows) for rows in zip(*tensors, strict=True)]
    for one in found:
        _check(one.boxes_xyxy, (None, 4), contract)
        _check(one.scores, (len(one.boxes_xyxy),), contract)
        _check(one.labels, (len(one.boxes_xyxy),), contract)
    return found


def _take(raw: Any, names: Sequence[str], contract: OutputContract) -> tuple[Tensor, ...]:
    """Return the tensors that ``names`` stand for."""
    if isinstance(raw, Tensor):
        raw = (raw,)
    if isinstance(raw, Mapping) and len(raw) == len(names) == 1:
        raw = tuple(raw.values())
    if isinstance(raw, Mapping):
        taken = tuple(raw[name] for name in names if name in raw)
    else:
        taken = tuple(raw[: len(names)]) if isinstance(raw, Sequence) else ()
    if len(taken) == len(names) and all(isinstance(one, Tensor) for one in taken):
        return taken
    raise ShapeError(
        f"output of the form {contract.form!r}: got {_shapes(raw)}, want {', '.join(names)}",
        help="output.names in the card says what the outputs are called, in this order",
    )


def _check(tensor: Tensor, want: tuple[int | None, ...], contract: OutputContract) -> None:
    shape = tuple(tensor.shape)
    if len(shape) != len(want) or any(
        wanted not in (None, size) for size, wanted in zip(shape, want, strict=True)
    ):
        wanted = ", ".join("any" if size is None else str(size) for size in want)
        raise ShapeError(
            f"output of the form {contract.form!r}: got {list(shape)}, want [{wanted}]",
            help="the form and the labels in the card must be those of the network",
        )


def _shapes(raw: Any) -> str:
    if isinstance(raw, Tensor):
        return str(list(raw.shape))
    if isinstance(raw, Mapping):
        return ", ".join(f"{name} {_shapes(one)}" for name, one in raw.items())
    if isinstance(raw, Sequence):
        return f"{len(raw)} outputs ({', '.join(_shapes(one) for one in raw)})"
    return type(raw).__name__
