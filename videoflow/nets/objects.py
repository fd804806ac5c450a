"""What a network that selects by itself says about a batch: the form ``objects`` of a card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from videoflow.data.detections import Detections
from videoflow.data.frame import Stamp
from videoflow.nets.letterbox import Letterbox
from videoflow.nets.mask_crops import crop_masks
from videoflow.nets.postprocess import Selection

__all__ = ["Objects", "ObjectsNetwork", "split_objects"]


class Objects(NamedTuple):
    """One row for each of the M objects of a batch: picture by picture, best first.

    Attributes:
        image: int64 ``[M]``, which picture of the batch.
        boxes_xyxy: float32 ``[M, 4]``, pixels of the input.
        scores: float32 ``[M]``, 0 to 1.
        labels: int64 ``[M]``.
        keypoints: float32 ``[M, K, 3]`` (x, y in pixels of the input, score), or None.
        mask_scores: float32 ``[M, h, w]``, how sure each part of the box is the object, 0 to
            1; or None.
    """

    image: Tensor
    boxes_xyxy: Tensor
    scores: Tensor
    labels: Tensor
    keypoints: Tensor | None = None
    mask_scores: Tensor | None = None


class ObjectsNetwork(Protocol):
    """A network that selects by itself, because its parts work on what others selected."""

    def __call__(
        self, images: Tensor, *, content_hw: Sequence[tuple[int, int]], selection: Selection
    ) -> Objects:
        """Return the objects of a batch, on the device of ``images``.

        Args:
            images: float ``[N, 3, H, W]``, as the card's contract says.
            content_hw: N sizes; the rest of an image is padding, and boxes end before it.
            selection: Which objects stay.
        """


def split_objects(
    objects: Objects, *, stamps: Sequence[Stamp], letterboxes: Sequence[Letterbox]
) -> list[Detections]:
    """Bring a batch to the host, in one copy, and map it to the source pictures.

    Args:
        objects: Of N images, on any device.
        stamps: N, which frame each image is.
        letterboxes: N, how each image was fitted.

    Returns:
        N detections, best first.
    """
    parts = [objects.image[:, None], objects.boxes_xyxy, objects.scores[:, None]]
    parts.append(objects.labels[:, None])
    extras = (objects.keypoints, objects.mask_scores)
    parts += [extra.flatten(1) for extra in extras if extra is not None]
    rows = torch.cat([part.float() for part in parts], dim=1).cpu().numpy()
    ends = np.searchsorted(rows[:, 0], np.arange(1, len(stamps)))
    return [
        _frame_detections(part, objects, stamp=stamp, fit=fit)
        for part, stamp, fit in zip(np.split(rows, ends), stamps, letterboxes, strict=True)
    ]


def _frame_detections(
    rows: NDArray[np.float32], form: Objects, *, stamp: Stamp, fit: Letterbox
) -> Detections:
    boxes = fit.to_source(rows[:, 1:5])
    keypoints = masks = None
    if form.keypoints is not None:
        keypoints = rows[:, 7:].reshape(len(rows), *form.keypoints.shape[1:]).copy()
        keypoints[..., :2] *= fit.scale_xy
    if form.mask_scores is not None:
        scores = rows[:, 7:].reshape(len(rows), *form.mask_scores.shape[1:])
        masks = crop_masks(scores, boxes, size_hw=fit.source_hw)
    return Detections(
        stamp,
        boxes_xyxy=boxes,
        scores=rows[:, 5].copy(),
        labels=rows[:, 6].astype(np.int64),
        keypoints=keypoints,
        masks=masks,
    )
